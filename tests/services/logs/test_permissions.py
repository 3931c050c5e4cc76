"""Who may do what with logs: a group's ARN with its end, streams, tags.

Truth: "Overview of managing access permissions to your CloudWatch Logs resources" of the user guide (which ARN for which action), and
the sentences of AWS's refusals that users report (`log-group:NAME:log-stream:`).
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.http


@pytest.fixture
def user(aws: Any) -> Callable[..., Any]:
    def make(*statements: dict[str, Any], name: str = "dev") -> Any:
        iam = aws.client("iam")
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return aws.client("logs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    return make


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def test_a_policy_for_a_group_and_all_below_it_covers_the_group(aws: Any, user: Any, refused: Any) -> None:
    group = f"arn:aws:logs:us-east-1:{aws.account}:log-group:/app"
    dev = user(allow("logs:*", f"{group}:*"))
    dev.create_log_group(logGroupName="/app")
    dev.create_log_stream(logGroupName="/app", logStreamName="s")
    now = int(time.time() * 1000)
    dev.put_log_events(logGroupName="/app", logStreamName="s", logEvents=[{"timestamp": now, "message": "m"}])
    dev.filter_log_events(logGroupIdentifier=group)
    with refused("AccessDeniedException", "logs:CreateLogGroup on resource", ":log-group:/other:log-stream:"):
        dev.create_log_group(logGroupName="/other")
    with refused("AccessDeniedException", ":log-group::log-stream:"):
        dev.describe_log_groups()
    bare = user(allow("logs:DeleteLogGroup", group), name="bare")
    with refused("AccessDeniedException"):
        bare.delete_log_group(logGroupName="/app")


def test_a_stream_is_a_resource_of_its_own(aws: Any, user: Any, refused: Any) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/app")
    for name in ("mine", "theirs"):
        logs.create_log_stream(logGroupName="/app", logStreamName=name)
    dev = user(allow("logs:GetLogEvents", f"arn:aws:logs:us-east-1:{aws.account}:log-group:/app:log-stream:mine"))
    dev.get_log_events(logGroupName="/app", logStreamName="mine")
    with refused("AccessDeniedException"):
        dev.get_log_events(logGroupName="/app", logStreamName="theirs")


def test_tags_of_the_group_decide_and_are_asked_for_at_its_making(aws: Any, user: Any, refused: Any) -> None:
    blue = {"StringEquals": {"aws:RequestTag/team": "blue"}}
    tagged = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    dev = user(allow("logs:CreateLogGroup", "*", Condition=blue), allow("logs:DeleteLogGroup", "*", Condition=tagged))
    dev.create_log_group(logGroupName="/blue", tags={"team": "blue"})
    with refused("AccessDeniedException"):
        dev.create_log_group(logGroupName="/red", tags={"team": "red"})
    aws.client("logs").create_log_group(logGroupName="/red", tags={"team": "red"})
    dev.delete_log_group(logGroupName="/blue")
    with refused("AccessDeniedException"):
        dev.delete_log_group(logGroupName="/red")
    with refused("AccessDeniedException", "logs:TagResource"):
        dev.tag_resource(resourceArn=f"arn:aws:logs:us-east-1:{aws.account}:log-group:/red", tags={"team": "blue"})


def test_the_arn_of_another_region_is_not_this_regions_group(aws: Any, refused: Any) -> None:
    """A Deny of the group here must not be gone round by the name of one elsewhere."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/prod")
    with refused("ResourceNotFoundException"):
        logs.describe_log_streams(logGroupIdentifier=f"arn:aws:logs:eu-west-1:{aws.account}:log-group:/prod")
    with refused("ResourceNotFoundException"):
        logs.list_tags_for_resource(resourceArn=f"arn:aws:logs:eu-west-1:{aws.account}:log-group:/prod")
    assert logs.describe_log_streams(logGroupIdentifier=f"arn:aws:logs:us-east-1:{aws.account}:log-group:/prod")["logStreams"] == []
