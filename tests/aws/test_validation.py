"""What is outside the models' limits is refused with AWS's code and sentence, for every operation that we ship.

Truth of the sentences: recordings of AWS (lambda.json, iam.json, logs.json, cloudwatch.json, events.json; grep "validation error"),
quoted at each case. The order of an enum's values differs from service to service and run to run, so those are compared as sets.
"""

from typing import Any

import msgspec
import pytest

from headwater.aws.codec import codec_for
from headwater.aws.faults import Fault
from headwater.aws.models import Member, Operation, service_model
from headwater.aws.patches import known_error, patch
from headwater.aws.validation import pattern
from headwater.aws.wire import Request

SERVICES = ["firehose", "glue", "iam", "lambda", "logs", "rds", "redshift", "redshift-data", "sts"]


def refusal(service: str, operation: str, params: dict[str, Any]) -> Fault:
    model = service_model(service)
    with pytest.raises(Fault) as caught:
        codec_for(model.operations[operation], model.metadata.protocol).validate(params)
    assert known_error(service, caught.value.code)
    return caught.value


ROLE = "arn:aws:iam::000000000000:role/r"
CODE = {"ZipFile": b"x"}
SENTENCES: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "a pattern": (  # lambda.json, test_create_lambda_exceptions
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": "r1", "Code": CODE},
        "ValidationException",
        (
            "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
        ),
    ),
    "a list that is too long": (  # the same
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": ROLE, "Code": CODE, "Architectures": ["x86_64", "arm64"]},
        "ValidationException",
        (
            "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
            "Member must have length less than or equal to 1"
        ),
    ),
    "an enum": (  # lambda.json, test_put_function_recursion_config_invalid_value
        "lambda",
        "PutFunctionRecursionConfig",
        {"FunctionName": "f", "RecursiveLoop": "InvalidValue"},
        "ValidationException",
        (
            "1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Terminate, Allow]"
        ),
    ),
    "a member that is missing": (  # lambda.json, test_tag_exceptions
        "lambda",
        "UntagResource",
        {"Resource": "arn:aws:lambda:us-east-1:000000000000:function:f"},
        "ValidationException",
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    ),
    "a nested member": (  # events.json has 'targets.1.member.id'; here a Firehose record
        "firehose",
        "PutRecordBatch",
        {"DeliveryStreamName": "d", "Records": [{"Data": b"x"}, {}]},
        "ValidationException",
        "1 validation error detected: Value null at 'records.2.member.data' failed to satisfy constraint: Member must not be null",
    ),
    "two at once": (  # events.json, "3 validation errors detected": the pattern before the length
        "firehose",
        "DescribeDeliveryStream",
        {"DeliveryStreamName": "a b" * 30},
        "ValidationException",
        (
            f"2 validation errors detected: Value '{'a b' * 30}' at 'deliveryStreamName' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '{'a b' * 30}' at 'deliveryStreamName' failed to "
            "satisfy constraint: Member must have length less than or equal to 64"
        ),
    ),
    "IAM, which shows no values": (  # iam.json, test_user_match_id_mismatch
        "iam",
        "DeleteServiceSpecificCredential",
        {"ServiceSpecificCredentialId": "totally-wrong-credential-id-with-hyphens"},
        "ValidationError",
        (
            r"1 validation error detected: Value at 'serviceSpecificCredentialId' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\w]+"
        ),
    ),
    "IAM's enums": (  # iam.json, test_invalid_update_parameters
        "iam",
        "UpdateAccessKey",
        {"AccessKeyId": "A" * 16, "Status": "Invalid"},
        "ValidationError",
        "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set",
    ),
    "CloudWatch Logs": (  # logs.json, test_describe_metric_filters_invalid_parameters
        "logs",
        "DescribeMetricFilters",
        {"metricName": "X" * 256, "metricNamespace": "n"},
        "InvalidParameterException",
        (
            f"1 validation error detected: Value '{'X' * 256}' at 'metricName' failed to satisfy constraint: "
            "Member must have length less than or equal to 255"
        ),
    ),
    "STS": (  # docs.aws.amazon.com/STS: DurationSeconds, minimum 900
        "sts",
        "AssumeRole",
        {"RoleArn": ROLE + "x" * 20, "RoleSessionName": "s1", "DurationSeconds": 60},
        "ValidationError",
        (
            "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900"
        ),
    ),
    "RDS without its identifier": (
        "rds",
        "DeleteDBInstance",
        {},
        "MissingParameter",
        "The request must contain the parameter DBInstanceIdentifier",
    ),
    "a map": (  # AWS's sentence for Lambda's variables, quoted in many public issue threads
        "lambda",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Environment": {"Variables": {"1x": "v"}}},
        "ValidationException",
        "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
    ),
}


@pytest.mark.parametrize(("service", "operation", "params", "code", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_validation_says_what_aws_says_of(service: str, operation: str, params: dict[str, Any], code: str, sentence: str) -> None:
    found = refusal(service, operation, params)
    assert found.code == code
    assert sentence in found.message


def test_an_enum_of_strings_in_a_list_is_reported_at_the_list() -> None:
    """lambda.json, test_create_lambda_exceptions: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]."""
    found = refusal("lambda", "CreateFunction", {"FunctionName": "f", "Role": ROLE, "Code": CODE, "Architectures": ["X86_64"]})
    assert "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [" in found.message
    assert "Member must satisfy enum value set: [x86_64, arm64]" in found.message


def test_a_runtime_has_a_sentence_of_its_own() -> None:
    """lambda.json, test_create_lambda_exceptions: InvalidParameterValueException, and "or be a valid ARN" at the end."""
    found = refusal("lambda", "CreateFunction", {"FunctionName": "f", "Role": ROLE, "Code": CODE, "Runtime": "non-existent-runtime"})
    assert found.code == "InvalidParameterValueException"
    assert found.message.startswith(
        "Value non-existent-runtime at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    )
    assert found.message.endswith("] or be a valid ARN")


def violations(member: Member) -> list[Any]:
    """Values that break one limit of the member each."""
    shape = member.shape
    found: list[Any] = []
    if shape.type == "string":
        if member.enum:
            found.append("no such value")
        if shape.max is not None and shape.max <= 5000:
            found.append("x" * (int(shape.max) + 1))
        if shape.min:
            found.append("")
        if shape.pattern and not pattern(shape.pattern)("\x00"):
            found.append("\x00")
    elif shape.type in {"integer", "long"}:
        found += [int(shape.max) + 1] if shape.max is not None else []
        found += [int(shape.min) - 1] if shape.min is not None else []
    elif shape.type == "list" and shape.min:
        found.append([])
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_each_limit_of_each_member_is_held(service: str) -> None:
    model, profile = service_model(service), patch(service).validation
    own = {profile.code, *(wording.code for wording in (profile.missing, profile.always, *profile.enums.values()) if wording)}
    checked = 0
    for operation in model.operations.values():
        if operation.input is None:
            continue
        validate = codec_for(operation, model.metadata.protocol).validate
        for name, member in operation.input.members.items():
            for value in violations(member):
                checked += 1
                with pytest.raises(Fault) as caught:
                    validate({name: value})
                assert caught.value.code in own, (operation.name, name, caught.value)
        if operation.input.required:
            checked += 1
            with pytest.raises(Fault):
                validate({})
    assert checked > 10


WRONG: dict[str, Any] = {
    "string": 1,
    "integer": "1",
    "long": True,
    "float": [],
    "double": "x",
    "boolean": "true",
    "blob": 1,
    "timestamp": {},
    "list": "x",
    "map": [],
    "structure": "x",
}


@pytest.mark.parametrize("service", ["firehose", "glue", "lambda", "logs", "redshift-data"])
def test_a_wrong_json_type_of_any_member_is_refused(service: str) -> None:
    model = service_model(service)
    for operation in model.operations.values():
        for name, member in members_in_json(operation):
            body = msgspec.json.encode({member.wire_name: WRONG[member.shape.type]})
            with pytest.raises(Fault) as caught:
                codec_for(operation, model.metadata.protocol).decode(Request("POST", "/", "", {}, body), {})
            assert caught.value.code == "SerializationException", (operation.name, name)


def members_in_json(operation: Operation) -> list[tuple[str, Member]]:
    if operation.input is None or operation.input.payload is not None:
        return []
    return [(name, member) for name, member in operation.input.members.items() if member.location is None and not member.shape.document]


MALFORMED_JSON = {"cut off": b'{"a":', "no object": b"[]", "no UTF-8": b'{"a": "\xff"}', "text": b"hello", "too deep": b"[" * 100_000}


@pytest.mark.parametrize("body", MALFORMED_JSON.values(), ids=MALFORMED_JSON)
def test_malformed_json_is_refused(body: bytes) -> None:
    codec = codec_for(service_model("firehose").operations["PutRecord"], "json")
    with pytest.raises(Fault, match="SerializationException"):
        codec.decode(Request("POST", "/", "", {}, body), {})


@pytest.mark.parametrize(
    "java", [r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", r"[\w-_]*"]
)
def test_patterns_that_only_java_knows_are_understood(java: str) -> None:
    assert pattern(java)("abc_")
    assert not pattern(java)("abc\x00")


def test_every_pattern_of_the_shipped_services_compiles() -> None:
    for service in [*SERVICES, "s3"]:
        for raw in service_model(service)._raw_shapes.values():
            if raw.pattern:
                pattern(raw.pattern)
