"""Key material from outside: a key to wrap it with, a token that belongs to it, the import, and what ends it.

The token carries the private half of the wrapping key, sealed under the home's root key: nothing is kept between the two calls.
A symmetric key may be given several materials, one after the other; every other key has one for its life, which may only be
given again. Wrapping: RSA-OAEP, or RSA-OAEP around an AES key around the material (RFC 5649).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from . import asymmetric, refusals
from .arns import key_arn
from .finding import changeable, find_by_id
from .live import live_of
from .material import fits, made, material_id, opened_private, public_of, sealed
from .model import EXTERNAL, Key, Material, keys
from .rotation import related
from .specs import SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context

VALID: Final = timedelta(hours=24)
VALID_MAX: Final = timedelta(days=365)
TOKEN: Final = "kms import token"  # noqa: S105 - says what is sealed
WRAPPED: Final = "RSA_AES_KEY_WRAP_"


class ImportToken(msgspec.Struct, frozen=True, array_like=True):
    arn: str
    algorithm: str
    wrapping_spec: str
    private: bytes
    valid_to: datetime


class ExpiryDue(Job, frozen=True, kw_only=True, tag="kms/material-expiry-due/1"):
    """`subject` is the key's id and the material's number."""

    @classmethod
    def of(cls, key: Key, material: Material) -> ExpiryDue:
        assert material.valid_to is not None
        return cls(account=key.account, region=key.region, subject=f"{key.key_id} {material.number}", at=material.valid_to)


@requires("kms:GetParametersForImport", key_arn)
async def get_parameters_for_import(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A fresh wrapping key, good for a day."""
    key = _external(ctx, request["KeyId"], "GetParametersForImport")
    algorithm, spec = request["WrappingAlgorithm"], request["WrappingKeySpec"]
    if not algorithm.startswith((WRAPPED, "RSAES_OAEP")) or spec == "SM2":
        raise fault("UnsupportedOperationException", f"{algorithm} with {spec} is not supported.")
    private = await made(ctx.home, spec)
    valid_to = ctx.clock.now() + VALID
    token = msgspec.msgpack.encode(ImportToken(key.arn, algorithm, spec, private, valid_to))
    return {
        "KeyId": key.arn,
        "ImportToken": ctx.home.vault.seal(token, TOKEN),
        "PublicKey": public_of(private),
        "ParametersValidTo": valid_to,
    }


@requires("kms:ImportKeyMaterial", key_arn)
async def import_key_material(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give the key its material, for good or for a time."""
    key = _external(ctx, request["KeyId"], "ImportKeyMaterial")
    valid_to = _valid_to(ctx, request)
    raw = _unwrapped(_token(ctx, request, key), request["EncryptedKeyMaterial"])
    if raw is None:
        raise refusals.invalid_ciphertext()
    if not fits(key.spec, raw):
        raise fault("IncorrectKeyMaterialException", f"The key material is not valid for a key of spec {key.spec}.")
    before = _place(key, raw, request)
    number = before.number if before is not None else len(key.materials) + 1
    waits = before.is_waiting if before is not None else key.current != 0
    described = request.get("KeyMaterialDescription", before.description if before is not None else None)
    history = {} if before is None else {"rotated_at": before.rotated_at, "rotation_type": before.rotation_type}
    material = sealed(ctx.home, key, number, raw, valid_to=valid_to, description=described, is_waiting=waits, **history)
    changed = msgspec.structs.replace(key.with_material(material), current=key.current or number)
    async with ctx.store.transaction() as tx:
        tx.put(keys, changed)
        if before is None and key.is_primary:
            for replica in related(ctx, key)[1:]:
                awaited = msgspec.structs.replace(material, sealed=None, valid_to=None)
                tx.put(keys, msgspec.structs.replace(replica.with_material(awaited), current=replica.current or number))
        if valid_to is not None:
            tx.owe(ExpiryDue.of(key, material))
    return {"KeyId": key.arn, "KeyMaterialId": material.material_id if key.spec == SYMMETRIC else None}


@requires("kms:DeleteImportedKeyMaterial", key_arn)
async def delete_imported_key_material(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take material away; the same bytes may be given again."""
    key = find_by_id(ctx, request["KeyId"])
    if key.origin != EXTERNAL:
        raise refusals.wrong_origin(key)
    wanted = request.get("KeyMaterialId")
    found = key.material(key.current) if wanted is None else next((one for one in key.materials if one.material_id == wanted), None)
    if found is None:
        if wanted is not None:
            raise fault("NotFoundException", f"Key material {wanted} is not associated with {key.arn}.")
        return {"KeyId": key.arn}
    await _take_away(ctx, key, found)
    return {"KeyId": key.arn, "KeyMaterialId": found.material_id if key.spec == SYMMETRIC else None}


@handles(ExpiryDue)
async def _expire(ctx: Context, due: ExpiryDue) -> None:
    key_id, _, number = due.subject.partition(" ")
    key = ctx.store.get(keys, due.account, due.region, key_id)
    material = key.material(int(number)) if key is not None else None
    if key is None or material is None or material.valid_to != due.at or material.sealed is None:
        return
    await _take_away(ctx, key, material)


async def _take_away(ctx: Context, key: Key, material: Material) -> None:
    """What only waits in the primary is taken from its replicas as well: they can have no other."""
    concerned = related(ctx, key) if material.is_waiting and key.is_primary else [key]
    async with ctx.store.transaction() as tx:
        for each in concerned:
            own = each.material(material.number)
            if own is not None:
                tx.put(keys, _without(each, own))
    live_of(ctx.home).opened.forget(key)


def _without(key: Key, material: Material) -> Key:
    """One that only waited is forgotten altogether; any other keeps its place."""
    if material.is_waiting:
        return msgspec.structs.replace(key, materials=tuple(one for one in key.materials if one.number != material.number))
    return key.with_material(msgspec.structs.replace(material, sealed=None, valid_to=None))


def _external(ctx: Context, named: str, operation: str) -> Key:
    key = find_by_id(ctx, named)
    if key.origin != EXTERNAL:
        raise refusals.wrong_origin(key)
    return changeable(ctx, named, operation)


def _valid_to(ctx: Context, request: dict[str, Any]) -> datetime | None:
    model, valid_to = request.get("ExpirationModel", "KEY_MATERIAL_EXPIRES"), request.get("ValidTo")
    if model != "KEY_MATERIAL_EXPIRES":
        if valid_to is not None:
            raise fault("ValidationException", f"A validTo date must not be set if the ExpirationModel is {model}")
        return None
    if valid_to is None:
        raise fault("ValidationException", f"A validTo date must be set if the ExpirationModel is {model}")
    if not ctx.clock.now() < valid_to <= ctx.clock.now() + VALID_MAX:
        raise fault("ValidationException", "The validTo date must be in the future and at most 365 days away")
    found: datetime = valid_to
    return found


def _token(ctx: Context, request: dict[str, Any], key: Key) -> ImportToken:
    from cryptography.exceptions import InvalidTag

    try:
        token = msgspec.msgpack.decode(ctx.home.vault.open(request["ImportToken"], TOKEN), type=ImportToken)
    except (InvalidTag, ValueError):
        raise fault("InvalidImportTokenException", "") from None
    if token.arn != key.arn:
        raise fault("InvalidImportTokenException", "")
    if token.valid_to < ctx.clock.now():
        raise fault("ExpiredImportTokenException", "")
    return token


def _unwrapped(token: ImportToken, wrapped: bytes) -> bytes | None:
    private = opened_private(token.private)
    if not token.algorithm.startswith(WRAPPED):
        return asymmetric.decrypted(private, token.algorithm, wrapped)
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

    length = private.key_size // 8
    transport = asymmetric.decrypted(private, token.algorithm, wrapped[:length])
    if transport is None:
        return None
    try:
        return aes_key_unwrap_with_padding(transport, wrapped[length:])
    except (InvalidUnwrap, ValueError):
        return None


def _place(key: Key, raw: bytes, request: dict[str, Any]) -> Material | None:
    """The material that this is, given again; None where it is new and may be."""
    identity = material_id(key, raw)
    known = next((material for material in key.materials if material.material_id == identity), None)
    kind = request.get("ImportType", "EXISTING_KEY_MATERIAL" if key.materials else "NEW_KEY_MATERIAL")
    asked = request.get("KeyMaterialId", identity)
    if kind == "EXISTING_KEY_MATERIAL" or (key.materials and key.spec != SYMMETRIC):
        if known is None or asked != identity:
            raise fault("IncorrectKeyMaterialException", "")
        return known
    if known is not None or "KeyMaterialId" in request:
        raise fault("IncorrectKeyMaterialException", "")
    if key.primary_region is not None and not key.is_primary:
        raise fault("UnsupportedOperationException", f"{key.arn} is not a multi-region primary key.")
    waiting = next((material for material in key.materials if material.is_waiting), None)
    if waiting is not None:
        new = f"New key material (id: {identity}) cannot be imported into KMS key {key.arn}"
        raise fault("KMSInvalidStateException", f"{new}, because another key material (id: {waiting.material_id}) is pending rotation.")
    return None
