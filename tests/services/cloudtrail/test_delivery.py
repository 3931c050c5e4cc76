"""What trails deliver, to S3 and to CloudWatch Logs.

Truth: "CloudTrail log file examples", "Finding your CloudTrail log files", "Logging data events" of the user guide.
"""

import gzip
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from headwater.services.cloudtrail import delivery
from headwater.services.cloudtrail.delivery import portions

TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
)


def test_a_trail_delivers_what_is_called_while_it_logs(logged: Any) -> None:
    iam = logged.aws.client("iam")
    iam.create_user(UserName="before")
    logged.trail()
    iam.create_user(UserName="while")
    logged.cloudtrail.stop_logging(Name="audit")
    iam.create_user(UserName="after")
    logged.until(lambda: "StopLogging" in logged.names() or "CreateUser" in logged.names())
    created = [event for event in logged.delivered() if event["eventName"] == "CreateUser"]
    assert [event["requestParameters"]["userName"] for event in created] == ["while"]
    key = logged.files()[0]
    account = logged.aws.account
    assert re.fullmatch(
        rf"AWSLogs/{account}/CloudTrail/us-east-1/\d{{4}}/\d\d/\d\d/{account}_CloudTrail_us-east-1_\d{{8}}T\d{{4}}Z_[0-9A-Za-z]{{16}}\.json\.gz",
        key,
    )


def test_what_is_delivered_is_what_can_be_looked_up(logged: Any) -> None:
    logged.trail()
    logged.aws.client("iam").create_group(GroupName="writers")
    (delivered,) = logged.until(lambda: [event for event in logged.delivered() if event["eventName"] == "CreateGroup"])
    (found,) = logged.cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateGroup"}])["Events"]
    assert json.loads(found["CloudTrailEvent"]) == delivered


def test_a_trail_of_several_regions_has_a_folder_for_each(logged: Any) -> None:
    logged.trail(IsMultiRegionTrail=True, S3KeyPrefix="")
    logged.aws.client("logs", region="eu-central-1").create_log_group(logGroupName="/there")
    event = logged.until(lambda: [each for each in logged.delivered() if each["eventName"] == "CreateLogGroup"])[0]
    assert event["awsRegion"] == "eu-central-1"
    assert any("/CloudTrail/eu-central-1/" in key for key in logged.files())


def test_a_trail_delivers_what_its_selectors_choose(logged: Any) -> None:
    logged.trail()
    logged.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[{"ReadWriteType": "WriteOnly"}])
    iam = logged.aws.client("iam")
    iam.list_users()
    iam.create_user(UserName="ada")
    names = logged.until(lambda: names if "CreateUser" in (names := logged.names()) else None)
    assert "ListUsers" not in names


def test_data_events_are_made_of_the_objects_that_a_trail_names(logged: Any) -> None:
    logged.trail()
    for bucket in ("watched", "ignored"):
        logged.s3.create_bucket(Bucket=f"{bucket}-{logged.aws.account}")
    resource = {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::watched-{logged.aws.account}/in/"]}
    logged.cloudtrail.put_event_selectors(
        TrailName="audit", EventSelectors=[{"IncludeManagementEvents": False, "DataResources": [resource]}]
    )
    for bucket, key in (("watched", "in/a.csv"), ("watched", "out/a.csv"), ("ignored", "in/a.csv")):
        logged.s3.put_object(Bucket=f"{bucket}-{logged.aws.account}", Key=key, Body=b"the body of the object")
    logged.s3.get_object(Bucket=f"watched-{logged.aws.account}", Key="in/a.csv")
    events = logged.until(lambda: found if len(found := [e for e in logged.delivered() if e["eventCategory"] == "Data"]) == 2 else None)
    put, got = sorted(events, key=lambda event: str(event["eventName"]), reverse=True)
    assert (put["eventName"], got["eventName"]) == ("PutObject", "GetObject")
    assert (put["managementEvent"], put["readOnly"], got["readOnly"]) == (False, False, True)
    assert put["requestParameters"]["bucketName"] == f"watched-{logged.aws.account}"
    assert put["requestParameters"]["key"] == "in/a.csv"
    assert {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::watched-{logged.aws.account}/in/a.csv"} in put["resources"]
    assert "the body" not in json.dumps(events)
    looked_up = logged.cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "PutObject"}])
    assert looked_up["Events"] == []


def test_advanced_selectors_choose_by_every_field(logged: Any) -> None:
    logged.trail()
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "readOnly", "Equals": ["false"]},
        {"Field": "resources.ARN", "NotStartsWith": [f"arn:aws:s3:::{logged.bucket}/skipped"]},
    ]
    logged.cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=[{"FieldSelectors": fields}])
    logged.s3.put_object(Bucket=logged.bucket, Key="skipped/x", Body=b"")
    logged.s3.put_object(Bucket=logged.bucket, Key="wanted/x", Body=b"")
    logged.s3.get_object(Bucket=logged.bucket, Key="wanted/x")
    events = logged.until(lambda: [e for e in logged.delivered() if e["eventCategory"] == "Data"])
    assert [event["requestParameters"]["key"] for event in events] == ["wanted/x"]
    assert all(event["eventCategory"] == "Data" for event in logged.delivered() if event["eventName"] == "PutObject")


def logs_role(logged: Any) -> tuple[str, str]:
    """A log group and a role under which CloudTrail may write to it."""
    logged.aws.client("logs").create_log_group(logGroupName="/audit")
    iam = logged.aws.client("iam")
    role = iam.create_role(RoleName="trail-logs", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
    iam.put_role_policy(RoleName="trail-logs", PolicyName="w", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    return f"arn:aws:logs:us-east-1:{logged.aws.account}:log-group:/audit:*", role


def test_events_arrive_in_a_log_group(logged: Any) -> None:
    group, role = logs_role(logged)
    logged.trail(CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=role)
    logged.aws.client("iam").create_user(UserName="ada")

    def lines() -> list[Any]:
        found = logged.aws.client("logs").filter_log_events(logGroupName="/audit", filterPattern="CreateUser")["events"]
        return [event for event in found if event["logStreamName"] == f"{logged.aws.account}_CloudTrail_us-east-1"]

    assert json.loads(logged.until(lines)[0]["message"])["requestParameters"] == {"userName": "ada"}
    assert "LatestCloudWatchLogsDeliveryTime" in logged.cloudtrail.get_trail_status(Name="audit")


def test_a_role_that_does_not_trust_cloudtrail_is_refused(logged: Any, refused: Any) -> None:
    group, role = logs_role(logged)
    logged.aws.client("iam").update_assume_role_policy(RoleName="trail-logs", PolicyDocument=TRUST.replace("cloudtrail.", "firehose."))
    with refused("InvalidCloudWatchLogsRoleArnException", "trust"):
        logged.trail(CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=role)
    logged.aws.client("iam").update_assume_role_policy(RoleName="trail-logs", PolicyDocument=TRUST)
    with refused("InvalidCloudWatchLogsLogGroupArnException"):
        logged.trail(CloudWatchLogsLogGroupArn=group.replace("/audit", "/none"), CloudWatchLogsRoleArn=role)


def test_what_the_bucket_refuses_is_told_and_delivered_when_it_lets_in_again(logged: Any) -> None:
    logged.trail()
    policy = logged.s3.get_bucket_policy(Bucket=logged.bucket)["Policy"]
    logged.s3.delete_bucket_policy(Bucket=logged.bucket)
    logged.aws.client("iam").create_user(UserName="kept")
    status = logged.until(lambda: s if "LatestDeliveryError" in (s := logged.cloudtrail.get_trail_status(Name="audit")) else None)
    assert status["LatestDeliveryError"] == "AccessDenied"
    assert logged.files() == []
    logged.s3.put_bucket_policy(Bucket=logged.bucket, Policy=policy)
    names = logged.until(lambda: names if "CreateUser" in (names := logged.names()) else None)
    assert names.count("CreateUser") == 1
    status = logged.cloudtrail.get_trail_status(Name="audit")
    assert "LatestDeliveryError" not in status
    assert status["LatestDeliveryAttemptSucceeded"]


def test_nothing_is_delivered_twice_and_nothing_is_lost(logged: Any) -> None:
    logged.trail()
    iam = logged.aws.client("iam")
    for part in range(3):
        for number in range(5):
            iam.create_user(UserName=f"user-{part}-{number}")
        logged.until(lambda part=part: logged.names().count("CreateUser") == 5 * (part + 1))
    ids = [event["eventID"] for event in logged.delivered()]
    assert len(ids) == len(set(ids))


@pytest.mark.http
def test_a_deleted_trail_delivers_no_more(logged: Any) -> None:
    logged.trail()
    logged.aws.client("iam").create_user(UserName="ada")
    logged.cloudtrail.delete_trail(Name="audit")
    logged.trail("another")
    logged.aws.client("iam").create_user(UserName="eve")
    logged.until(lambda: "CreateUser" in logged.names())
    created = [event["requestParameters"]["userName"] for event in logged.delivered() if event["eventName"] == "CreateUser"]
    assert created == ["eve"]


@pytest.mark.http
def test_after_a_restart_the_first_data_event_is_heard(start_server: Callable[..., Any], account_on: Callable[..., Any]) -> None:
    """The room is opened by the first call that there is to hear, which must not be lost for it."""
    server = start_server(trail_delivery_s=0.1)
    aws = account_on(server, "123456789012")
    aws.client("s3").create_bucket(Bucket="audit")
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:*"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": ["arn:aws:s3:::audit", "arn:aws:s3:::audit/*"]}]}
    aws.client("s3").put_bucket_policy(Bucket="audit", Policy=json.dumps(policy))
    aws.client("cloudtrail").create_trail(Name="audit", S3BucketName="audit")
    resource = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::audit/in/"]}
    aws.client("cloudtrail").put_event_selectors(TrailName="audit", EventSelectors=[{"DataResources": [resource]}])
    aws.client("cloudtrail").start_logging(Name="audit")
    server.stop()
    s3 = account_on(start_server(trail_delivery_s=0.1), "123456789012").client("s3")
    s3.put_object(Bucket="audit", Key="in/first", Body=b"")
    deadline = time.monotonic() + 15
    keys: list[Any] = []
    while "in/first" not in keys and time.monotonic() < deadline:
        files = [item["Key"] for item in s3.list_objects_v2(Bucket="audit")["Contents"] if item["Key"].endswith(".json.gz")]
        contents = [json.loads(gzip.decompress(s3.get_object(Bucket="audit", Key=key)["Body"].read())) for key in files]
        keys = [event["requestParameters"].get("key") for content in contents for event in content["Records"] if event["requestParameters"]]
        time.sleep(0.05)
    assert keys.count("in/first") == 1


@pytest.mark.http
def test_many_events_are_several_files(logged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "EVENTS_PER_FILE", 3)
    logged.trail()
    for number in range(10):
        logged.aws.client("iam").create_user(UserName=f"user-{number}")
    logged.until(lambda: logged.names().count("CreateUser") == 10)
    assert all(len(logged.content(key)["Records"]) <= 3 for key in logged.files())
    ids = [event["eventID"] for event in logged.delivered()]
    assert len(ids) == len(set(ids))


@pytest.mark.http
def test_a_trail_without_global_services_has_no_iam(logged: Any) -> None:
    logged.trail(IncludeGlobalServiceEvents=False)
    logged.aws.client("iam").create_user(UserName="ada")
    logged.aws.client("logs").create_log_group(logGroupName="/here")
    names = logged.until(lambda: names if "CreateLogGroup" in (names := logged.names()) else None)
    assert "CreateUser" not in names


@pytest.mark.http
def test_the_owner_of_a_bucket_has_what_another_account_did_in_it(logged: Any) -> None:
    other = logged.aws.other()
    shared = f"shared-{logged.aws.account}"
    logged.s3.create_bucket(Bucket=shared)
    allow = {"Effect": "Allow", "Principal": {"AWS": other.account}, "Action": "s3:*"}
    statement = allow | {"Resource": [f"arn:aws:s3:::{shared}", f"arn:aws:s3:::{shared}/*"]}
    logged.s3.put_bucket_policy(Bucket=shared, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    logged.trail()
    resource = {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{shared}/"]}
    logged.cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[{"DataResources": [resource]}])
    other.client("s3").put_object(Bucket=shared, Key="gift", Body=b"")
    (event,) = logged.until(lambda: [event for event in logged.delivered() if event["eventName"] == "PutObject"])
    assert event["userIdentity"] == {"type": "AWSAccount", "principalId": other.account, "accountId": other.account}
    assert event["recipientAccountId"] == logged.aws.account
    assert event["sharedEventID"]


def test_portions_are_what_cloudwatch_logs_takes_at_once() -> None:
    """10,000 events and 1,048,576 bytes, each event counted with 26 more, within 24 hours: PutLogEvents of the API reference."""
    many = portions([(at, b"x") for at in range(12_000)])
    assert [len(portion) for portion in many] == [5_000, 5_000, 2_000]
    assert [len(portion) for portion in portions([(at, b"x" * 400_000) for at in range(5)])] == [2, 2, 1]
    day_ms = 86_400_000
    assert [len(portion) for portion in portions([(0, b"x"), (1, b"x"), (day_ms, b"x")])] == [2, 1]
    assert portions([]) == []
