"""Policies of parameters on the Clock, and what EventBridge is told. Truth: "Assigning parameter policies" and "Monitoring or triggering
actions based on Parameter Store events" of the user guide.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


@pytest.fixture
def ssm(aws: Any) -> Any:
    return aws.client("ssm")


@pytest.fixture
def heard(server: Any, aws: Any) -> Any:
    """What is told of this test's account, from now on: (detail-type, detail)."""
    told: list[tuple[str, dict[str, Any]]] = []

    def hear(events: list[dict[str, Any]]) -> None:
        told.extend((event["detail-type"], event["detail"]) for event in events if event["account"] == aws.account)

    server.loop.call_soon_threadsafe(server.home.bus.subscribe, "event", hear)
    yield told
    server.loop.call_soon_threadsafe(server.home.bus.unsubscribe, "event", hear)


def until(told: list[Any], number: int) -> None:
    deadline = time.monotonic() + 10
    while len(told) < number:
        assert time.monotonic() < deadline, told
        time.sleep(0.01)


def policy(kind: str, **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Version": "1.0", "Attributes": attributes}


def now(server: Any) -> datetime:
    moment: datetime = server.home.clock.now()
    return moment


def put(ssm: Any, *policies: dict[str, Any], **more: Any) -> None:
    ssm.put_parameter(Name="/p", Value="v", Type="String", Tier="Advanced", Policies=json.dumps(policies), **more)


def test_a_parameter_tells_that_it_will_expire_and_expires(ssm: Any, server: Any, clock: Any, heard: Any, refused: Any) -> None:
    expires = (now(server) + timedelta(days=30)).isoformat()
    put(ssm, policy("Expiration", Timestamp=expires), policy("ExpirationNotification", Before="15", Unit="Days"))
    listed = ssm.describe_parameters()["Parameters"][0]["Policies"]
    assert [(each["PolicyType"], each["PolicyStatus"]) for each in listed] == [
        ("Expiration", "Pending"),
        ("ExpirationNotification", "Pending"),
    ]
    assert json.loads(listed[1]["PolicyText"])["Attributes"] == {"Before": "15", "Unit": "Days"}
    clock.advance(timedelta(days=15, minutes=1))
    until(heard, 2)
    kind, detail = heard[1]
    assert (kind, detail["policy-type"], detail["action-status"]) == ("Parameter Store Policy Action", "ExpirationNotification", "Success")
    assert ssm.describe_parameters()["Parameters"][0]["Policies"][1]["PolicyStatus"] == "Finished"
    clock.advance(timedelta(days=15))
    until(heard, 4)
    assert [kind for kind, _ in heard[2:]] == ["Parameter Store Policy Action", "Parameter Store Change"]
    assert heard[3][1] == {"operation": "Delete", "name": "/p", "type": "String"}
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name="/p")


def test_the_time_without_a_change_begins_anew_with_each_change(ssm: Any, clock: Any, heard: Any) -> None:
    put(ssm, policy("NoChangeNotification", After="20", Unit="Hours"))
    clock.advance(timedelta(hours=19))
    ssm.put_parameter(Name="/p", Value="again", Overwrite=True)
    clock.advance(timedelta(hours=19))
    assert ssm.describe_parameters()["Parameters"][0]["Policies"][0]["PolicyStatus"] == "Pending"
    clock.advance(timedelta(hours=2))
    until(heard, 3)
    assert [kind for kind, _ in heard] == ["Parameter Store Change", "Parameter Store Change", "Parameter Store Policy Action"]
    assert ssm.get_parameter(Name="/p")["Parameter"]["Version"] == 2


def test_policies_are_taken_away_by_an_empty_one(ssm: Any, server: Any, clock: Any) -> None:
    put(ssm, policy("Expiration", Timestamp=(now(server) + timedelta(hours=1)).isoformat()))
    put(ssm, {}, Overwrite=True)
    clock.advance(timedelta(hours=2))
    time.sleep(0.1)
    assert ssm.describe_parameters()["Parameters"][0].get("Policies", []) == []


@pytest.mark.parametrize(
    ("code", "policies"),
    [
        ("InvalidPolicyTypeException", [policy("Rotation", After="1", Unit="Days")]),
        ("InvalidPolicyTypeException", ["text"]),
        ("InvalidPolicyAttributeException", [policy("NoChangeNotification", After="1", Unit="Weeks")]),
        ("InvalidPolicyAttributeException", [policy("NoChangeNotification", After="-1", Unit="Days")]),
        ("InvalidPolicyAttributeException", [policy("Expiration", Timestamp="soon")]),
        ("InvalidPolicyAttributeException", [policy("Expiration", Timestamp="2019-01-01T00:00:00Z")]),
        (
            "InvalidPolicyAttributeException",
            [{"Type": "Expiration", "Version": "2.0", "Attributes": {"Timestamp": "2999-01-01T00:00:00Z"}}],
        ),
        ("IncompatiblePolicyException", [policy("Expiration", Timestamp="2999-01-01T00:00:00Z")] * 2),
        ("IncompatiblePolicyException", [policy("ExpirationNotification", Before="1", Unit="Days")]),
        ("PoliciesLimitExceededException", [policy("NoChangeNotification", After="1", Unit="Days")] * 11),
    ],
)
def test_policies_that_are_refused(ssm: Any, refused: Any, code: str, policies: list[Any]) -> None:
    with refused(code):
        put(ssm, *policies)
    with refused("InvalidPolicyAttributeException"):
        ssm.put_parameter(Name="/p", Value="v", Type="String", Tier="Advanced", Policies="no json")


def test_changes_are_told(ssm: Any, heard: Any) -> None:
    ssm.put_parameter(Name="/e", Value="v", Type="String", Description="d")
    ssm.put_parameter(Name="/e", Value="w", Overwrite=True)
    ssm.label_parameter_version(Name="/e", Labels=["x"])
    ssm.delete_parameters(Names=["/e"])
    until(heard, 4)
    expected = ["Create", "Update", "LabelParameterVersion", "Delete"]
    assert heard == [
        ("Parameter Store Change", {"operation": each, "name": "/e", "type": "String", "description": "d"}) for each in expected
    ]


def test_a_clock_of_a_frozen_moment_is_that_of_the_answers(start_server: Any, account_on: Any) -> None:
    server = start_server()
    server.call(server.home.move_clock(lambda clock: clock.freeze()))
    server.call(server.home.move_clock(lambda clock: clock.set(datetime(2027, 3, 1, 3, tzinfo=UTC))))
    ssm = account_on(server, "123456789012").client("ssm")
    ssm.put_parameter(Name="/p", Value="v", Type="String")
    assert ssm.get_parameter(Name="/p")["Parameter"]["LastModifiedDate"] == datetime(2027, 3, 1, 3, tzinfo=UTC)
