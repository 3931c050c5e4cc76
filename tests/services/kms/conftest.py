"""What the tests of KMS share: a client of a fresh account, and a symmetric key."""

from typing import Any

import pytest


@pytest.fixture
def kms(aws: Any) -> Any:
    return aws.client("kms")


@pytest.fixture
def key(kms: Any) -> str:
    """The ARN of a fresh symmetric key."""
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn
