"""CloudWatch Logs against what AWS answered: recordings/logs.json. Each test names its case."""

from datetime import UTC, datetime, timedelta
from typing import Any

GROUP = "/fidelity/group"


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_an_unknown_token_is_refused(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestFilterLogEvents::test_filter_log_events_unknown_token")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    case.refuses("invalid-token", logs.filter_log_events, logGroupName=GROUP, nextToken="invalid-token")


def test_an_event_that_is_too_old_is_rejected_and_said(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsEvents::test_put_log_events_too_old")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    old = milliseconds(datetime.now(UTC) - timedelta(days=15))
    events = [{"timestamp": old, "message": "long ago"}]
    case.says("response-too-old", logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events))


def test_a_group_is_created_once(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsGroups::test_create_log_group_duplicate_error")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    case.refuses("error-duplicate-log-group", logs.create_log_group, logGroupName=GROUP)


def test_groups_are_found_by_a_prefix_or_by_a_pattern(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsGroups::test_describe_log_groups_prefix_and_pattern_error")
    logs = aws.client("logs")
    both = {"logGroupNamePrefix": GROUP, "logGroupNamePattern": "group"}
    case.refuses("error-prefix-and-pattern", logs.describe_log_groups, **both)


def test_a_group_found_by_its_pattern(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsGroups::test_describe_log_groups_with_pattern")
    logs = aws.client("logs")
    for name in ("a-first", "a-first-more"):
        logs.create_log_group(logGroupName=name)
    case.says("describe-log-groups-pattern", logs.describe_log_groups(logGroupNamePattern="a-first", limit=1))


def test_tags_by_name_and_by_arn_are_the_same_tags(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsGroupsTags::test_tag_resource_api")
    logs = aws.client("logs")
    arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:{GROUP}"

    def both(moment: str) -> None:
        case.says(f"list-tags-log-group-{moment}", logs.list_tags_log_group(logGroupName=GROUP))
        case.says(f"list-tags-for-resource-{moment}", logs.list_tags_for_resource(resourceArn=arn))

    logs.create_log_group(logGroupName=GROUP, tags={"env": "testing1"})
    case.says("list-tags-after-create", logs.list_tags_log_group(logGroupName=GROUP))
    logs.tag_resource(resourceArn=arn, tags={"test1": "val1", "test2": "val2"})
    both("after-tag-resource")
    logs.tag_log_group(logGroupName=GROUP, tags={"test3": "val3"})
    both("after-tag-log-group")
    logs.untag_log_group(logGroupName=GROUP, tags=["env", "test3"])
    logs.untag_resource(resourceArn=arn, tagKeys=["test1"])
    both("after-untag")


def test_a_stream_is_created_once(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsStreams::test_create_log_stream_duplicate_error")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    case.refuses("error-duplicate-log-stream", logs.create_log_stream, logGroupName=GROUP, logStreamName="one")


def test_streams_without_events_in_the_order_of_their_names(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsStreams::test_describe_log_streams_with_prefix")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    for name in ("app-3", "other", "app-1", "app-2"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
    case.says("describe-streams-with-prefix", logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="app-"))


def test_a_streams_arn(aws: Any, recorded: Any) -> None:
    case = recorded("logs", "TestLogsStreams::test_log_stream_arn_format")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    case.means({"log-group": GROUP})
    case.says("describe-log-streams-with-arn", logs.describe_log_streams(logGroupName=GROUP))


def test_a_group_found_by_its_prefix(aws: Any, recorded: Any) -> None:
    case = recorded("cloudformation", "test_cfn_handle_log_group_resource")
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=731)
    case.says("describe_log_groups", logs.describe_log_groups(logGroupNamePrefix=GROUP))
