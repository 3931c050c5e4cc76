"""One S3 client and one bucket for a test."""

import io
import secrets
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config

from users import role as new_role


@pytest.fixture
def s3(aws: Any) -> Any:
    return aws.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"b-{secrets.token_hex(8)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def stranger(aws: Any) -> Iterator[Any]:
    """A client of another account."""
    account = aws.other()
    yield account.client("s3")
    account.close()


@pytest.fixture
def calm(aws: Any) -> Any:
    """A client that computes no checksum of its own accord."""
    return aws.client("s3", config=Config(request_checksum_calculation="when_required", response_checksum_validation="when_required"))


@pytest.fixture
def new_function(aws: Any) -> Callable[..., str]:
    """`new_function(source, *statements)`: the ARN of a function `told`, whose role may do what the statements say."""

    def make(source: str, *statements: dict[str, Any]) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.py", source)
        role = new_role(aws, "worker", "lambda.amazonaws.com", *statements)
        settings = {"Runtime": "python3.11", "Role": role, "Handler": "index.handler"}
        arn: str = aws.client("lambda").create_function(FunctionName="told", Code={"ZipFile": buffer.getvalue()}, **settings)["FunctionArn"]
        return arn

    return make


@pytest.fixture
def let_in(aws: Any) -> Callable[[str], None]:
    """`let_in(bucket)`: S3 may invoke the function `told` for that bucket."""

    def permit(bucket: str) -> None:
        permission = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceAccount": aws.account}
        aws.client("lambda").add_permission(FunctionName="told", StatementId="s3", SourceArn=f"arn:aws:s3:::{bucket}", **permission)

    return permit
