"""Calls that services make: for a caller, under a role, and for themselves.

Truth: "CloudTrail userIdentity element" (invokedBy, AWSService) and "Amazon S3 CloudTrail events" of the user guides.
"""

import json
import time
from typing import Any

import pytest

from headwater.services.cloudtrail.identities import identity_of
from headwater.services.cloudtrail.model import Who
from headwater.services.cloudtrail.naming import event_name, event_source

TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
)


def the_event(aws: Any, name: str, **attributes: Any) -> dict[str, Any]:
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    (found,) = aws.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    event: dict[str, Any] = json.loads(found["CloudTrailEvent"])
    return event


def test_what_a_service_does_for_its_caller_names_the_service(aws: Any) -> None:
    aws.client("organizations").create_organization()
    event = the_event(aws, "CreateServiceLinkedRole")
    assert event["userIdentity"]["type"] == "Root"
    assert event["userIdentity"]["invokedBy"] == "organizations.amazonaws.com"
    assert (event["sourceIPAddress"], event["userAgent"]) == ("organizations.amazonaws.com", "organizations.amazonaws.com")


@pytest.mark.http
def test_what_a_service_does_under_a_role_is_the_roles(aws: Any, server: Any) -> None:
    role = aws.client("iam").create_role(RoleName="delivery", AssumeRolePolicyDocument=TRUST)["Role"]
    allow = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    aws.client("iam").put_role_policy(RoleName="delivery", PolicyName="all", PolicyDocument=allow)

    async def call() -> None:
        ctx = server.home.context(account=aws.account, region="us-east-1", service="firehose")
        await ctx.client("logs", role=role["Arn"], session_name="AWSFirehoseToS3").describe_log_groups()

    server.call(call())
    event = the_event(aws, "DescribeLogGroups")
    identity = event["userIdentity"]
    assert (identity["type"], identity["arn"]) == ("AssumedRole", f"arn:aws:sts::{aws.account}:assumed-role/delivery/AWSFirehoseToS3")
    assert identity["invokedBy"] == event["sourceIPAddress"] == event["userAgent"] == "firehose.amazonaws.com"
    assert identity["sessionContext"]["sessionIssuer"]["principalId"] == role["RoleId"]


@pytest.mark.http
def test_what_a_service_does_for_itself_is_an_awsservice(aws: Any, server: Any) -> None:
    async def call() -> None:
        ctx = server.home.context(account=aws.account, region="us-east-1", service="firehose")
        await ctx.client("logs", service_principal="firehose").describe_log_groups()

    server.call(call())
    event = the_event(aws, "DescribeLogGroups")
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "firehose.amazonaws.com"}


def test_a_bucket_is_told_in_the_words_of_its_wire(aws: Any) -> None:
    bucket = f"bucket-{aws.account}"
    aws.client("s3", region="us-east-1").create_bucket(Bucket=bucket)
    aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    event = the_event(aws, "PutBucketVersioning")
    parameters = event["requestParameters"]
    assert (parameters["bucketName"], parameters["Host"], parameters["versioning"]) == (bucket, f"{bucket}.s3.amazonaws.com", "")
    assert parameters["VersioningConfiguration"]["Status"] == "Enabled"
    assert event["resources"] == [{"accountId": aws.account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]


@pytest.mark.http
def test_the_session_of_an_outside_identity_is_told_with_its_provider() -> None:
    """What assume_role_with_web_identity is called by, before it is a role."""
    from datetime import UTC, datetime

    provider = "arn:aws:iam::123456789012:oidc-provider/id.example.com"
    who = Who(
        kind="federated",
        account="123456789012",
        arn=provider,
        user_id=f"{provider}:app:subject-1",
        provider=provider,
        source_ip="127.0.0.1",
    )
    assert identity_of(who, "123456789012", datetime(2026, 1, 1, tzinfo=UTC)) == {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:app:subject-1",
        "userName": "subject-1",
        "identityProvider": provider,
    }


NAMES = {
    ("lambda", "CreateFunction"): "CreateFunction20150331",
    ("lambda", "UpdateFunctionCode"): "UpdateFunctionCode20150331v2",
    ("lambda", "Invoke"): "Invoke",
    ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
    ("s3", "ListObjectsV2"): "ListObjects",
    ("rds", "CreateDBInstance"): "CreateDBInstance",
}
SOURCES = {
    "rds": "rds.amazonaws.com",
    "cloudwatch": "monitoring.amazonaws.com",
    "stepfunctions": "states.amazonaws.com",
    "s3": "s3.amazonaws.com",
}


@pytest.mark.http
@pytest.mark.parametrize(("service", "operation"), NAMES)
def test_an_event_is_called_as_cloudtrail_calls_it(service: str, operation: str) -> None:
    assert event_name(service, operation) == NAMES[service, operation]


@pytest.mark.http
@pytest.mark.parametrize("service", SOURCES)
def test_a_source_is_the_services_endpoint(service: str) -> None:
    assert event_source(service) == SOURCES[service]


def test_what_a_service_tells_of_itself_is_in_the_history_as_well(aws: Any) -> None:
    """Truth: "Log Secrets Manager events with CloudTrail" of Secrets Manager's user guide, and its example of such an event."""
    secrets = aws.client("secretsmanager")
    arn = secrets.create_secret(Name="db", SecretString="first")["ARN"]
    aws.client("cloudtrail").lookup_events()  # the trail hears from the first call on, and services once it is there
    secrets.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    ends = time.monotonic() + 5
    while not (found := _events(aws, "StartSecretVersionDelete")) and time.monotonic() < ends:
        time.sleep(0.02)
    (event,) = found
    assert event["eventType"] == "AwsServiceEvent"
    assert event["eventSource"] == event["sourceIPAddress"] == event["userIdentity"]["invokedBy"] == "secretsmanager.amazonaws.com"
    assert event["additionalEventData"]["SecretId"] == arn
    assert event["requestParameters"] is None
    assert event["readOnly"] is False


def _events(aws: Any, name: str) -> list[dict[str, Any]]:
    found = aws.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in found]
