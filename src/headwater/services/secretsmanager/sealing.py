"""Values at rest: each version sealed under a data key of its own, which KMS makes and opens in the caller's name.

So the key's policy decides of the reader and of the writer, `kms:ViaService` holds, and a key that is disabled opens nothing.
Source: "Secret encryption and decryption" of the user guide, which names the encryption context.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from headwater.aws.faults import Fault, fault

from .model import Secret, Value

if TYPE_CHECKING:
    from headwater.kernel.context import Context

DEFAULT_ALIAS: Final = "alias/aws/secretsmanager"
NONCE_BYTES: Final = 12
TEXT: Final = b"s"
BINARY: Final = b"b"
DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied"})
SecretValue = str | bytes


def sealed(ctx: Context, secret: Secret, version_id: str, value: SecretValue) -> Awaitable[Value]:
    """Make a data key and seal under it. Raises AccessDeniedException or EncryptionFailure."""
    return _sealed(ctx, secret, version_id, value)


def opened(ctx: Context, secret: Secret, value: Value) -> Awaitable[SecretValue]:
    """Raises AccessDeniedException or DecryptionFailure."""
    return _opened(ctx, secret, value)


async def _sealed(ctx: Context, secret: Secret, version_id: str, value: SecretValue) -> Value:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    kms = ctx.client("kms", region=secret.region)
    context = _context(secret, version_id)
    try:
        data_key = await kms.generate_data_key(KeyId=_key_arn(secret), KeySpec="AES_256", EncryptionContext=context)
        if secret.kms_key_id is not None:  # who writes under a customer's key must be able to read, as AWS has it
            await kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=context)
    except Fault as refusal:
        raise _refused(refusal, "EncryptionFailure", "encrypt") from None
    plain = TEXT + value.encode() if isinstance(value, str) else BINARY + value
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(data_key["Plaintext"]).encrypt(nonce, plain, _bound_to(secret, version_id))
    return Value(
        account=secret.account,
        region=secret.region,
        name=secret.name,
        version_id=version_id,
        data_key=data_key["CiphertextBlob"],
        sealed=sealed,
    )


async def _opened(ctx: Context, secret: Secret, value: Value) -> SecretValue:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    kms = ctx.client("kms", region=secret.region)
    try:
        answer = await kms.decrypt(CiphertextBlob=value.data_key, EncryptionContext=_context(secret, value.version_id))
    except Fault as refusal:
        raise _refused(refusal, "DecryptionFailure", "decrypt") from None
    bound = _bound_to(secret, value.version_id)
    plain = AESGCM(answer["Plaintext"]).decrypt(value.sealed[:NONCE_BYTES], value.sealed[NONCE_BYTES:], bound)
    return plain[1:].decode() if plain[:1] == TEXT else plain[1:]


def _key_arn(secret: Secret) -> str:
    """The secret's key, which is of the secret's account whoever writes."""
    named = secret.kms_key_id or DEFAULT_ALIAS
    if named.startswith("arn:"):
        return named
    return f"arn:aws:kms:{secret.region}:{secret.account}:{named if named.startswith('alias/') else f'key/{named}'}"


def _context(secret: Secret, version_id: str) -> dict[str, str]:
    return {"SecretARN": secret.arn, "SecretVersionId": version_id}


def _bound_to(secret: Secret, version_id: str) -> bytes:
    return f"{secret.arn} {version_id}".encode()


def _refused(refusal: Fault, code: str, verb: str) -> Fault:
    if refusal.code in DENIED:
        return fault("AccessDeniedException", "Access to KMS is not allowed")
    words = f"Secrets Manager can't {verb} the protected secret text using the provided KMS key."
    return fault(code, f"{words} {refusal.message}".rstrip())
