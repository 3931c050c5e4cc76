"""Which key is meant: by id, ARN, alias or alias ARN, in the caller's account or, by ARN, in another's.

Operations that use a key take all four; those that change it take the id or the ARN (the API reference says which).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from headwater.aws.faults import fault

from . import managed, refusals
from .model import PENDING_DELETION, PENDING_REPLICA_DELETION, Key, aliases, keys

if TYPE_CHECKING:
    from headwater.kernel.context import Context

KEY_ID: Final = re.compile(r"mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ARN: Final = re.compile(r"arn:aws:kms:([^:]+):([0-9]{12}):(key|alias)/(.+)", re.DOTALL)
ALIAS: Final = "alias/"


def find(ctx: Context, named: str) -> Key:
    """The key, whatever its state."""
    if KEY_ID.fullmatch(named):
        return _existing(ctx, ctx.account, named)
    if named.startswith(ALIAS):
        return _behind(ctx, ctx.account, named)
    account, kind, rest = _read_arn(ctx, named)
    return _behind(ctx, account, ALIAS + rest) if kind == "alias" else _existing(ctx, account, rest)


def find_by_id(ctx: Context, named: str) -> Key:
    """As those operations look for it that know no aliases, and no key of another account."""
    if KEY_ID.fullmatch(named):
        return _existing(ctx, ctx.account, named)
    account, kind, rest = _read_arn(ctx, named)
    if kind == "alias":
        raise refusals.invalid_key_id(named)
    if account != ctx.account:
        raise refusals.no_such_key(named)
    return _existing(ctx, account, rest)


def changeable(ctx: Context, named: str, operation: str) -> Key:
    """A customer's key that is not on its way out, enabled or not."""
    key = find_by_id(ctx, named)
    refusals.check_managed_by_customer(ctx, key, operation)
    if key.state in {PENDING_DELETION, PENDING_REPLICA_DELETION}:
        raise refusals.invalid_state(key)
    return key


def usable(ctx: Context, named: str) -> Awaitable[Key]:
    """An enabled key, with which something is to be computed; one of AWS's own is made where it is named for the first time."""
    return _usable(ctx, named)


async def _usable(ctx: Context, named: str) -> Key:
    await managed.made_at_first_use(ctx, named)
    key = find(ctx, named)
    refusals.check_usable(key)
    return key


def _read_arn(ctx: Context, named: str) -> tuple[str, str, str]:
    """Account, kind and what follows."""
    if not named.startswith("arn:"):
        raise refusals.invalid_key_id(named)
    parts = ARN.fullmatch(named)
    if parts is None:
        raise fault("InvalidArnException", f"Invalid arn {named}")
    if parts[1] != ctx.region:
        raise fault("NotFoundException", f"Invalid arn {parts[1]}")
    return parts[2], parts[3], parts[4]


def _existing(ctx: Context, account: str, key_id: str) -> Key:
    key = ctx.store.get(keys, account, ctx.region, key_id)
    if key is None:
        raise refusals.no_such_key(f"arn:aws:kms:{ctx.region}:{account}:key/{key_id}")
    return key


def _behind(ctx: Context, account: str, name: str) -> Key:
    alias = ctx.store.get(aliases, account, ctx.region, name)
    if alias is None:
        raise refusals.no_such_alias(f"arn:aws:kms:{ctx.region}:{account}:{name}")
    return _existing(ctx, account, alias.key_id)
