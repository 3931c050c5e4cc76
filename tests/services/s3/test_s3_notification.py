"""Whom a bucket tells of what happens: the configuration. Truth: recorded answers of AWS where a case is named, else "Configuring
event notifications using object key name filtering" and "Granting permissions to publish event notification messages to a destination".
"""

from collections.abc import Callable
from typing import Any

import pytest

from recorded import Recorded

CREATED = ["s3:ObjectCreated:*"]


@pytest.fixture
def function(new_function: Callable[..., str]) -> str:
    """The ARN of a function that S3 may not invoke yet."""
    return new_function("def handler(event, context): pass")


def rule(function: str, **more: Any) -> dict[str, Any]:
    return {"LambdaFunctionArn": function, "Events": CREATED} | more


def filtered(**rules: str) -> dict[str, Any]:
    return {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}}


def put(s3: Any, bucket: str, *rules: dict[str, Any], **more: Any) -> Any:
    asked = {"LambdaFunctionConfigurations": list(rules)}
    return s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=asked, **more)


def kept(s3: Any, bucket: str) -> dict[str, Any]:
    found: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket=bucket)
    del found["ResponseMetadata"]
    return found


def test_a_bucket_tells_nobody_until_it_is_told_to(s3: Any, bucket: str) -> None:
    assert kept(s3, bucket) == {}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert kept(s3, bucket) == {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert kept(s3, bucket) == {}


def test_a_function_is_told_where_s3_may_invoke_it(
    s3: Any, bucket: str, function: str, let_in: Callable[[str], None], refused: Any
) -> None:
    with refused("InvalidArgument", "Unable to validate the following destination configurations") as caught:
        put(s3, bucket, rule(function))
    assert caught.value.response["Error"]["ArgumentName1"] == function
    assert caught.value.response["Error"]["ArgumentValue1"] == f"Not authorized to invoke function [{function}]"
    with refused("InvalidArgument", "Unable to validate"):
        put(s3, bucket, rule(f"{function}-absent"))
    put(s3, bucket, rule(f"{function}-absent"), SkipDestinationValidation=True)
    let_in(bucket)
    put(s3, bucket, rule(function, Id="images", **filtered(prefix="in/", suffix="")), rule(function, Events=["s3:ObjectRemoved:Delete"]))
    first, second = kept(s3, bucket)["LambdaFunctionConfigurations"]
    filters = [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ""}]
    assert first == {"Id": "images", "LambdaFunctionArn": function, "Events": CREATED, "Filter": {"Key": {"FilterRules": filters}}}
    assert len(second["Id"]) > 20


def test_another_buckets_permission_is_no_permission(
    s3: Any, bucket: str, function: str, let_in: Callable[[str], None], refused: Any
) -> None:
    let_in("another-bucket")
    with refused("InvalidArgument", "Unable to validate"):
        put(s3, bucket, rule(function))


F = "arn:aws:lambda:us-east-1:111111111111:function:f"
APART = "Cannot have overlapping suffixes in two rules if the prefixes are overlapping"
REFUSED = {
    "the same event twice": (
        "Configurations on the same bucket cannot share a common event type",
        [rule(F), rule(F, Events=["s3:ObjectCreated:Put"])],
    ),
    "a prefix in another": (APART, [rule(F, **filtered(prefix="a/")), rule(F, **filtered(prefix="a/b"))]),
    "no filter beside one": (APART, [rule(F), rule(F, **filtered(suffix=".jpg"))]),
    "suffixes that overlap": (APART, [rule(F, **filtered(suffix=".tar.gz")), rule(F, **filtered(prefix="in/", suffix="gz"))]),
    "the same id twice": ("IDs must be unique", [rule(F, Id="a"), rule(F, Id="a", Events=["s3:ObjectRemoved:*"])]),
    "two prefixes in one": ("more than one prefix rule", [rule(F, **filtered(prefix="a", Prefix="b"))]),
    "another region": ("region is not valid", [rule(F.replace("us-east-1", "eu-west-1"))]),
    "a queue as a function": ("could not be parsed", [rule("arn:aws:sqs:us-east-1:111111111111:q")]),
    "an event of nobody": ("not supported for notifications", [rule(F, Events=["s3:ObjectSeen"])]),
}


@pytest.mark.parametrize(("words", "rules"), REFUSED.values(), ids=REFUSED)
def test_configurations_that_say_two_things_at_once(s3: Any, bucket: str, refused: Any, words: str, rules: list[dict[str, Any]]) -> None:
    with refused("InvalidArgument", words):
        put(s3, bucket, *rules, SkipDestinationValidation=True)
    assert kept(s3, bucket) == {}


def test_what_does_not_overlap_stands_side_by_side(s3: Any, bucket: str) -> None:
    rules = [
        rule(F, **filtered(prefix="in/", suffix=".jpg")),
        rule(F, **filtered(prefix="in/", suffix=".png")),
        rule(F, **filtered(prefix="out/")),
        rule(F, Events=["s3:ObjectRemoved:*", "s3:ObjectTagging:Put"]),
    ]
    put(s3, bucket, *rules, SkipDestinationValidation=True)
    assert len(kept(s3, bucket)["LambdaFunctionConfigurations"]) == 4


def queues(*arns: str) -> dict[str, Any]:
    return {"NotificationConfiguration": {"QueueConfigurations": [{"Id": "id123", "QueueArn": arn, "Events": CREATED} for arn in arns]}}


@pytest.mark.http
def test_queues_that_are_not_there(aws: Any, s3: Any, bucket: str, refused: Any) -> None:
    put_queues = s3.put_bucket_notification_configuration
    queue = f"arn:aws:sqs:us-east-1:{aws.account}:my-queue"
    left_out = {"skip_destination_validation": "queues are not built, and nothing would reach them: 501"}
    with Recorded("s3", "TestS3NotificationsToSQS::test_invalid_sqs_arn", left_out=left_out) as case:
        case.answers("invalid_not_skip", put_queues, Bucket=bucket, **queues("invalid-queue"))
        case.answers("invalid_skip", put_queues, Bucket=bucket, SkipDestinationValidation=True, **queues("invalid-queue"))
        case.answers("queue-does-not-exist", put_queues, Bucket=bucket, **queues(queue))
    with Recorded("s3", "TestS3NotificationsToSQS::test_multiple_invalid_sqs_arns") as case:
        case.answers("two-queue-arns-invalid", put_queues, Bucket=bucket, **queues("invalid_arn", "invalid_arn_2"))
        case.answers("one-queue-invalid-one-not-existent", put_queues, Bucket=bucket, **queues("invalid_arn_2", queue))
        two = queues(queue, f"{queue}-2")
        two["NotificationConfiguration"]["QueueConfigurations"][1]["Id"] = "id124"
        case.answers("multiple-queues-do-not-exist", put_queues, Bucket=bucket, **two)
    with refused("NotImplemented"):
        put_queues(Bucket=bucket, SkipDestinationValidation=True, **queues(queue))


@pytest.mark.http
def test_filters_and_buckets_that_are_wrong(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3BucketNotificationConfiguration::test_bucket_notification_with_invalid_filter_rules") as case:
        case.answers("invalid_filter_name", put, s3, bucket, rule(F, **filtered(INVALID="x")))
    with Recorded("s3", "TestS3::test_get_bucket_notification_configuration_no_such_bucket") as case:
        case.answers("expected_error", s3.get_bucket_notification_configuration, Bucket=f"{bucket}-absent")
    with Recorded("s3", "TestS3NotificationsToSns::test_bucket_not_exist") as case:
        case.answers("bucket_not_exists", put, s3, f"{bucket}-absent", rule(F))
