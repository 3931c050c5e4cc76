"""Values that are kept secret: sealed by KMS in the caller's name, bound to the parameter's ARN.

A standard parameter is encrypted by KMS itself; an advanced one may be longer than KMS takes and gets a data key of its own.
Source: "How AWS Systems Manager Parameter Store uses AWS KMS" of the KMS developer guide.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headwater.aws.faults import Fault, fault

from .model import ADVANCED, Version, arn_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

DEFAULT_KEY: Final = "alias/aws/ssm"
NONCE_BYTES: Final = 12
UNUSABLE: Final = frozenset(
    {"NotFoundException", "InvalidArnException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException"}
)
"""KMS's refusals that are the key's and not the caller's."""


def seal(ctx: Context, name: str, value: str, key_id: str, tier: str) -> Awaitable[tuple[bytes, bytes]]:
    """(ciphertext, sealed data key or nothing)."""
    return _seal(ctx, name, value, key_id, tier)


def value_of(ctx: Context, version: Version, *, opened: bool) -> Awaitable[str]:
    """The value as it is answered: a sealed one stays so unless the caller asks for decryption."""
    return _value_of(ctx, version, opened=opened)


async def _seal(ctx: Context, name: str, value: str, key_id: str, tier: str) -> tuple[bytes, bytes]:
    arn = arn_of(ctx.account, ctx.region, name)
    if tier != ADVANCED:
        answer = await _kms(ctx, "encrypt", arn, KeyId=key_id, Plaintext=value.encode())
        return answer["CiphertextBlob"], b""
    answer = await _kms(ctx, "generate_data_key", arn, KeyId=key_id, KeySpec="AES_256")
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(answer["Plaintext"]).encrypt(nonce, value.encode(), arn.encode()), answer["CiphertextBlob"]


async def _value_of(ctx: Context, version: Version, *, opened: bool) -> str:
    if not version.sealed:
        return version.value
    if not opened:
        return base64.b64encode(version.data_key + version.sealed).decode()
    arn = arn_of(version.account, version.region, version.name)
    if not version.data_key:
        plain: bytes = (await _kms(ctx, "decrypt", arn, CiphertextBlob=version.sealed))["Plaintext"]
        return plain.decode()
    key = (await _kms(ctx, "decrypt", arn, CiphertextBlob=version.data_key))["Plaintext"]
    return AESGCM(key).decrypt(version.sealed[:NONCE_BYTES], version.sealed[NONCE_BYTES:], arn.encode()).decode()


async def _kms(ctx: Context, operation: str, arn: str, **request: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await getattr(ctx.client("kms"), operation)(EncryptionContext={"PARAMETER_ARN": arn}, **request)
    except Fault as refusal:
        if refusal.code in UNUSABLE:
            raise fault("InvalidKeyId", f"{refusal.message} (Service: AWSKMS; Error Code: {refusal.code})") from None
        raise
    return answer
