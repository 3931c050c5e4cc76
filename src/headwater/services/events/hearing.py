"""What other rooms tell of themselves becomes events on the default bus of the account and region that they say.

The plain form, on the topic "event" of the Bus: {"source", "detail-type", "account", "region", "resources", "detail", "time"}. A record of
CloudTrail (it has an "eventSource") is taken too, and becomes what AWS makes of it.
Source: "AWS service events delivered via AWS CloudTrail" of the EventBridge user guide.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from . import SERVICE
from .delivery import Accepted, accept, event_of
from .live import Live, live_of
from .model import DEFAULT, FAILED
from .schedules import RuleDue

if TYPE_CHECKING:
    from headwater.kernel.home import Home

DETAIL_TYPES: Final = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsCloudTrailInsight": "AWS Insight via CloudTrail",
}
SHOWN: Final = 20


@SERVICE.starts
async def _begin(home: Home) -> None:
    live = home.rooms["events"] = Live(home, lambda told: _hear(home, told))
    if live.order.earliest is not None and live.order.earliest <= home.clock.now():  # killed while it made up for what was missed
        async with home.store.transaction() as tx:
            tx.owe(RuleDue(account="", region="", subject="opened", at=home.clock.now()))


@SERVICE.stops
async def _end(home: Home) -> None:
    await live_of(home).outside.close()


def _hear(home: Home, told: list[Any]) -> None:
    """Runs behind the calls that told it. What is owed is in the journal when this returns."""
    accepted = Accepted([], [])
    for one in told:
        if isinstance(one, dict):
            place, event = from_record(home, one) if "eventSource" in one else from_plain(home, one)
            accepted.add(accept(home, place, event))
    accepted.keep_now(home.store)


def from_plain(home: Home, one: dict[str, Any]) -> tuple[tuple[str, str, str], dict[str, Any]]:
    place = (one["account"], one["region"], DEFAULT)
    event = event_of(
        place,
        source=one["source"],
        detail_type=one["detail-type"],
        time=_moment(one.get("time")) or home.clock.now(),
        detail=_plain(one.get("detail", {})),
        resources=list(one.get("resources", ())),
        event_id=_new_id(home, place),
    )
    return place, event


def from_record(home: Home, record: dict[str, Any]) -> tuple[tuple[str, str, str], dict[str, Any]]:
    place = (record["recipientAccountId"], record["awsRegion"], DEFAULT)
    event = event_of(
        place,
        source=f"aws.{record['eventSource'].partition('.')[0]}",
        detail_type=DETAIL_TYPES.get(record.get("eventType", ""), DETAIL_TYPES["AwsApiCall"]),
        time=_moment(record.get("eventTime")) or home.clock.now(),
        detail=_plain(record),
        resources=[],
        event_id=_new_id(home, place),
    )
    return place, event


def _new_id(home: Home, place: tuple[str, str, str]) -> str:
    return home.context(account=place[0], region=place[1], service="events").new_id()


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """As JSON has it: moments are texts."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


@SERVICE.describes
def _status(home: Home) -> object:
    """The invocations that failed last."""
    failed = home.store.scan(FAILED)[-SHOWN:]
    return {
        "failed invocations": [
            {
                "at": one.at.isoformat(),
                "rule": one.rule_arn,
                "target": one.target_arn,
                "error": f"{one.code}: {one.message}",
                "attempts": one.attempts,
                "dead letter": one.dead_letter,
            }
            for one in failed
        ]
    }
