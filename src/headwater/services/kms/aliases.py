"""Aliases: a name of the account's own for a key, which may be moved to another key of the same usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import managed, refusals
from .arns import alias_arn, aliased_arn, target_arn
from .finding import ALIAS, changeable, find_by_id
from .model import Alias, aliases, describe_alias
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LISTED: Final = 50
PER_KEY_MAX: Final = 50


@requires("kms:CreateAlias", alias_arn)
@requires("kms:CreateAlias", target_arn)
async def create_alias(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give a key a name."""
    name = _own_name(request["AliasName"])
    _check_target(request["TargetKeyId"])
    key = changeable(ctx, request["TargetKeyId"], "CreateAlias")
    existing = ctx.store.get(aliases, ctx.account, ctx.region, name)
    if existing is not None:
        raise fault("AlreadyExistsException", f"An alias with the name {existing.arn} already exists")
    _check_room(ctx, key.key_id)
    now = ctx.clock.now()
    async with ctx.store.transaction() as tx:
        tx.put(aliases, Alias(account=ctx.account, region=ctx.region, name=name, key_id=key.key_id, created_at=now, updated_at=now))
    return {}


@requires("kms:UpdateAlias", alias_arn)
@requires("kms:UpdateAlias", aliased_arn)
@requires("kms:UpdateAlias", target_arn)
async def update_alias(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Point the name at another key, whose kind must be the same: what was written under the name must stay possible."""
    alias = _found(ctx, _own_name(request["AliasName"]))
    _check_target(request["TargetKeyId"])
    key = changeable(ctx, request["TargetKeyId"], "UpdateAlias")
    before = find_by_id(ctx, alias.key_id)
    if (before.usage, before.shape.kind) != (key.usage, key.shape.kind):
        raise fault(
            "ValidationException", f"Alias {alias.arn} cannot be changed from a {before.spec} {before.usage} key to another kind of key."
        )
    if key.key_id != before.key_id:
        _check_room(ctx, key.key_id)
    async with ctx.store.transaction() as tx:
        tx.put(aliases, msgspec.structs.replace(alias, key_id=key.key_id, updated_at=ctx.clock.now()))
    return {}


@requires("kms:DeleteAlias", alias_arn)
@requires("kms:DeleteAlias", aliased_arn)
async def delete_alias(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take the name away; the key is not concerned."""
    alias = _found(ctx, _own_name(request["AliasName"]))
    async with ctx.store.transaction() as tx:
        tx.delete(aliases, alias.account, alias.region, alias.name)
    return {}


@requires("kms:ListAliases")
async def list_aliases(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All names of the account in this region, or those of one key."""
    found = ctx.store.scan(aliases, ctx.account, ctx.region)
    if "KeyId" in request:
        key = find_by_id(ctx, request["KeyId"])
        found = [alias for alias in found if alias.key_id == key.key_id]
    shown, more = page(found, request, lambda alias: alias.name, LISTED)
    return {"Aliases": [describe_alias(alias) for alias in shown], **more}


def _own_name(name: str) -> str:
    """A name that a customer may give."""
    if not name.startswith(ALIAS) or name == ALIAS:
        raise fault("ValidationException", "Invalid identifier")
    if name.startswith(managed.PREFIX):
        raise fault("NotAuthorizedException", "")
    if ":" in name:
        raise fault("ValidationException", f"{name} contains invalid characters for an alias")
    return name


def _check_target(named: str) -> None:
    if named.startswith(ALIAS) or ":alias/" in named:
        raise fault("ValidationException", "Aliases must refer to keys. Not aliases")


def _found(ctx: Context, name: str) -> Alias:
    alias = ctx.store.get(aliases, ctx.account, ctx.region, name)
    if alias is None:
        raise refusals.no_such_alias(f"arn:aws:kms:{ctx.region}:{ctx.account}:{name}")
    return alias


def _check_room(ctx: Context, key_id: str) -> None:
    if sum(alias.key_id == key_id for alias in ctx.store.scan(aliases, ctx.account, ctx.region)) >= PER_KEY_MAX:
        raise fault("LimitExceededException", f"You have reached the quota of {PER_KEY_MAX} aliases of a key.")
