"""What lies on disk, and what comes back after a restart. Truth: our own promise (issue 5: key material at rest under the root key)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def client(endpoint_url: str) -> Any:
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("kms", endpoint_url=endpoint_url, **keys)


def test_material_is_nowhere_on_disk_in_the_clear_and_opens_after_a_restart(start_server: Callable[..., Any], tmp_path: Path) -> None:
    server = start_server()
    kms = client(server.endpoint_url)
    raw = b"0123456789abcdef-material-32byte"
    external = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    asked = kms.get_parameters_for_import(KeyId=external, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    outside: Any = load_der_public_key(asked["PublicKey"])
    sealed = outside.encrypt(raw, padding.OAEP(padding.MGF1(SHA256()), SHA256(), None))
    model = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    kms.import_key_material(KeyId=external, ImportToken=asked["ImportToken"], EncryptedKeyMaterial=sealed, **model)
    pair = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=external, Plaintext=b"secret", EncryptionContext={"a": "b"})["CiphertextBlob"]
    said = {"KeyId": pair, "Message": b"message", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**said)["Signature"]
    kms.close()
    server.stop()
    written = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert external.encode() in written
    assert raw not in written
    kms = client(start_server().endpoint_url)
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"secret"
    assert kms.verify(Signature=signature, **said)["SignatureValid"]
    kms.close()
