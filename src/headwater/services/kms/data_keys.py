"""Data keys: made for use outside, handed over in the clear and under a key, and random bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import refusals
from .arns import key_arn
from .encryption import material_id, sealed_under
from .finding import usable
from .live import used
from .material import made, public_of
from .model import Key
from .specs import ENCRYPT_DECRYPT, SYMMETRIC, spec_named

if TYPE_CHECKING:
    from headwater.kernel.context import Context

KEY_BYTES: Final = {"AES_128": 16, "AES_256": 32}


@requires("kms:GenerateDataKey", key_arn)
async def generate_data_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A fresh symmetric key, in the clear and encrypted."""
    key, data_key = await _data_key(ctx, request, "GenerateDataKey")
    return _wrapped(ctx, key, data_key, request) | {"Plaintext": data_key}


@requires("kms:GenerateDataKeyWithoutPlaintext", key_arn)
async def generate_data_key_without_plaintext(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """For one who will ask for it to be decrypted later."""
    key, data_key = await _data_key(ctx, request, "GenerateDataKeyWithoutPlaintext")
    return _wrapped(ctx, key, data_key, request)


async def _data_key(ctx: Context, request: dict[str, Any], operation: str) -> tuple[Key, bytes]:
    refusals.check_no_recipient(request)
    size = _size(request)
    key = await usable(ctx, request["KeyId"])
    check_wraps(key, operation)
    refusals.check_dry_run(request)
    used(ctx, key, operation)
    return key, os.urandom(size)


def _size(request: dict[str, Any]) -> int:
    if ("NumberOfBytes" in request) == ("KeySpec" in request):
        raise fault("ValidationException", "Please specify either number of bytes or key spec.")
    size: int = request["NumberOfBytes"] if "NumberOfBytes" in request else KEY_BYTES[request["KeySpec"]]
    return size


def check_wraps(key: Key, operation: str) -> None:
    """Data keys are encrypted under symmetric keys alone."""
    refusals.check_usage(key, ENCRYPT_DECRYPT, operation)
    if key.spec != SYMMETRIC:
        raise fault("InvalidKeyUsageException", f"{key.arn} keyspec is {key.spec} which is not valid for {operation}.")


def _wrapped(ctx: Context, key: Key, data_key: bytes, request: dict[str, Any]) -> dict[str, Any]:
    blob = sealed_under(ctx, key, SYMMETRIC, data_key, request.get("EncryptionContext"))
    return {"CiphertextBlob": blob, "KeyId": key.arn, "KeyMaterialId": material_id(key, key.current)}


@requires("kms:GenerateDataKeyPair", key_arn)
async def generate_data_key_pair(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A fresh pair, its private half in the clear and encrypted."""
    private, pair = await _pair(ctx, request, "GenerateDataKeyPair")
    return pair | {"PrivateKeyPlaintext": private}


@requires("kms:GenerateDataKeyPairWithoutPlaintext", key_arn)
async def generate_data_key_pair_without_plaintext(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A fresh pair, its private half only encrypted."""
    _, pair = await _pair(ctx, request, "GenerateDataKeyPairWithoutPlaintext")
    return pair


async def _pair(ctx: Context, request: dict[str, Any], operation: str) -> tuple[bytes, dict[str, Any]]:
    refusals.check_no_recipient(request)
    spec = request["KeyPairSpec"]
    spec_named(spec)
    key = await usable(ctx, request["KeyId"])
    check_wraps(key, operation)
    refusals.check_dry_run(request)
    private = await made(ctx.home, spec)
    wrapped = _wrapped(ctx, key, private, request)
    used(ctx, key, operation)
    return private, {
        "PrivateKeyCiphertextBlob": wrapped["CiphertextBlob"],
        "PublicKey": public_of(private),
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": wrapped["KeyMaterialId"],
    }


@requires("kms:GenerateRandom")
async def generate_random(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Random bytes, of no key."""
    refusals.check_no_recipient(request)
    if "CustomKeyStoreId" in request:
        raise fault("NotImplemented", "Headwater has not built custom key stores.")
    if "NumberOfBytes" not in request:
        raise fault("ValidationException", "NumberOfBytes is required.")
    return {"Plaintext": os.urandom(request["NumberOfBytes"])}
