"""Destinations, deliveries and an export of CloudWatch Logs against what AWS answered: recordings/logs.json. Each test names its case."""

import json
from typing import Any

import pytest

from users import role

SOURCE = {"logType": "ACCESS_LOGS"}


@pytest.fixture
def logs(aws: Any) -> Any:
    return aws.client("logs")


def distribution(account: str, name: str) -> str:
    return f"arn:aws:cloudfront::{account}:distribution/{name}"


def bucket(name: str = "logs") -> dict[str, Any]:
    return {"deliveryDestinationConfiguration": {"destinationResourceArn": f"arn:aws:s3:::{name}"}}


def delivery(aws: Any, logs: Any, **more: Any) -> Any:
    logs.put_delivery_source(name="source", resourceArn=distribution(aws.account, "E1"), **SOURCE)
    arn = logs.put_delivery_destination(name="to", **bucket())["deliveryDestination"]["arn"]
    return logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=arn, **more)


ENDS = {"source": "source", "destination": "to"}


def test_a_delivery_is_made(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliveries::test_create_delivery")
    case.means(ENDS)
    to_s3 = {"suffixPath": f"AWSLogs/{aws.account}/CloudFront/", "enableHiveCompatiblePath": True}
    more = {"recordFields": ["date"], "fieldDelimiter": ",", "s3DeliveryConfiguration": to_s3, "tags": {"key1": "value1"}}
    case.says("create-delivery", delivery(aws, logs, **more))


def test_a_delivery_is_shown(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliveries::test_get_delivery")
    case.means(ENDS)
    case.says("get-delivery", logs.get_delivery(id=delivery(aws, logs)["delivery"]["id"]))


def test_deliveries_are_listed(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliveries::test_describe_deliveries")
    case.means(ENDS)
    delivery(aws, logs)
    case.says("describe-deliveries", logs.describe_deliveries()["deliveries"])


def test_a_delivery_that_was_deleted(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliveries::test_delete_delivery")
    made = delivery(aws, logs)["delivery"]["id"]
    logs.delete_delivery(id=made)
    case.refuses("error-after-delete", logs.get_delivery, id=made)


def test_a_delivery_source(aws: Any, logs: Any, recorded: Any) -> None:
    what = {"name": "source", "resourceArn": distribution(aws.account, "E1Q5F5862X9VJ5")} | SOURCE
    case = recorded("logs", "TestDeliverySources::test_put_delivery_source")
    case.means({"source-name": "source"})
    case.says("put-delivery-source", logs.put_delivery_source(**what, tags={"key1": "value1"}))
    logs.delete_delivery_source(name="source")
    case = recorded("logs", "TestDeliverySources::test_get_delivery_source")
    case.means({"source-name": "source"})
    logs.put_delivery_source(**what)
    case.says("get-delivery-source", logs.get_delivery_source(name="source"))
    logs.delete_delivery_source(name="source")
    recorded("logs", "TestDeliverySources::test_delete_delivery_source").refuses(
        "error-after-delete", logs.get_delivery_source, name="source"
    )


def test_delivery_sources(logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliverySources::test_describe_delivery_sources")
    case.means({"source-0": "s0", "source-1": "s1"})
    for name in ("s0", "s1"):
        logs.put_delivery_source(name=name, resourceArn=distribution("123456789012", "E19DL18TOXN9JU"), **SOURCE)
    case.says("describe-delivery-sources", logs.describe_delivery_sources())


def test_a_delivery_destination(logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliveryDestinations::test_put_delivery_destination")
    case.means({"destination-name": "to"})
    case.says("put-delivery-destination", logs.put_delivery_destination(name="to", outputFormat="json", **bucket()))
    case = recorded("logs", "TestDeliveryDestinations::test_get_delivery_destination")
    case.means({"destination-name": "other"})
    logs.put_delivery_destination(name="other", **bucket())
    case.says("get-delivery-destination", logs.get_delivery_destination(name="other"))


def test_delivery_destinations(logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDeliveryDestinations::test_describe_delivery_destinations")
    case.means({"destination-0": "d0", "destination-1": "d1"})
    for name in ("d0", "d1"):
        logs.put_delivery_destination(name=name, **bucket())
    found = logs.describe_delivery_destinations()["deliveryDestinations"]
    case.says("describe-delivery-destinations", found)


class Target:
    """A stream of Firehose where the recorded one is Kinesis's, and the role to write to it."""

    def __init__(self, aws: Any) -> None:
        aws.client("s3").create_bucket(Bucket=f"lake-{aws.account}")
        all_of_it = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        to = {"RoleARN": role(aws, "lake", "firehose.amazonaws.com", all_of_it), "BucketARN": f"arn:aws:s3:::lake-{aws.account}"}
        made = aws.client("firehose").create_delivery_stream(DeliveryStreamName="lake", ExtendedS3DestinationConfiguration=to)
        self.put = {"targetArn": made["DeliveryStreamARN"], "roleArn": role(aws, "sender", "logs.amazonaws.com", all_of_it)}


def as_kinesis(answer: dict[str, Any]) -> dict[str, Any]:
    """As the recordings have it: the target is a stream of Kinesis, a policy is read."""
    for one in answer["destinations"]:
        one["targetArn"] = one["targetArn"].replace(":firehose:", ":kinesis:").replace("deliverystream/", "stream/")
        if "accessPolicy" in one:
            one["accessPolicy"] = json.loads(one["accessPolicy"])
    return answer


NAMES = {"destination": "to", "role-name": "sender", "stream-name": "lake"}


def test_a_destination_that_was_deleted(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDestinations::test_delete_destination")
    logs.put_destination(destinationName="to", **Target(aws).put)
    case.says("delete-destination", logs.delete_destination(destinationName="to"))
    case.says("no-destination-found", logs.describe_destinations(DestinationNamePrefix="to"))


def test_no_destinations(logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDestinations::test_describe_destinations_empty")
    case.says("describe-destinations-empty", logs.describe_destinations(DestinationNamePrefix="to"))


def test_a_destination_with_a_policy(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDestinations::test_put_destination_policy")
    case.means(NAMES)
    logs.put_destination(destinationName="to", **Target(aws).put)
    policy = json.dumps(case.recorded("destination-with-policy")["destinations"][0]["accessPolicy"])
    policy = policy.replace("<partition>", "aws").replace("<region>", "us-east-1").replace("<stream-name>", "lake")
    policy = policy.replace("111111111111", aws.account)
    case.says("put-destination-policy", logs.put_destination_policy(destinationName="to", accessPolicy=policy))
    case.says("destination-with-policy", as_kinesis(logs.describe_destinations(DestinationNamePrefix="to")))


def test_a_destination_is_put_again(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestDestinations::test_update_destination")
    case.means(NAMES)
    target = Target(aws)
    for answer in ("original-description", "updated-description"):
        logs.put_destination(destinationName="to", **target.put)
        case.says(answer, as_kinesis(logs.describe_destinations(DestinationNamePrefix="to")))


def test_an_export_of_events(aws: Any, logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestExportTasksWithLogs::test_create_export_task_with_logs")
    name = case.recorded("describe-export-with-logs")["exportTasks"][0]["destination"]
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    may = {
        "Effect": "Allow",
        "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [may]}))
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")
    logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=[{"timestamp": 1770226377834, "message": "m"}])
    span = {member: case.recorded("describe-export-with-logs")["exportTasks"][0][member] for member in ("from", "to")}
    answer = logs.create_export_task(logGroupName="app", destination=name, **{"fromTime" if k == "from" else k: v for k, v in span.items()})
    case.says("create-export-with-logs", answer)
    case.says("describe-export-with-logs", logs.describe_export_tasks(taskId=answer["taskId"]))


def test_resource_policies_are_listed(logs: Any, recorded: Any) -> None:
    case = recorded("logs", "TestResourcePolicies::test_describe_resource_policies")
    statement = {"Sid": "Route53LogsToCloudWatchLogs", "Effect": "Allow", "Principal": {"Service": "route53.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [statement | {"Action": "logs:PutLogEvents", "Resource": "*"}]}
    for number in range(3):
        logs.put_resource_policy(policyName=f"policy-{number}", policyDocument=json.dumps(document))
    answer = logs.describe_resource_policies()
    for one in answer["resourcePolicies"]:
        one["policyDocument"] = json.loads(one["policyDocument"])
        one["policyDocument"]["Statement"][0]["Resource"] = "log_arn"  # as the recording has it
    case.says("describe-resource-policies", answer)
    case.says("policies", answer["resourcePolicies"])
