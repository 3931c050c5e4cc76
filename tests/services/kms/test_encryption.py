"""Encrypt, decrypt, data keys, contexts: over the wire with boto3, and the blob's own properties with hypothesis.

Truth: the KMS API reference; "Encryption context" and "Data keys" of the developer guide; recordings/kms.json for the refusals.
"""

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.kms import blobs

CONTEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
KEY_IDS = st.uuids().map(str) | st.uuids().map(lambda one: f"mrk-{one.hex}")
ACCOUNTS = st.integers(0, 10**12 - 1).map(lambda number: f"{number:012}")


@given(ACCOUNTS, KEY_IDS, st.integers(1, 2**16 - 1), st.binary(max_size=64), CONTEXTS)
def test_a_blob_says_whose_it_is_and_opens_again(account: str, key_id: str, number: int, plaintext: bytes, context: dict[str, str]) -> None:
    aes = AESGCM(bytes(32))
    read = blobs.read(blobs.written(account, key_id, number, aes, plaintext, context))
    assert read is not None
    assert (read.account, read.key_id, read.number) == (account, key_id, number)
    assert blobs.opened(read, aes, dict(reversed(context.items()))) == plaintext


@given(st.binary(min_size=1, max_size=32), st.data())
def test_a_blob_that_was_changed_anywhere_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    aes = AESGCM(bytes(32))
    blob = bytearray(blobs.written("000000000001", "0b0f4a7c-1111-4222-8333-123456789abc", 1, aes, plaintext, {"a": "b"}))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    read = blobs.read(bytes(blob))
    assert read is None or blobs.opened(read, aes, {"a": "b"}) is None


@given(st.binary(max_size=32), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_blob_never_opens_under_another_key(plaintext: bytes, one: bytes, other: bytes) -> None:
    read = blobs.read(blobs.written("000000000001", "0b0f4a7c-1111-4222-8333-123456789abc", 1, AESGCM(one), plaintext, None))
    assert read is not None
    assert (blobs.opened(read, AESGCM(other), None) == plaintext) == (one == other)


@given(CONTEXTS, CONTEXTS)
def test_two_contexts_are_the_same_bytes_only_if_they_are_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert (blobs.canonical(one) == blobs.canonical(other)) == (one == other)


@given(st.binary(max_size=80))
def test_bytes_that_nobody_wrote_are_no_blob_or_do_not_open(garbage: bytes) -> None:
    read = blobs.read(garbage)
    assert read is None or blobs.opened(read, AESGCM(bytes(32)), None) is None


def test_what_was_encrypted_comes_back_with_the_key_that_did_it(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"purpose": "test", "who": "me"})["CiphertextBlob"]
    assert b"secret" not in blob
    answer = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"who": "me", "purpose": "test"})
    assert (answer["Plaintext"], answer["KeyId"], answer["EncryptionAlgorithm"]) == (b"secret", key, "SYMMETRIC_DEFAULT")
    assert answer["KeyMaterialId"] == kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]


@pytest.mark.parametrize("context", [{}, {"purpose": "other"}, {"Purpose": "test"}, {"purpose": "test", "more": "x"}])
def test_another_context_does_not_open(kms: Any, key: str, refused: Any, context: dict[str, str]) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"purpose": "test"})["CiphertextBlob"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_a_tampered_ciphertext_does_not_open(kms: Any, key: str, refused: Any) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    for changed in (blob[:-1] + bytes([blob[-1] ^ 1]), blob[:-1], b"garbage", blob[:40]):
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=changed, KeyId=key)


def test_a_ciphertext_opens_only_under_its_own_key(kms: Any, key: str, aws: Any, refused: Any) -> None:
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    with refused("IncorrectKeyException", "does not identify a CMK"):
        kms.decrypt(CiphertextBlob=blob, KeyId=other)
    with refused("AccessDeniedException", "does not exist in this region"):
        aws.client("kms", region="eu-west-1").decrypt(CiphertextBlob=blob)


def test_a_data_key_is_handed_over_in_the_clear_and_encrypted(kms: Any, key: str) -> None:
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"a": "b"})
    assert len(made["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "b"})["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=17)
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == 17


@pytest.mark.parametrize("sizes", [{}, {"KeySpec": "AES_128", "NumberOfBytes": 16}])
def test_a_data_keys_size_is_said_once(kms: Any, key: str, refused: Any, sizes: dict[str, Any]) -> None:
    with refused("ValidationException", "Please specify either number of bytes or key spec."):
        kms.generate_data_key(KeyId=key, **sizes)


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1"])
def test_the_halves_of_a_data_key_pair_belong_together(kms: Any, key: str, spec: str) -> None:
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec)
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert private.public_key() == load_der_public_key(made["PublicKey"])
    assert kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"] == made["PrivateKeyPlaintext"]
    assert "PrivateKeyPlaintext" not in kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec=spec)


def test_random_bytes_are_as_many_as_asked_for(kms: Any, refused: Any) -> None:
    one, other = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert (len(one), one == other) == (32, False)
    with refused("ValidationException", "NumberOfBytes is required."):
        kms.generate_random()


def test_from_one_key_and_context_to_another(kms: Any, key: str) -> None:
    other = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext={"a": "1"}, DestinationKeyId=other, DestinationEncryptionContext={"b": "2"}
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, other)
    answer = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert (answer["Plaintext"], answer["KeyId"]) == (b"secret", other)


def test_a_dry_run_refuses_what_would_be_refused_and_does_nothing_else(kms: Any, key: str, refused: Any) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
        lambda: kms.decrypt(CiphertextBlob=blob, DryRun=True),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", DryRun=True),
    ):
        with refused("DryRunOperationException", "would have succeeded"):
            call()
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}, DryRun=True)


def test_a_dry_run_may_leave_the_ciphertext_out(kms: Any, key: str, refused: Any) -> None:
    """DryRunModifiers of the API reference: IGNORE_CIPHERTEXT asks about the permission alone."""
    asked = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    with refused("DryRunOperationException"):
        kms.decrypt(KeyId=key, **asked)
    with refused("DryRunOperationException"):
        kms.re_encrypt(SourceKeyId=key, DestinationKeyId=key, **asked)
    with refused("ValidationException", "DryRunModifiers"):
        kms.decrypt(KeyId=key, DryRunModifiers=["IGNORE_CIPHERTEXT"])
    with refused("ValidationException", "ciphertextBlob"):
        kms.decrypt(KeyId=key)


def test_4096_bytes_are_encrypted_and_no_more(kms: Any, key: str, refused: Any) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=bytes(4096))["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == bytes(4096)
    with refused("ValidationException", "length less than or equal to 4096"):
        kms.encrypt(KeyId=key, Plaintext=bytes(4097))
