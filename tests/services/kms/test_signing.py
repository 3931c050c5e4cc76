"""Signatures, codes, public keys, agreement: what KMS computed is checked by `cryptography` outside, and the other way round.

Truth: the KMS API reference and "Key spec reference" of the developer guide; the recorded refusals are replayed in tests/recordings.
"""

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key


def made(kms: Any, spec: str, usage: str = "SIGN_VERIFY") -> str:
    arn: str = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
    return arn


def test_an_rsa_signature_is_good_outside(kms: Any) -> None:
    key = made(kms, "RSA_2048")
    public = kms.get_public_key(KeyId=key)
    assert (public["KeySpec"], public["KeyUsage"], len(public["SigningAlgorithms"])) == ("RSA_2048", "SIGN_VERIFY", 6)
    signature = kms.sign(KeyId=key, Message=b"message", SigningAlgorithm="RSASSA_PSS_SHA_384")["Signature"]
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), salt_length=48)
    outside: Any = load_der_public_key(public["PublicKey"])
    outside.verify(signature, b"message", pss, hashes.SHA384())


@pytest.mark.parametrize(
    ("spec", "digest"),
    [("ECC_NIST_P256", "256"), ("ECC_NIST_P384", "384"), ("ECC_NIST_P521", "512"), ("ECC_SECG_P256K1", "256")],
)
def test_a_curves_signature_is_good_outside(kms: Any, spec: str, digest: str) -> None:
    key = made(kms, spec)
    signature = kms.sign(KeyId=key, Message=b"message", SigningAlgorithm=f"ECDSA_SHA_{digest}")["Signature"]
    outside: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    hashed = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[digest]
    outside.verify(signature, b"message", ec.ECDSA(hashed))


def test_an_edwards_signature_is_good_outside(kms: Any, refused: Any) -> None:
    key = made(kms, "ECC_NIST_EDWARDS25519")
    said = {"KeyId": key, "Message": b"message", "SigningAlgorithm": "ED25519_SHA_512"}
    signature = kms.sign(**said)["Signature"]
    outside = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(outside, ed25519.Ed25519PublicKey)
    outside.verify(signature, b"message")
    assert kms.verify(Signature=signature, **said)["SignatureValid"]
    with refused("ValidationException", "MessageType DIGEST"):
        kms.sign(MessageType="DIGEST", **said)
    with refused("NotImplemented"):
        kms.sign(**(said | {"SigningAlgorithm": "ED25519_PH_SHA_512"}))


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_a_lattices_signature_is_good_outside(kms: Any, refused: Any, spec: str) -> None:
    """FIPS 204; mu is SHAKE256 of the public key's hash, an empty context and the message."""
    key = made(kms, spec)
    said = {"KeyId": key, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    signature = kms.sign(Message=b"message", **said)["Signature"]
    outside: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    outside.verify(signature, b"message")
    assert kms.verify(Message=b"message", Signature=signature, **said)["SignatureValid"]
    hashed = hashlib.shake_256(outside.public_bytes_raw()).digest(64)
    mu = hashlib.shake_256(hashed + b"\x00\x00" + b"message").digest(64)
    assert kms.verify(Message=mu, MessageType="EXTERNAL_MU", Signature=signature, **said)["SignatureValid"]
    outside.verify(kms.sign(Message=mu, MessageType="EXTERNAL_MU", **said)["Signature"], b"message")
    with refused("ValidationException", "Digest is invalid length"):
        kms.sign(Message=b"short", MessageType="EXTERNAL_MU", **said)
    with refused("KMSInvalidSignatureException"):
        kms.verify(Message=b"other", Signature=signature, **said)


@pytest.mark.parametrize("spec", ["ML_KEM_768", "ML_KEM_1024"])
def test_a_secret_is_encapsulated_for_the_holder_of_a_key(kms: Any, refused: Any, spec: str) -> None:
    """FIPS 203, and Decapsulate of the API reference: altered bytes give another secret, bytes of a wrong length a refusal."""
    key = made(kms, spec, "ENCAPSULATE_DECAPSULATE")
    outside: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    secret, sealed = outside.encapsulate()
    said = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
    assert kms.decapsulate(SharedSecretCiphertextBlob=sealed, **said)["SharedSecret"] == secret
    answer = kms.encapsulate(**said)
    blob = answer["SharedSecretCiphertextBlob"]
    assert kms.decapsulate(SharedSecretCiphertextBlob=blob, **said)["SharedSecret"] == answer["SharedSecret"]
    altered = blob[:-1] + bytes([blob[-1] ^ 1])
    assert kms.decapsulate(SharedSecretCiphertextBlob=altered, **said)["SharedSecret"] != answer["SharedSecret"]
    with refused("InvalidCiphertextException"):
        kms.decapsulate(SharedSecretCiphertextBlob=blob[:-1], **said)


def test_a_spec_that_is_not_built_says_so(kms: Any, refused: Any) -> None:
    with refused("NotImplemented", "ML_KEM_512"):
        kms.create_key(KeySpec="ML_KEM_512", KeyUsage="ENCAPSULATE_DECAPSULATE")


def test_what_was_encrypted_outside_opens_here(kms: Any, refused: Any) -> None:
    key = made(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    outside: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    blob = outside.encrypt(b"secret", padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    assert kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_1")["Plaintext"] == b"secret"
    with refused("InvalidCiphertextException"):
        kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    with refused("InvalidKeyUsageException", "SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("ValidationException", "encryption context"):
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_1", EncryptionContext={"a": "b"})


def test_two_sides_agree_on_a_secret(kms: Any, refused: Any) -> None:
    key = made(kms, "ECC_NIST_P256", "KEY_AGREEMENT")
    other = ec.generate_private_key(ec.SECP256R1())
    public = other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    answer = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    mine: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert answer["SharedSecret"] == other.exchange(ec.ECDH(), mine)
    wrong = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for given in (wrong, b"no key"):
        with refused("ValidationException", "public key is not valid"):
            kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=given)


@pytest.mark.parametrize("bits", [224, 512])
def test_a_code_is_an_hmac(kms: Any, bits: int) -> None:
    """Whoever imported the key can compute it too; of a made one, only that it has the right size can be seen."""
    key = made(kms, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
    code = kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm=f"HMAC_SHA_{bits}")["Mac"]
    assert len(code) == len(hmac.digest(b"k", b"m", getattr(hashlib, f"sha{bits}")))
    assert kms.verify_mac(KeyId=key, Message=b"m", MacAlgorithm=f"HMAC_SHA_{bits}", Mac=code)["MacValid"]


def test_a_key_does_what_it_was_made_for_and_nothing_else(kms: Any, key: str, refused: Any) -> None:
    signing, mac = made(kms, "ECC_NIST_P256"), made(kms, "HMAC_256", "GENERATE_VERIFY_MAC")
    with refused("InvalidKeyUsageException", f"{signing} key usage is SIGN_VERIFY which is not valid for Encrypt."):
        kms.encrypt(KeyId=signing, Plaintext=b"x")
    with refused("InvalidKeyUsageException", "ENCRYPT_DECRYPT which is not valid for Sign"):
        kms.sign(KeyId=key, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
    with refused("InvalidKeyUsageException", "ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256"):
        kms.sign(KeyId=signing, Message=b"x", SigningAlgorithm="ECDSA_SHA_384")
    with refused("InvalidKeyUsageException", "not valid for GenerateDataKey"):
        kms.generate_data_key(KeyId=mac, KeySpec="AES_256")
    for symmetric in (key, mac):
        with refused("UnsupportedOperationException"):
            kms.get_public_key(KeyId=symmetric)
