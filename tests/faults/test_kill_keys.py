"""A key and its rotations survive kill -9. Truth: our own promise (ARCHITECTURE.md, "The store, and what it guarantees")."""

from collections.abc import Callable
from typing import Any

import boto3


def client(endpoint_url: str) -> Any:
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("kms", endpoint_url=endpoint_url, **keys)


def test_a_key_that_was_acknowledged_opens_its_ciphertexts_after_a_kill(start_program: Callable[[], Any]) -> None:
    program = start_program()
    kms = client(program.endpoint_url)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blobs = []
    for _ in range(3):
        blobs.append(kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"])
        kms.rotate_key_on_demand(KeyId=key)
    program.kill()
    program.start()
    again = client(program.endpoint_url)
    assert [again.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in blobs] == [b"secret"] * 3
    assert len(again.list_key_rotations(KeyId=key)["Rotations"]) == 3
    kms.close()
    again.close()
