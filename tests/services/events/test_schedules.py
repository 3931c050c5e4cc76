"""Rules that the Clock fires. Truth: "Creating a rule that runs on a schedule" of the EventBridge user guide; the order is our promise."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest


def test_a_rate_fires_after_each_period(aws: Any, clock: Any, rule: Any, seen: Any) -> None:
    arn = rule("tick", schedule="rate(1 hour)")
    assert seen.now() == []
    clock.advance(timedelta(hours=1, seconds=1))
    [event] = seen.wait(1)
    told = {name: event[name] for name in ("source", "detail-type", "account", "resources", "detail")}
    assert told == {"source": "aws.events", "detail-type": "Scheduled Event", "account": aws.account, "resources": [arn], "detail": {}}
    clock.advance(timedelta(hours=1))
    seen.wait(2)


def test_ticks_that_were_missed_come_with_the_times_at_which_they_were_due(clock: Any, events: Any, rule: Any, seen: Any) -> None:
    rule("often", schedule="rate(10 minutes)")
    rule("seldom", schedule="rate(30 minutes)")
    clock.advance(timedelta(minutes=61))
    found = seen.wait(8)
    events.disable_rule(Name="often")
    names = [event["resources"][0].rpartition("/")[2] for event in found]
    assert sorted(names) == ["often"] * 6 + ["seldom"] * 2
    times = [event["time"] for event in found if event["resources"][0].endswith("often")]
    assert [_moment(later) - _moment(sooner) for sooner, later in pairwise(times)] == [timedelta(minutes=10)] * 5


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_rule_that_is_off_does_not_fire_and_goes_on_later(clock: Any, events: Any, rule: Any, seen: Any) -> None:
    rule("tick", schedule="rate(1 hour)")
    events.disable_rule(Name="tick")
    clock.advance(timedelta(hours=3))
    time.sleep(0.1)
    assert seen.now() == []
    events.enable_rule(Name="tick")
    clock.advance(timedelta(hours=1))
    seen.wait(1)


def test_a_changed_schedule_is_the_only_one_that_fires(clock: Any, events: Any, rule: Any, seen: Any) -> None:
    rule("tick", schedule="rate(1 minute)")
    events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)")
    clock.advance(timedelta(minutes=61))
    seen.wait(1)
    time.sleep(0.1)
    assert len(seen.now()) == 1


def test_a_schedule_survives_a_restart(start_server: Callable[..., Any], account_on: Any, tmp_path: Path) -> None:
    server = start_server(tmp_path / "home")
    account = account_on(server, "111122223333")
    events = account.client("events")
    bus = events.create_event_bus(Name="sink")["EventBusArn"]
    events.create_archive(ArchiveName="kept", EventSourceArn=bus)
    events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": bus}])
    server.stop()
    again = start_server(tmp_path / "home")
    again.call(again.home.advance(timedelta(hours=2, seconds=1)))
    events = account_on(again, "111122223333").client("events")
    for _ in range(200):
        if events.describe_archive(ArchiveName="kept")["EventCount"] == 2:
            return
        time.sleep(0.02)
    raise AssertionError("the ticks did not come")


@pytest.mark.slow
def test_ten_thousand_rules_fire_in_order_in_under_five_seconds(start_server: Callable[..., Any]) -> None:
    """Truth: issue 5, "Speed". The target is a bus without rules, which costs nothing."""
    from headwater.kernel.client import Client
    from headwater.kernel.identity import root_of
    from headwater.services.events.model import RULES

    server = start_server()
    client = Client(server.home, "events", root_of("111122223333"), "us-east-1")

    async def make() -> None:
        bus = await client.create_event_bus(Name="sink")
        begin = server.home.clock.now()
        for number in range(10_000):
            at = begin + timedelta(minutes=10 + number * 7919 % 10_000 * 8)
            expression = f"cron({at.minute} {at.hour} {at.day} {at.month} ? {at.year})"
            await client.put_rule(Name=f"r{number}", ScheduleExpression=expression)
            await client.put_targets(Rule=f"r{number}", Targets=[{"Id": "1", "Arn": bus["EventBusArn"]}])

    server.call(make())
    begun = time.process_time()  # of this process alone: others may keep the machine busy
    server.call(server.home.advance(timedelta(days=60)))
    while any(rule.due for rule in server.scan(RULES)):
        time.sleep(0.1)
    assert time.process_time() - begun < 5
