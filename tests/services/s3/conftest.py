"""One S3 client and one bucket for a test."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config


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
