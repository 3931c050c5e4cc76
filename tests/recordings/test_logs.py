"""CloudWatch Logs against what AWS answered: recordings/logs.json. Each test names its case."""

import json
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


def grouped(aws: Any) -> Any:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    return logs


def transformed(**more: Any) -> list[dict[str, Any]]:
    return [{"metricName": "metric", "metricNamespace": "space", "metricValue": "1", **more}]


def test_metric_filters_are_described(aws: Any, recorded: Any) -> None:
    logs = grouped(aws)
    case = recorded("logs", "TestMetricFilters::test_put_metric_filter_basic")
    put = {"logGroupName": GROUP, "filterName": "filter"}
    logs.put_metric_filter(filterPattern=" ", metricTransformations=transformed(defaultValue=0), **put)
    case.says("describe-metric-filters", logs.describe_metric_filters(logGroupName=GROUP))
    case = recorded("logs", "TestMetricFilters::test_put_metric_filter_json_pattern")
    logs.put_metric_filter(filterPattern='{$.message = "test"}', metricTransformations=transformed(defaultValue=0), **put)
    case.says("describe-metric-filters-json", logs.describe_metric_filters(logGroupName=GROUP))
    case = recorded("logs", "TestMetricFilters::test_describe_metric_filters_by_metric_name")
    logs.put_metric_filter(filterPattern="pattern", metricTransformations=transformed(), **put)
    case.says("describe-by-metric-name", logs.describe_metric_filters(metricName="metric", metricNamespace="space"))


def test_metric_filters_with_names_too_long(aws: Any, recorded: Any) -> None:
    logs = grouped(aws)
    case = recorded("logs", "TestMetricFiltersValidation::test_delete_metric_filter_invalid_log_group_name")
    case.leaves("error-invalid-log-group-name", because="the model's own limit refuses it first, in the sentence of all limits")
    put = {"logGroupName": GROUP, "filterName": "f", "filterPattern": "p", "metricTransformations": transformed()}
    case = recorded("logs", "TestMetricFiltersValidation::test_put_metric_filter_invalid_filter_name")
    long = case.recorded("error-invalid-filter-name")["Error"]["Message"].split("'")[1]
    case.refuses("error-invalid-filter-name", logs.put_metric_filter, **(put | {"filterName": long}))
    case = recorded("logs", "TestMetricFiltersValidation::test_put_metric_filter_invalid_filter_pattern")
    long = case.recorded("error-invalid-filter-pattern")["Error"]["Message"].split("'")[1]
    case.refuses("error-invalid-filter-pattern", logs.put_metric_filter, **(put | {"filterPattern": long}))
    case = recorded("logs", "TestMetricFiltersValidation::test_describe_metric_filters_invalid_parameters")
    long = case.recorded("error-invalid-filter-prefix")["Error"]["Message"].split("'")[1]
    case.refuses("error-invalid-filter-prefix", logs.describe_metric_filters, logGroupName=GROUP, filterNamePrefix=long)
    long = case.recorded("error-invalid-metric-name")["Error"]["Message"].split("'")[1]
    case.refuses("error-invalid-metric-name", logs.describe_metric_filters, metricName=long, metricNamespace="space")


def test_subscriptions_that_cannot_be(aws: Any, recorded: Any) -> None:
    logs = aws.client("logs")
    case = recorded("logs", "TestSubscriptionFilterUpdates::test_put_subscription_filter_errors")
    put = {"logGroupName": GROUP, "filterName": "test", "filterPattern": "test"}
    foreign = "arn:aws:lambda:us-east-1:000000000000:function:test"
    case.refuses("error-log-group-not-found", logs.put_subscription_filter, destinationArn=foreign, **put)
    logs.create_log_group(logGroupName=GROUP)
    case.refuses("error-lambda-not-found", logs.put_subscription_filter, destinationArn=foreign, **put)
    stream = f"arn:aws:kinesis:us-east-1:{aws.account}:stream/test"
    case.refuses("error-kinesis-not-found", logs.put_subscription_filter, destinationArn=stream, **put)


def test_subscriptions_of_a_group_without_any(aws: Any, recorded: Any) -> None:
    logs = aws.client("logs")
    case = recorded("logs", "TestSubscriptionFilters::test_describe_subscription_filters_log_group_not_found")
    case.refuses("error-log-group-not-found", logs.describe_subscription_filters, logGroupName=GROUP)
    logs.create_log_group(logGroupName=GROUP)
    case = recorded("logs", "TestSubscriptionFilters::test_describe_subscription_filters_empty")
    case.says("describe-subscription-filters-empty", logs.describe_subscription_filters(logGroupName=GROUP))


def test_a_subscription_that_invokes_a_function(aws: Any, recorded: Any, functions: Any) -> None:
    logs = grouped(aws)
    arn = functions.created("fn")["CreateFunctionResponse"]["FunctionArn"]
    case = recorded("logs", "TestSubscriptionFilters::test_put_subscription_filter_lambda")
    case.means({"resource:1": "fn", "resource:2": "*"})
    answer = aws.client("lambda").add_permission(
        FunctionName="fn",
        StatementId="fn",
        Action="lambda:InvokeFunction",
        Principal="logs.us-east-1.amazonaws.com",
        SourceArn=f"arn:aws:logs:us-east-1:{aws.account}:log-group:{GROUP}:*",
        SourceAccount=aws.account,
    )
    case.says("add_permission", answer | {"Statement": json.loads(answer["Statement"])})
    put = {"logGroupName": GROUP, "filterName": "test", "destinationArn": arn}
    case.says("put_subscription_filter", logs.put_subscription_filter(filterPattern="", **put))
    case.says("describe_subscription_filter", logs.describe_subscription_filters(logGroupName=GROUP))
    case.leaves("list_all_log_events", because="tests/services/logs/test_forwarding.py reads what the function got")
    case = recorded("logs", "TestSubscriptionFilterUpdates::test_put_subscription_filter_update")
    logs.put_subscription_filter(filterPattern="[]", **put)
    case.says("updated-filter", logs.describe_subscription_filters(logGroupName=GROUP))


def test_a_query_is_started(aws: Any, recorded: Any) -> None:
    logs = grouped(aws)
    request = {"startTime": 0, "endTime": 1, "queryString": "fields @timestamp, @message"}
    case = recorded("logs", "TestCloudWatchLogsInsightsQueries::test_start_query_basic")
    case.says("start-query", logs.start_query(logGroupName=GROUP, **request))
    case = recorded("logs", "TestCloudWatchLogsInsightsQueries::test_start_query_log_group_not_found")
    error = case.recorded("error-log-group-not-found")["Error"]
    error["Message"] = error["Message"].replace("b04848e1-f91e-4ed5-8a00-413d7c60de9e", "<request-id>")
    case.refuses("error-log-group-not-found", logs.start_query, logGroupName="absent", **request)


ROUTE_53 = {
    "Sid": "Route53LogsToCloudWatchLogs",
    "Effect": "Allow",
    "Principal": {"Service": "route53.amazonaws.com"},
    "Action": "logs:PutLogEvents",
}


def read(policy: dict[str, Any]) -> dict[str, Any]:
    return policy | {"policyDocument": json.loads(policy["policyDocument"])}


def test_policies_of_the_account(aws: Any, recorded: Any) -> None:
    logs = grouped(aws)
    case = recorded("logs", "TestResourcePolicies::test_delete_resource_policy_not_found")
    case.refuses("error-policy-not-found", logs.delete_resource_policy, policyName="non-existent")
    case = recorded("logs", "TestResourcePolicies::test_put_resource_policy")
    statement = ROUTE_53 | {"Principal": {"Service": ["route53.amazonaws.com"]}, "Resource": f"arn:{GROUP}*"}
    answer = logs.put_resource_policy(policyName="p", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    case.says("put-resource-policy", answer | {"resourcePolicy": read(answer["resourcePolicy"])})
    case = recorded("logs", "TestResourcePolicies::test_put_resource_policy_update")
    statement = {"Effect": "Allow", "Principal": {"Service": "route53.amazonaws.com"}, "Action": "logs:*", "Resource": "*"}
    logs.put_resource_policy(policyName="p", policyDocument=json.dumps({"Version": "2008-10-17", "Statement": [statement]}))
    (found,) = logs.describe_resource_policies()["resourcePolicies"]
    case.says("updated-policy", read(found))


def test_exports_that_cannot_be(aws: Any, recorded: Any) -> None:
    logs = aws.client("logs")
    case = recorded("logs", "TestExportTasks::test_cancel_export_task_not_found")
    case.refuses("error-cancel-not-found", logs.cancel_export_task, taskId="absent")
    case = recorded("logs", "TestExportTasks::test_create_export_task_log_group_not_found")
    request = {"logGroupName": "absent", "fromTime": 0, "to": 1, "destination": "bucket"}
    case.refuses("error-log-group-not-found", logs.create_export_task, **request)
