"""A policy that names a trail counts for that trail and for no other.

Truth: Service Authorization Reference, "Actions, resources, and condition keys for AWS CloudTrail".
"""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.http
BY_NAME = {
    "get_trail": "GetTrail",
    "get_trail_status": "GetTrailStatus",
    "start_logging": "StartLogging",
    "stop_logging": "StopLogging",
    "update_trail": "UpdateTrail",
    "delete_trail": "DeleteTrail",
}
BY_TRAIL_NAME = {"get_event_selectors": "GetEventSelectors"}


def as_user(aws: Any, action: str, resource: str) -> Any:
    """CloudTrail, as somebody who may do this one thing."""
    iam = aws.client("iam")
    iam.create_user(UserName="narrow")
    allow = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="narrow", PolicyName="one", PolicyDocument=document)
    key = iam.create_access_key(UserName="narrow")["AccessKey"]
    return aws.client("cloudtrail", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


@pytest.mark.parametrize("operation", [*BY_NAME, *BY_TRAIL_NAME])
def test_a_trail_is_what_a_policy_names(logged: Any, refused: Any, operation: str) -> None:
    own, other = logged.trail("own"), logged.trail("other")
    action = (BY_NAME | BY_TRAIL_NAME)[operation]
    member = "Name" if operation in BY_NAME else "TrailName"
    narrow = as_user(logged.aws, f"cloudtrail:{action}", own)
    with refused("AccessDeniedException", f"cloudtrail:{action}", "no identity-based policy allows"):
        getattr(narrow, operation)(**{member: other})
    with refused("AccessDeniedException"):
        getattr(narrow, operation)(**{member: "other"})
    getattr(narrow, operation)(**{member: "own"})


def test_history_is_read_by_whom_it_is_allowed(logged: Any, refused: Any) -> None:
    narrow = as_user(logged.aws, "cloudtrail:LookupEvents", "*")
    assert narrow.lookup_events()["Events"]
    with refused("AccessDeniedException", "cloudtrail:ListTrails"):
        narrow.list_trails()


def test_a_role_for_logs_must_be_passed(logged: Any, refused: Any) -> None:
    narrow = as_user(logged.aws, "cloudtrail:*", "*")
    role = f"arn:aws:iam::{logged.aws.account}:role/trail-logs"
    group = f"arn:aws:logs:us-east-1:{logged.aws.account}:log-group:/audit:*"
    with refused("AccessDeniedException", "iam:PassRole"):
        narrow.create_trail(Name="audit", S3BucketName=logged.bucket, CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=role)


def test_tags_of_a_trail_are_condition_keys(logged: Any, refused: Any) -> None:
    arn = logged.trail("tagged")
    logged.cloudtrail.add_tags(ResourceId=arn, TagsList=[{"Key": "Team", "Value": "audit"}])
    logged.trail("plain")
    iam = logged.aws.client("iam")
    narrow = as_user(logged.aws, "cloudtrail:ListTrails", "*")
    condition = {"StringEquals": {"aws:ResourceTag/Team": "audit"}}
    allow = {"Effect": "Allow", "Action": "cloudtrail:GetTrail", "Resource": "*", "Condition": condition}
    iam.put_user_policy(UserName="narrow", PolicyName="tags", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    assert narrow.get_trail(Name="tagged")
    with refused("AccessDeniedException"):
        narrow.get_trail(Name="plain")
