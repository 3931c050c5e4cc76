"""Destinations of CloudWatch Logs, to which other accounts' subscriptions send; and deliveries, which are kept.

Truth: "Cross-account cross-Region subscriptions" of the user guide; shapes and sentences in tests/recordings/test_logs_destinations.py.
"""

import gzip
import json
import time
from typing import Any

import pytest

from users import role


@pytest.fixture
def stream(aws: Any) -> str:
    """A stream of Firehose to the bucket `lake-ACCOUNT`."""
    aws.client("s3").create_bucket(Bucket=f"lake-{aws.account}")
    to = {
        "RoleARN": role(aws, "lake", "firehose.amazonaws.com", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        "BucketARN": f"arn:aws:s3:::lake-{aws.account}",
        "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
    }
    answer = aws.client("firehose").create_delivery_stream(DeliveryStreamName="lake", ExtendedS3DestinationConfiguration=to)
    arn: str = answer["DeliveryStreamARN"]
    return arn


def delivered(aws: Any, count: int) -> list[Any]:
    """The messages that reached the bucket, without the first ones, which only try."""
    s3, bucket = aws.client("s3"), f"lake-{aws.account}"
    found: list[Any] = []
    for _ in range(300):
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        text = b"".join(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys).decode()
        found = [one for one in json.loads(f"[{text.replace('}{', '},{')}]") if one["messageType"] == "DATA_MESSAGE"]
        if len(found) >= count:
            break
        time.sleep(0.02)
    return found


def test_another_accounts_events_come_if_the_policy_lets_them(server: Any, aws: Any, stream: str, refused: Any) -> None:
    logs, theirs = aws.client("logs"), aws.other()
    sender = role(aws, "sender", "logs.amazonaws.com", {"Effect": "Allow", "Action": "firehose:*", "Resource": stream})
    destination = logs.put_destination(destinationName="all", targetArn=stream, roleArn=sender)["destination"]["arn"]
    source = theirs.client("logs")
    source.create_log_group(logGroupName="app")
    source.create_log_stream(logGroupName="app", logStreamName="one")
    put = {"logGroupName": "app", "filterName": "out", "filterPattern": "", "destinationArn": destination}
    with refused("AccessDeniedException"):
        source.put_subscription_filter(**put)
    statement = {"Effect": "Allow", "Principal": {"AWS": theirs.account}, "Action": "logs:PutSubscriptionFilter", "Resource": destination}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    logs.put_destination_policy(destinationName="all", accessPolicy=policy)
    source.put_subscription_filter(**put)
    now = int(server.home.clock.now().timestamp() * 1000)
    source.put_log_events(logGroupName="app", logStreamName="one", logEvents=[{"timestamp": now, "message": "hello"}])
    [message] = delivered(aws, 1)
    assert (message["owner"], message["logGroup"], message["logEvents"][0]["message"]) == (theirs.account, "app", "hello")
    assert logs.describe_destinations(DestinationNamePrefix="al")["destinations"][0]["accessPolicy"] == policy
    logs.delete_destination(destinationName="all")
    with refused("AccessDeniedException", "logs:PutSubscriptionFilter"):
        source.put_subscription_filter(**put)


def test_a_destination_whose_role_may_not_write_is_refused(aws: Any, stream: str, refused: Any) -> None:
    sender = role(aws, "sender", "logs.amazonaws.com")
    with refused("InvalidParameterException", "Could not deliver test message"):
        aws.client("logs").put_destination(destinationName="all", targetArn=stream, roleArn=sender)


REFUSALS = {
    "a destination that is not there": ("put_destination_policy", {"accessPolicy": '{"Statement": []}'}, "ResourceNotFoundException"),
    "a target that is none": ("put_destination", {"targetArn": "arn:aws:s3:::b", "roleArn": "r"}, "InvalidParameterException"),
    "to delete what is not there": ("delete_destination", {}, "ResourceNotFoundException"),
}


@pytest.mark.parametrize(("operation", "request_", "code"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_refused(aws: Any, refused: Any, operation: str, request_: dict[str, Any], code: str) -> None:
    with refused(code):
        getattr(aws.client("logs"), operation)(destinationName="none", **request_)


def test_a_delivery_is_kept_and_its_ends_stay_as_long_as_it(aws: Any, refused: Any) -> None:
    """That nothing is delivered is ours: no service in this house writes such logs."""
    logs = aws.client("logs")
    resource = f"arn:aws:bedrock:us-east-1:{aws.account}:knowledge-base/1"
    logs.put_delivery_source(name="source", resourceArn=resource, logType="APPLICATION_LOGS")
    group = f"arn:aws:logs:us-east-1:{aws.account}:log-group:to"
    to = {"deliveryDestinationConfiguration": {"destinationResourceArn": group}}
    arn = logs.put_delivery_destination(name="to", outputFormat="plain", **to)["deliveryDestination"]["arn"]
    delivery = logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=arn)["delivery"]
    assert delivery["deliveryDestinationType"] == "CWL"
    with refused("ConflictException"):
        logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=arn)
    with refused("ConflictException"):
        logs.delete_delivery_source(name="source")
    with refused("ConflictException"):
        logs.delete_delivery_destination(name="to")
    logs.update_delivery_configuration(id=delivery["id"], recordFields=["a", "b"], fieldDelimiter="|")
    found = logs.describe_deliveries()["deliveries"]
    assert [(one["recordFields"], one["fieldDelimiter"]) for one in found] == [(["a", "b"], "|")]
    with refused("ValidationException"):
        logs.update_delivery_configuration(id=delivery["id"], s3DeliveryConfiguration={"suffixPath": "x"})
    policy = '{"Version": "2012-10-17", "Statement": []}'
    logs.put_delivery_destination_policy(deliveryDestinationName="to", deliveryDestinationPolicy=policy)
    assert logs.get_delivery_destination_policy(deliveryDestinationName="to")["policy"] == {"deliveryDestinationPolicy": policy}
    logs.delete_delivery_destination_policy(deliveryDestinationName="to")
    assert logs.get_delivery_destination_policy(deliveryDestinationName="to")["policy"] == {}
    logs.delete_delivery(id=delivery["id"])
    logs.delete_delivery_source(name="source")
    logs.delete_delivery_destination(name="to")
    assert logs.describe_delivery_destinations()["deliveryDestinations"] == []
