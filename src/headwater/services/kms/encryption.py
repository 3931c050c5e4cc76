"""Encrypt, decrypt, and from one key to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import asymmetric, blobs, refusals
from .arns import ciphertext_arn, destination_arn, key_arn
from .finding import find, usable
from .live import used
from .material import open_material
from .model import Key, keys
from .specs import ENCRYPT_DECRYPT, SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context

NOT_YOURS: Final = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
)


@requires("kms:Encrypt", key_arn)
async def encrypt(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Encrypt up to 4096 bytes."""
    key = await usable(ctx, request["KeyId"])
    algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
    check_encrypts(key, algorithm, "Encrypt")
    _check_size(key, algorithm, request["Plaintext"])
    context = request.get("EncryptionContext")
    check_context(key, context)
    refusals.check_dry_run(request)
    blob = sealed_under(ctx, key, algorithm, request["Plaintext"], context)
    used(ctx, key, "Encrypt")
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": algorithm}


@requires("kms:Decrypt", ciphertext_arn("KeyId", "EncryptionAlgorithm"))
async def decrypt(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Decrypt; a symmetric ciphertext says itself which key it needs."""
    refusals.check_no_recipient(request)
    algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
    blob = _given_blob(request)
    key = _key_for(ctx, request.get("KeyId"), blob, algorithm, "Decrypt")
    if _asks_without_ciphertext(request):
        refusals.check_dry_run(request)
    plaintext, number = opened_under(ctx, key, algorithm, blob, request.get("EncryptionContext"))
    refusals.check_dry_run(request)
    used(ctx, key, "Decrypt")
    return {"KeyId": key.arn, "Plaintext": plaintext, "EncryptionAlgorithm": algorithm, "KeyMaterialId": material_id(key, number)}


@requires("kms:ReEncryptFrom", ciphertext_arn("SourceKeyId", "SourceEncryptionAlgorithm"))
@requires("kms:ReEncryptTo", destination_arn)
async def re_encrypt(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """From one key to another, or from one context to another; the plaintext is seen by nobody."""
    source_algorithm = request.get("SourceEncryptionAlgorithm", SYMMETRIC)
    algorithm = request.get("DestinationEncryptionAlgorithm", SYMMETRIC)
    blob = _given_blob(request)
    source = _key_for(ctx, request.get("SourceKeyId"), blob, source_algorithm, "ReEncryptFrom")
    destination = await usable(ctx, request["DestinationKeyId"])
    check_encrypts(destination, algorithm, "ReEncryptTo")
    context = request.get("DestinationEncryptionContext")
    check_context(destination, context)
    if _asks_without_ciphertext(request):
        refusals.check_dry_run(request)
    plaintext, number = opened_under(ctx, source, source_algorithm, blob, request.get("SourceEncryptionContext"))
    _check_size(destination, algorithm, plaintext)
    refusals.check_dry_run(request)
    used(ctx, source, "ReEncrypt")
    used(ctx, destination, "ReEncrypt")
    return {
        "CiphertextBlob": sealed_under(ctx, destination, algorithm, plaintext, context),
        "SourceKeyId": source.arn,
        "KeyId": destination.arn,
        "SourceEncryptionAlgorithm": source_algorithm,
        "DestinationEncryptionAlgorithm": algorithm,
        "SourceKeyMaterialId": material_id(source, number),
        "DestinationKeyMaterialId": material_id(destination, destination.current),
    }


def sealed_under(ctx: Context, key: Key, algorithm: str, plaintext: bytes, context: dict[str, str] | None) -> bytes:
    opened = open_material(ctx.home, key, key.current)
    if algorithm != SYMMETRIC:
        return asymmetric.encrypted(opened, algorithm, plaintext)
    return blobs.written(key.account, key.key_id, key.current, opened, plaintext, context)


def opened_under(ctx: Context, key: Key, algorithm: str, blob: bytes, context: dict[str, str] | None) -> tuple[bytes, int]:
    """The plaintext, and the number of the material that opened it."""
    if algorithm != SYMMETRIC:
        plaintext, number = asymmetric.decrypted(open_material(ctx.home, key, key.current), algorithm, blob), key.current
    else:
        read = blobs.read(blob)
        if read is None or key.material(read.number) is None:
            raise refusals.invalid_ciphertext()
        plaintext, number = blobs.opened(read, open_material(ctx.home, key, read.number), context), read.number
    if plaintext is None:
        raise refusals.invalid_ciphertext()
    return plaintext, number


def material_id(key: Key, number: int) -> str | None:
    material = key.material(number)
    return material.material_id if material is not None and key.spec == SYMMETRIC else None


def check_encrypts(key: Key, algorithm: str, operation: str) -> None:
    refusals.check_usage(key, ENCRYPT_DECRYPT, operation)
    refusals.check_algorithm(key, algorithm)


def check_context(key: Key, context: dict[str, str] | None) -> None:
    """Only an authenticated cipher has a place for a context."""
    if context and key.spec != SYMMETRIC:
        raise fault("ValidationException", "An encryption context is valid only with a symmetric encryption KMS key.")


def _check_size(key: Key, algorithm: str, plaintext: bytes) -> None:
    if algorithm == SYMMETRIC:
        return
    most = asymmetric.plaintext_max(key.shape.bits, algorithm)
    if len(plaintext) > most:
        raise fault("ValidationException", f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than {most} bytes.")


def _asks_without_ciphertext(request: dict[str, Any]) -> bool:
    """A dry run that asks about the keys alone."""
    if "DryRunModifiers" not in request:
        return False
    if not request.get("DryRun"):
        raise fault("ValidationException", "DryRunModifiers can only be used when DryRun is set to true.")
    return "IGNORE_CIPHERTEXT" in request["DryRunModifiers"]


def _given_blob(request: dict[str, Any]) -> bytes:
    """The model lets it be absent, for a dry run that asks about the keys alone."""
    blob: bytes | None = request.get("CiphertextBlob")
    if _asks_without_ciphertext(request):
        return b""
    if blob is None:
        sentence = "Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"
        raise fault("ValidationException", f"1 validation error detected: {sentence}")
    return blob


def _key_for(ctx: Context, named: str | None, blob: bytes, algorithm: str, operation: str) -> Key:
    """The key that is named, or that the ciphertext names; if both, they must agree."""
    read = blobs.read(blob) if algorithm == SYMMETRIC else None
    if named is not None:
        key = find(ctx, named)
        refusals.check_usable(key)
        check_encrypts(key, algorithm, operation)
        if read is not None and (read.account, read.key_id) != (key.account, key.key_id):
            raise refusals.incorrect_key()
        return key
    if read is None:
        raise refusals.invalid_ciphertext()
    found = ctx.store.get(keys, read.account, ctx.region, read.key_id)
    if found is None:
        raise fault("AccessDeniedException", NOT_YOURS)
    refusals.check_usable(found)
    return found
