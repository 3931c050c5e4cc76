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
from .live import used
from .material import open_material, public_der
from .model import PENDING_DELETION, PENDING_IMPORT, Key
from .specs import ENCAPSULATION, KEY_AGREEMENT, MAC, MEMBERS, SIGN_VERIFY

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREHASHED: Final = "ED25519_PH_SHA_512"


@requires("kms:Sign", key_arn)
async def sign(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Sign a message, or the digest of one."""
    key, kind = await _signing_key(ctx, request, "Sign")
    refusals.check_dry_run(request)
    algorithm = request["SigningAlgorithm"]
    signature = asymmetric.signed(open_material(ctx.home, key, key.current), algorithm, request["Message"], kind)
    used(ctx, key, "Sign")
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


@requires("kms:Verify", key_arn)
async def verify(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Say that a signature is good; one that is not is a refusal."""
    key, kind = await _signing_key(ctx, request, "Verify")
    algorithm, signature = request["SigningAlgorithm"], request["Signature"]
    opened = open_material(ctx.home, key, key.current)
    if not asymmetric.is_signed(opened, algorithm, request["Message"], kind, signature):
        raise fault("KMSInvalidSignatureException", "")
    refusals.check_dry_run(request)
    used(ctx, key, "Verify")
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


async def _signing_key(ctx: Context, request: dict[str, Any], operation: str) -> tuple[Key, str]:
    """The key, and the form in which the message is given."""
    key = await usable(ctx, request["KeyId"])
    algorithm = request["SigningAlgorithm"]
    refusals.check_usage(key, SIGN_VERIFY, operation)
    refusals.check_algorithm(key, algorithm)
    kind = request.get("MessageType", "RAW")
    if algorithm == PREHASHED:
        raise fault("NotImplemented", f"Headwater has not built {PREHASHED}.")
    asymmetric.check_message(algorithm, kind, request["Message"])
    return key, kind


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
    used(ctx, key, "GenerateMac")
    return {"KeyId": key.arn, "Mac": code, "MacAlgorithm": request["MacAlgorithm"]}


@requires("kms:VerifyMac", key_arn)
async def verify_mac(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Say that a code is good; one that is not is a refusal."""
    key, code = await _mac(ctx, request, "VerifyMac")
    if not hmac.compare_digest(code, request["Mac"]):
        raise fault("KMSInvalidMacException", "")
    refusals.check_dry_run(request)
    used(ctx, key, "VerifyMac")
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
    used(ctx, key, "DeriveSharedSecret")
    return {"KeyId": key.arn, "SharedSecret": secret, "KeyAgreementAlgorithm": algorithm, "KeyOrigin": key.origin}


@requires("kms:Encapsulate", key_arn)
async def encapsulate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A fresh shared secret (ML-KEM), in the clear and for the holder of the key."""
    key = await _encapsulating_key(ctx, request, "Encapsulate")
    refusals.check_dry_run(request)
    secret, sealed = asymmetric.encapsulated(open_material(ctx.home, key, key.current))
    algorithm = request["EncapsulationAlgorithm"]
    used(ctx, key, "Encapsulate")
    return {"KeyId": key.arn, "SharedSecret": secret, "SharedSecretCiphertextBlob": sealed, "EncapsulationAlgorithm": algorithm}


@requires("kms:Decapsulate", key_arn)
async def decapsulate(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The shared secret that was made for this key."""
    key = await _encapsulating_key(ctx, request, "Decapsulate")
    secret = asymmetric.decapsulated(open_material(ctx.home, key, key.current), request["SharedSecretCiphertextBlob"])
    if secret is None:
        raise refusals.invalid_ciphertext()
    refusals.check_dry_run(request)
    used(ctx, key, "Decapsulate")
    return {"KeyId": key.arn, "SharedSecret": secret, "EncapsulationAlgorithm": request["EncapsulationAlgorithm"]}


async def _encapsulating_key(ctx: Context, request: dict[str, Any], operation: str) -> Key:
    key = await usable(ctx, request["KeyId"])
    refusals.check_usage(key, ENCAPSULATION, operation)
    refusals.check_algorithm(key, request["EncapsulationAlgorithm"])
    return key
