"""Log groups over boto3. Sentences: recordings/logs.json (TestLogsGroups, TestLogsGroupsTags)."""

from datetime import timedelta
from typing import Any

import pytest


@pytest.fixture
def logs(aws: Any) -> Any:
    return aws.client("logs")


def test_a_group_is_described_as_aws_does(logs: Any, aws: Any) -> None:
    logs.create_log_group(logGroupName="/app/one", tags={"team": "a"})
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/app/")["logGroups"]
    arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:/app/one"
    assert group["arn"] == f"{arn}:*"
    assert group["logGroupArn"] == arn
    assert group["logGroupClass"] == "STANDARD"
    assert group["metricFilterCount"] == 0
    assert group["storedBytes"] == 0
    assert "retentionInDays" not in group


def test_a_group_is_made_once(logs: Any, refused: Any) -> None:
    logs.create_log_group(logGroupName="g")
    with refused("ResourceAlreadyExistsException", "The specified log group already exists"):
        logs.create_log_group(logGroupName="g")


def test_a_deleted_group_is_gone_with_its_streams(logs: Any, refused: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.delete_log_group(logGroupName="g")
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.delete_log_group(logGroupName="g")
    logs.create_log_group(logGroupName="g")
    assert logs.describe_log_streams(logGroupName="g")["logStreams"] == []


def test_groups_come_in_pages_of_their_names(logs: Any) -> None:
    for number in range(5):
        logs.create_log_group(logGroupName=f"grp{number}")
    pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [[group["logGroupName"] for group in page["logGroups"]] for page in pages] == [["grp0", "grp1"], ["grp2", "grp3"], ["grp4"]]
    found = logs.list_log_groups(logGroupNamePattern="rp3|^grp4|^rp0")["logGroups"]
    assert [group["logGroupName"] for group in found] == ["grp3", "grp4"]


def test_a_prefix_and_a_pattern_exclude_each_other(logs: Any, refused: Any) -> None:
    with refused("InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."):
        logs.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="b")


def test_tags_are_the_same_through_both_generations_of_operations(logs: Any, aws: Any) -> None:
    logs.create_log_group(logGroupName="g", tags={"env": "testing1"})
    arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"test1": "val1"})
    logs.tag_log_group(logGroupName="g", tags={"test2": "val2"})
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"env": "testing1", "test1": "val1", "test2": "val2"}
    logs.untag_log_group(logGroupName="g", tags=["test1"])
    logs.untag_resource(resourceArn=arn, tagKeys=["env"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"test2": "val2"}


def test_retention_hides_what_is_older_and_refuses_it(logs: Any, clock: Any, server: Any, refused: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    with refused("InvalidParameterException", "retentionInDays"):
        logs.put_retention_policy(logGroupName="g", retentionInDays=2)
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 1
    now = int(server.home.clock.now().timestamp() * 1000)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": "old"}])
    clock.advance(timedelta(days=2))
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []
    answer = logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": "late"}])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
