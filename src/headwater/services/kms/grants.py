"""Grants: permissions on a key that are given to one principal, for some operations, in some encryption contexts, until taken back.

To the decision they are further Allow statements of the key's policy (authorization.py). They hold at once, so that a grant
token, which on AWS bridges the minutes until they do, only names its grant here.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import managed, refusals
from .arns import key_arn, named_arn
from .finding import find
from .model import Grant, Key, describe_grant, grants
from .paging import page
from .specs import ENCAPSULATION, ENCRYPT_DECRYPT, KEY_AGREEMENT, MAC, SIGN_VERIFY, SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

LISTED: Final = 50
PER_KEY_MAX: Final = 50_000
TOKEN: Final = "kms grant token"  # noqa: S105 - says what is sealed
GRANT_ID: Final = re.compile(r"[0-9a-f]{64}")
ALWAYS: Final = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})
FOR_USAGE: Final = {
    ENCRYPT_DECRYPT: frozenset({"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"}),
    SIGN_VERIFY: frozenset({"Sign", "Verify"}),
    MAC: frozenset({"GenerateMac", "VerifyMac"}),
    KEY_AGREEMENT: frozenset({"DeriveSharedSecret"}),
    ENCAPSULATION: frozenset({"Encapsulate", "Decapsulate"}),
}
FOR_SYMMETRIC: Final = frozenset(
    {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}
)


def operations_of(key: Key) -> frozenset[str]:
    """What a grant on this key may allow."""
    more = FOR_SYMMETRIC if key.spec == SYMMETRIC else frozenset() if key.shape.kind == "hmac" else frozenset({"GetPublicKey"})
    return ALWAYS | FOR_USAGE[key.usage] | more


@requires("kms:CreateGrant", key_arn)
async def create_grant(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give permissions. The same grant under the same name is given once."""
    await managed.made_at_first_use(ctx, request["KeyId"])
    key = find(ctx, request["KeyId"])
    refusals.check_usable(key)
    grant = _asked_for(ctx, key, request)
    refusals.check_dry_run(request)
    given = ctx.store.scan(grants, *key.parts)
    for existing in given if grant.name is not None else ():
        if msgspec.structs.replace(existing, grant_id=grant.grant_id, created_at=grant.created_at) == grant:
            return {"GrantId": existing.grant_id, "GrantToken": _token(ctx.home, existing)}
    if len(given) >= PER_KEY_MAX:
        raise fault("LimitExceededException", f"You have reached the quota of {PER_KEY_MAX} grants of a key.")
    async with ctx.store.transaction() as tx:
        tx.put(grants, grant)
    return {"GrantId": grant.grant_id, "GrantToken": _token(ctx.home, grant)}


def _asked_for(ctx: Context, key: Key, request: dict[str, Any]) -> Grant:
    service = request.get("GranteeServicePrincipal")
    grantee = service or request.get("GranteePrincipal")
    if grantee is None or (service is not None and "GranteePrincipal" in request):
        raise fault("ValidationException", "Specify either GranteePrincipal or GranteeServicePrincipal.")
    wrong = sorted(set(request["Operations"]) - operations_of(key))
    if wrong or not request["Operations"]:
        raise fault(
            "ValidationException", f"Operations {wrong} are not valid in a grant on a key with KeySpec {key.spec} and KeyUsage {key.usage}."
        )
    constraints = request.get("Constraints", {})
    if key.spec != SYMMETRIC and ("EncryptionContextEquals" in constraints or "EncryptionContextSubset" in constraints):
        raise fault("ValidationException", "Encryption context constraints are valid only in grants on symmetric encryption keys.")
    if "EncryptionContextEquals" in constraints and "EncryptionContextSubset" in constraints:
        raise fault("ValidationException", "Specify either EncryptionContextEquals or EncryptionContextSubset.")
    return Grant(
        account=key.account,
        region=key.region,
        key_id=key.key_id,
        grant_id=secrets.token_hex(32),
        created_at=ctx.clock.now(),
        issuing_account=ctx.account,
        grantee=grantee,
        retiring=request.get("RetiringServicePrincipal") or request.get("RetiringPrincipal"),
        operations=tuple(dict.fromkeys(request["Operations"])),
        name=request.get("Name"),
        context_equals=constraints.get("EncryptionContextEquals"),
        context_subset=constraints.get("EncryptionContextSubset"),
        source_arn=constraints.get("SourceArn"),
        grantee_is_service=service is not None,
        retiring_is_service="RetiringServicePrincipal" in request,
    )


@requires("kms:ListGrants", key_arn)
async def list_grants(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The grants on a key: all, one, or those to one principal."""
    key = find(ctx, request["KeyId"])
    wanted = {"grant_id": request.get("GrantId"), "grantee": request.get("GranteeServicePrincipal") or request.get("GranteePrincipal")}
    if wanted["grant_id"] is not None:
        _found(ctx, key, wanted["grant_id"])
    found = [
        grant
        for grant in ctx.store.scan(grants, *key.parts)
        if all(value is None or getattr(grant, name) == value for name, value in wanted.items())
    ]
    shown, more = page(found, request, lambda grant: grant.grant_id, LISTED)
    return {"Grants": [describe_grant(grant) for grant in shown], **more}


@requires("kms:ListRetirableGrants")
async def list_retirable_grants(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The grants of the account in this region that a principal may retire."""
    who = request.get("RetiringServicePrincipal") or request.get("RetiringPrincipal")
    if who is None:
        raise fault("ValidationException", "Specify either RetiringPrincipal or RetiringServicePrincipal.")
    found = [grant for grant in ctx.store.scan(grants, ctx.account, ctx.region) if grant.retiring == who]
    shown, more = page(found, request, lambda grant: grant.grant_id, LISTED)
    return {"Grants": [describe_grant(grant) for grant in shown], **more}


@requires("kms:RevokeGrant", key_arn)
async def revoke_grant(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take a grant back, by who rules over the key."""
    grant = _found(ctx, find(ctx, request["KeyId"]), request["GrantId"])
    refusals.check_dry_run(request)
    await _end(ctx, grant)
    return {}


def _retired_arn(ctx: Context, request: dict[str, Any]) -> str:
    name = name_of_grant(ctx, request)
    return name[0] if name is not None else "*"


@requires("kms:RetireGrant", _retired_arn)
async def retire_grant(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give a grant back, by whom it was given to or by whom it names."""
    name = name_of_grant(ctx, request)
    if name is None:
        if "GrantToken" in request:
            raise fault("InvalidGrantTokenException", "")
        raise fault("ValidationException", "Specify either a grant token, or a key's ARN and a grant ID.")
    grant = _found(ctx, find(ctx, name[0]), name[1])
    refusals.check_dry_run(request)
    await _end(ctx, grant)
    return {}


def name_of_grant(ctx: Context, request: dict[str, Any]) -> tuple[str, str] | None:
    """The key's ARN and the grant's id, as RetireGrant names them."""
    if "GrantToken" in request:
        return _read_token(ctx.home, request["GrantToken"])
    if "KeyId" not in request or "GrantId" not in request:
        return None
    return named_arn(ctx, request["KeyId"]), request["GrantId"]


async def _end(ctx: Context, grant: Grant) -> None:
    async with ctx.store.transaction() as tx:
        tx.delete(grants, grant.account, grant.region, grant.key_id, grant.grant_id)


def _found(ctx: Context, key: Key, grant_id: str) -> Grant:
    if GRANT_ID.fullmatch(grant_id) is None:
        raise fault("InvalidGrantIdException", "")
    grant = ctx.store.get(grants, *key.parts, grant_id)
    if grant is None:
        raise fault("NotFoundException", f"Grant ID {grant_id} not found")
    return grant


def _token(home: Home, grant: Grant) -> str:
    """Names the grant to who cannot read it; another one at each asking."""
    name = f"arn:aws:kms:{grant.region}:{grant.account}:key/{grant.key_id} {grant.grant_id}"
    return base64.b64encode(home.vault.seal(name.encode(), TOKEN)).decode()


def _read_token(home: Home, token: str) -> tuple[str, str] | None:
    from cryptography.exceptions import InvalidTag

    try:
        arn, _, grant_id = home.vault.open(base64.b64decode(token, validate=True), TOKEN).decode().partition(" ")
    except (InvalidTag, binascii.Error, ValueError):
        return None
    return arn, grant_id
