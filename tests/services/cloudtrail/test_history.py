"""The event history and the events in it.

Truth: "CloudTrail record contents", "CloudTrail userIdentity element" and LookupEvents of the API reference, unless a test says otherwise.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.services.cloudtrail.model import batches

TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}'
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def events(aws: Any, key: str = "", value: str = "", **more: Any) -> list[dict[str, Any]]:
    """Everything that the history has, newest first, with the event itself read."""
    attributes = [{"AttributeKey": key, "AttributeValue": value}] if key else []
    pages = aws.client("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=attributes, **more)
    found = [event for page in pages for event in page["Events"]]
    return [event | {"CloudTrailEvent": json.loads(event["CloudTrailEvent"])} for event in found]


def the_event(aws: Any, name: str) -> dict[str, Any]:
    found = events(aws, "EventName", name)
    assert len(found) == 1, found
    event: dict[str, Any] = found[0]["CloudTrailEvent"]
    return event


def make_user(aws: Any, name: str) -> dict[str, str]:
    """A user who may do everything; what a client needs to be that user."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=ALLOW_ALL)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def test_a_call_can_be_looked_up_as_soon_as_it_is_answered(aws: Any) -> None:
    aws.client("iam").create_user(UserName="ada", Tags=[{"Key": "Team", "Value": "Analytics"}])
    (event,) = events(aws)
    assert (event["EventName"], event["EventSource"], event["ReadOnly"], event["Username"]) == (
        "CreateUser",
        "iam.amazonaws.com",
        "false",
        "root",
    )
    assert {"ResourceType": "AWS::IAM::User", "ResourceName": "ada"} in event["Resources"]
    told = event["CloudTrailEvent"]
    assert told["eventID"] == event["EventId"]
    assert told["requestParameters"] == {"userName": "ada", "tags": [{"key": "Team", "value": "Analytics"}]}
    assert told["responseElements"]["user"]["userName"] == "ada"
    assert (told["eventType"], told["eventCategory"], told["managementEvent"], told["readOnly"]) == (
        "AwsApiCall",
        "Management",
        True,
        False,
    )
    assert (told["awsRegion"], told["recipientAccountId"], told["eventVersion"]) == ("us-east-1", aws.account, "1.11")
    assert "tlsDetails" not in told


def test_a_reading_has_no_answer_and_a_refusal_has_its_words(aws: Any, refused: Any) -> None:
    with refused("NoSuchEntity"):
        aws.client("iam").get_user(UserName="nobody")
    event = the_event(aws, "GetUser")
    assert event["responseElements"] is None
    assert event["readOnly"] is True
    assert event["errorCode"] == "NoSuchEntity"
    assert "nobody" in event["errorMessage"]


def test_parameters_that_are_too_long_are_left_out(aws: Any) -> None:
    glue = aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "long", "Parameters": {f"key-{number}": "x" * 500 for number in range(300)}})
    event = the_event(aws, "CreateDatabase")
    assert event["requestParameters"]["omitted"] is True
    assert event["requestParameters"]["originalSize"] > 150_000


def test_one_account_sees_nothing_of_another(aws: Any) -> None:
    aws.client("iam").create_user(UserName="mine")
    other = aws.other()
    assert events(other) == []
    other.client("iam").create_user(UserName="theirs")
    assert [event["Resources"][0]["ResourceName"] for event in events(aws, "EventName", "CreateUser")] == ["mine"]


def test_a_region_has_its_own_history_and_global_services_are_in_virginia(aws: Any) -> None:
    aws.client("logs", region="eu-central-1").create_log_group(logGroupName="/there")
    aws.client("iam", region="eu-central-1").create_user(UserName="ada")
    assert [event["EventName"] for event in events(aws)] == ["CreateUser"]
    there = aws.client("cloudtrail", region="eu-central-1").lookup_events()["Events"]
    assert {event["EventName"] for event in there} == {"CreateLogGroup"}


@pytest.fixture
def busy(aws: Any) -> Any:
    iam = aws.client("iam")
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="writers")
    iam.get_user(UserName="ada")
    aws.client("logs").create_log_group(logGroupName="/orders")
    return aws


ATTRIBUTES = {
    "the name": ("EventName", "CreateGroup", ["CreateGroup"]),
    "the source": ("EventSource", "logs.amazonaws.com", ["CreateLogGroup"]),
    "writing": ("ReadOnly", "false", ["CreateLogGroup", "CreateGroup", "CreateUser"]),
    "reading": ("ReadOnly", "true", ["GetUser"]),
    "who": ("Username", "root", ["CreateLogGroup", "GetUser", "CreateGroup", "CreateUser"]),
    "a stranger": ("Username", "nobody", []),
    "a type of resource": ("ResourceType", "AWS::IAM::User", ["GetUser", "CreateUser"]),
    "a resource": ("ResourceName", "writers", ["CreateGroup"]),
    "an id that is none": ("EventId", "no-id", []),
}


@pytest.mark.parametrize(("key", "value", "names"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_lookup_events_filters_by(busy: Any, key: str, value: str, names: list[str]) -> None:
    found = [event["EventName"] for event in events(busy, key, value) if event["EventName"] != "LookupEvents"]
    assert found == names


def test_an_event_is_found_by_its_id_and_by_the_key_that_signed(busy: Any) -> None:
    wanted = events(busy, "EventName", "CreateGroup")[0]
    assert [event["EventName"] for event in events(busy, "EventId", wanted["EventId"])] == ["CreateGroup"]
    assert (
        "CreateGroup" in {event["EventName"] for event in events(busy, "AccessKeyId", wanted["AccessKeyId"])} or "AccessKeyId" not in wanted
    )


def test_pages_follow_each_other_and_end(busy: Any) -> None:
    cloudtrail = busy.client("cloudtrail")
    names, token = [], {}
    until = datetime.now(UTC) + timedelta(days=4000)
    wanted = {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}], "EndTime": until, "MaxResults": 1}
    while True:
        page = cloudtrail.lookup_events(**wanted, **token)
        names += [event["EventName"] for event in page["Events"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == ["CreateLogGroup", "CreateGroup", "CreateUser"]


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "two attributes": (
        "InvalidLookupAttributesException",
        {
            "LookupAttributes": [
                {"AttributeKey": "EventName", "AttributeValue": "CreateUser"},
                {"AttributeKey": "ReadOnly", "AttributeValue": "true"},
            ]
        },
    ),
    "an end before the start": (
        "InvalidTimeRangeException",
        {"StartTime": datetime(2026, 1, 2, tzinfo=UTC), "EndTime": datetime(2026, 1, 1, tzinfo=UTC)},
    ),
    "a made-up token": ("InvalidNextTokenException", {"NextToken": "made up"}),
    "insights": ("NotImplemented", {"EventCategory": "insight"}),
}


@pytest.mark.parametrize(("code", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_lookup_events_refuses(aws: Any, refused: Any, code: str, request_: dict[str, Any]) -> None:
    with refused(code):
        aws.client("cloudtrail").lookup_events(**request_)


def test_history_is_ninety_days_long(aws: Any, clock: Any) -> None:
    aws.client("iam").create_user(UserName="ada")
    clock.advance(timedelta(days=89))
    assert events(aws, "EventName", "CreateUser")
    clock.advance(timedelta(days=2))
    assert not events(aws, "EventName", "CreateUser")


@pytest.mark.http
def test_what_is_older_leaves_the_disk(aws: Any, clock: Any, server: Any) -> None:
    aws.client("iam").create_user(UserName="ada")
    assert events(aws)
    assert server.call(server.home.store.range(batches, aws.account, limit=10))
    clock.advance(timedelta(days=92))
    deadline = time.monotonic() + 15
    while server.call(server.home.store.range(batches, aws.account, limit=10)):
        assert time.monotonic() < deadline, "the history was not shortened"
        time.sleep(0.05)


@pytest.mark.http
def test_a_user_is_told_by_name_and_key(aws: Any) -> None:
    keys = make_user(aws, "ada")
    aws.client("logs", **keys).describe_log_groups()
    event = the_event(aws, "DescribeLogGroups")
    identity = event["userIdentity"]
    assert identity.pop("principalId").startswith("AIDA")
    assert identity == {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{aws.account}:user/ada",
        "accountId": aws.account,
        "accessKeyId": keys["aws_access_key_id"],
        "userName": "ada",
    }
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in event["userAgent"]
    assert {each["EventName"] for each in events(aws, "Username", "ada")} == {"DescribeLogGroups"}
    assert {each["EventName"] for each in events(aws, "AccessKeyId", keys["aws_access_key_id"])} == {"DescribeLogGroups"}


def session_of(aws: Any, credentials: dict[str, Any]) -> dict[str, str]:
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


@pytest.mark.http
def test_a_session_of_a_role_is_told_with_the_role_that_issued_it(aws: Any) -> None:
    user = make_user(aws, "ada")
    role = aws.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST % aws.account)["Role"]
    aws.client("iam").put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=ALLOW_ALL)
    credentials = aws.client("sts", **user).assume_role(RoleArn=role["Arn"], RoleSessionName="morning")["Credentials"]
    aws.client("logs", **session_of(aws, credentials)).describe_log_groups()
    identity = the_event(aws, "DescribeLogGroups")["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["principalId"] == f"{role['RoleId']}:morning"
    assert identity["arn"] == f"arn:aws:sts::{aws.account}:assumed-role/reader/morning"
    context = identity["sessionContext"]
    assert context["sessionIssuer"] == {
        "type": "Role",
        "principalId": role["RoleId"],
        "arn": role["Arn"],
        "accountId": aws.account,
        "userName": "reader",
    }
    assert context["attributes"]["mfaAuthenticated"] == "false"
    assert context["attributes"]["creationDate"].endswith("Z")
    assumed = the_event(aws, "AssumeRole")
    assert assumed["responseElements"]["credentials"]["accessKeyId"] == credentials["AccessKeyId"]
    assert set(assumed["responseElements"]["credentials"]) == {"accessKeyId", "expiration"}
    assert assumed["resources"] == [{"accountId": aws.account, "type": "AWS::IAM::Role", "ARN": role["Arn"]}]


@pytest.mark.http
def test_a_federated_user_is_told_with_who_vouched(aws: Any) -> None:
    credentials = aws.client("sts", **make_user(aws, "ada")).get_federation_token(Name="guest", Policy=ALLOW_ALL)["Credentials"]
    aws.client("logs", **session_of(aws, credentials)).describe_log_groups()
    identity = the_event(aws, "DescribeLogGroups")["userIdentity"]
    assert (identity["type"], identity["arn"]) == ("FederatedUser", f"arn:aws:sts::{aws.account}:federated-user/guest")
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("IAMUser", "ada")


@pytest.mark.http
def test_a_call_into_another_account_is_in_both_histories_under_one_id(aws: Any) -> None:
    other = aws.other()
    role = other.client("iam").create_role(RoleName="guest", AssumeRolePolicyDocument=TRUST % aws.account)["Role"]
    aws.client("sts", **make_user(aws, "ada")).assume_role(RoleArn=role["Arn"], RoleSessionName="visit")
    ours, theirs = the_event(aws, "AssumeRole"), the_event(other, "AssumeRole")
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["eventID"] != theirs["eventID"]
    assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (aws.account, other.account)
    assert theirs["userIdentity"]["type"] == "AWSAccount"
    assert theirs["userIdentity"]["accountId"] == aws.account
    assert "arn" not in theirs["userIdentity"]


@pytest.mark.http
def test_a_refused_call_into_another_account_stays_with_the_caller(aws: Any, refused: Any) -> None:
    other = aws.other()
    with refused("AccessDenied"):
        aws.client("sts", **make_user(aws, "ada")).assume_role(RoleArn=f"arn:aws:iam::{other.account}:role/none", RoleSessionName="visit")
    assert the_event(aws, "AssumeRole")["errorCode"] == "AccessDenied"
    assert events(other, "EventName", "AssumeRole") == []


def test_what_is_not_built_is_recorded_too(aws: Any, refused: Any) -> None:
    with refused("NotImplemented"):
        aws.client("cloudtrail").list_channels()
    assert the_event(aws, "ListChannels")["errorCode"] == "NotImplemented"


@pytest.mark.http
def test_the_first_call_of_a_house_is_heard_and_all_survive_a_restart(
    start_server: Callable[..., Any], account_on: Callable[..., Any]
) -> None:
    server = start_server()
    account = account_on(server, "123456789012")
    account.client("iam").create_user(UserName="first")
    server.stop()
    again = account_on(start_server(), "123456789012")
    assert the_event(again, "CreateUser")["requestParameters"] == {"userName": "first"}
