"""Signatures, message authentication codes, public keys and key agreement."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import asymmetric, managed, refusals
from .arns import key_arn
from .finding import find, usable
from .material import open_material, public_der
from .model import PENDING_DELETION, PENDING_IMPORT, Key
from .specs import KEY_AGREEMENT, MAC, MEMBERS, SIGN_VERIFY

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ED25519: Final = "ED25519_SHA_512"
PREHASHED: Final = "ED25519_PH_SHA_512"


@requires("kms:Sign", key_arn)
async def sign(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Sign a message, or the digest of one."""
    key, is_digest = await _signing_key(ctx, request, "Sign")
    refusals.check_dry_run(request)
    algorithm = request["SigningAlgorithm"]
    signature = asymmetric.signed(open_material(ctx.home, key, key.current), algorithm, request["Message"], is_digest=is_digest)
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


@requires("kms:Verify", key_arn)
async def verify(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Say that a signature is good; one that is not is a refusal."""
    key, is_digest = await _signing_key(ctx, request, "Verify")
    algorithm, signature = request["SigningAlgorithm"], request["Signature"]
    opened = open_material(ctx.home, key, key.current)
    if not asymmetric.is_signed(opened, algorithm, request["Message"], signature, is_digest=is_digest):
        raise fault("KMSInvalidSignatureException", "")
    refusals.check_dry_run(request)
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


async def _signing_key(ctx: Context, request: dict[str, Any], operation: str) -> tuple[Key, bool]:
    """The key, and whether what is signed is a digest already."""
    key = await usable(ctx, request["KeyId"])
    algorithm = request["SigningAlgorithm"]
    refusals.check_usage(key, SIGN_VERIFY, operation)
    refusals.check_algorithm(key, algorithm)
    kind = request.get("MessageType", "RAW")
    if algorithm == PREHASHED:
        raise fault("NotImplemented", f"Headwater has not built {PREHASHED}.")
    if kind == "EXTERNAL_MU" or (kind == "DIGEST" and algorithm == ED25519):
        raise fault("ValidationException", f"MessageType {kind} is not valid for algorithm {algorithm}.")
    if kind == "DIGEST":
        asymmetric.check_digest(algorithm, request["Message"])
    return key, kind == "DIGEST"


@requires("kms:GetPublicKey", key_arn)
async def get_public_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The public half of a pair, for use outside. Of a disabled key too: what is public cannot be kept back."""
    await managed.made_at_first_use(ctx, request["KeyId"])
    key = find(ctx, request["KeyId"])
    if key.shape.kind in {"symmetric", "hmac"}:
        raise fault("UnsupportedOperationException", f"{key.arn} keyspec is {key.spec} which is not valid for GetPublicKey.")
    if key.state in {PENDING_DELETION, PENDING_IMPORT}:
        raise refusals.invalid_state(key)
    return {
        "KeyId": key.arn,
        "PublicKey": public_der(open_material(ctx.home, key, key.current)),
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        MEMBERS[key.usage]: list(key.algorithms),
    }


@requires("kms:GenerateMac", key_arn)
async def generate_mac(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The code that only a holder of the key can make."""
    key, code = await _mac(ctx, request, "GenerateMac")
    refusals.check_dry_run(request)
    return {"KeyId": key.arn, "Mac": code, "MacAlgorithm": request["MacAlgorithm"]}


@requires("kms:VerifyMac", key_arn)
async def verify_mac(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Say that a code is good; one that is not is a refusal."""
    key, code = await _mac(ctx, request, "VerifyMac")
    if not hmac.compare_digest(code, request["Mac"]):
        raise fault("KMSInvalidMacException", "")
    refusals.check_dry_run(request)
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": request["MacAlgorithm"]}


async def _mac(ctx: Context, request: dict[str, Any], operation: str) -> tuple[Key, bytes]:
    key = await usable(ctx, request["KeyId"])
    refusals.check_usage(key, MAC, operation)
    refusals.check_algorithm(key, request["MacAlgorithm"])
    digest = getattr(hashlib, request["MacAlgorithm"].removeprefix("HMAC_").replace("_", "").lower())
    return key, hmac.digest(open_material(ctx.home, key, key.current), request["Message"], digest)


@requires("kms:DeriveSharedSecret", key_arn)
async def derive_shared_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What this key and another's public key have in common (ECDH), and nobody else can compute."""
    refusals.check_no_recipient(request)
    key = await usable(ctx, request["KeyId"])
    refusals.check_usage(key, KEY_AGREEMENT, "DeriveSharedSecret")
    refusals.check_algorithm(key, request["KeyAgreementAlgorithm"])
    secret = asymmetric.agreed(open_material(ctx.home, key, key.current), request["PublicKey"])
    if secret is None:
        raise fault("ValidationException", f"The public key is not valid for a key of spec {key.spec}.")
    refusals.check_dry_run(request)
    algorithm = request["KeyAgreementAlgorithm"]
    return {"KeyId": key.arn, "SharedSecret": secret, "KeyAgreementAlgorithm": algorithm, "KeyOrigin": key.origin}
