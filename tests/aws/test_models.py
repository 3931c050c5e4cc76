"""The models as we read them are the models as botocore reads them."""

import subprocess
import sys

import botocore.session
import pytest
from botocore import xform_name

from headwater.aws.arn import Arn, is_account, parse_arn
from headwater.aws.models import service_model, snake_name

SHIPPED = ["firehose", "glue", "iam", "lambda", "logs", "rds", "redshift", "redshift-data", "s3", "sts"]


@pytest.mark.parametrize("service", [*SHIPPED, "ec2", "storagegateway", "mturk", "dynamodb", "sso-oidc", "socialmessaging"])
def test_operations_are_called_as_boto3_calls_them(service: str) -> None:
    for name in service_model(service).operations:
        assert snake_name(name) == xform_name(name)


@pytest.mark.parametrize("service", SHIPPED)
def test_every_error_of_the_model_has_its_status(service: str) -> None:
    theirs = botocore.session.Session().get_service_model(service)
    ours = service_model(service).errors
    for shape in theirs.error_shapes:
        found = ours[shape.error_code]
        status = shape.metadata.get("error", {}).get("httpStatusCode")
        assert status is None or (found.error is not None and found.error.http_status_code == status)


def test_a_model_is_read_without_importing_botocore() -> None:
    script = "import sys; from headwater.aws.routing import route; from headwater.aws.models import service_model; service_model('s3')"
    heavy = "('botocore', 'boto3', 'regex', 'awscrt', 'cbor2')"
    check = f"{script}; assert not [name for name in sys.modules if name.partition('.')[0] in {heavy}]"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_service_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        service_model("no-such-service")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("arn:aws:iam::000000000000:role/path/r", "role", "path/r"),
        ("arn:aws:lambda:eu-west-1:000000000000:function:f:1", "function", "f:1"),
        ("arn:aws:s3:::bucket/key", "bucket", "key"),
        ("arn:aws:sqs:eu-west-1:000000000000:queue", "", "queue"),
    ],
)
def test_an_arn_comes_apart_and_together_again(text: str, kind: str, name: str) -> None:
    found = parse_arn(text)
    assert str(found) == text
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize("text", ["", "arn", "arn:aws", "arn:aws:s3:::", "urn:aws:s3:::b", "arn::s3:::b", "arn:aws:::1:b"])
def test_what_is_no_arn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an ARN"):
        parse_arn(text)


def test_accounts_have_twelve_digits() -> None:
    assert is_account("000000000000")
    assert not is_account("00000000000a")
    assert Arn("aws", "s3", "", "", "b").name == "b"
