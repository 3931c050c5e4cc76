"""Which secret is meant: by name, by ARN, or by an ARN without its six last characters, with the hyphen before them or without.

An ARN that ends in a hyphen and six characters is taken for a complete one, whatever the name is: so AWS warns of such names.
Source: "Finding a secret from a partial ARN" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from . import refusals
from .model import Secret, secrets

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store

NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
ARN: Final = re.compile(r"arn:aws:secretsmanager:([^:]+):([0-9]{12}):secret:(.+)", re.DOTALL)
SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}")
SUFFIX_LENGTH: Final = 6
PLACES_MAX: Final = 4096
"""ARNs that are kept taken apart."""


def check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise refusals.invalid_name()


def look_up(store: Store, account: str, region: str, named: str) -> Secret | None:
    """The secret, if there is one; what is no ARN is a name in this account and region."""
    if not named.startswith("arn:"):
        return store.get(secrets, account, region, named)
    place = _place(named)
    if place is None or place[0] != region:
        return None
    _, owner, name, suffix = place
    if not suffix:
        return store.get(secrets, owner, region, name) or store.get(secrets, owner, region, name.removesuffix("-"))
    secret = store.get(secrets, owner, region, name)
    return secret if secret is not None and secret.suffix == suffix else None


@lru_cache(PLACES_MAX)
def _place(arn: str) -> tuple[str, str, str, str] | None:
    """Region, account, name and last characters ("" where an ARN was written without them); None for what is no secret's ARN."""
    parts = ARN.fullmatch(arn)
    if parts is None:
        return None
    region, account, name = parts.groups()
    if SUFFIX.fullmatch(name[-SUFFIX_LENGTH - 1 :]) is None:
        return region, account, name, ""
    return region, account, name[: -SUFFIX_LENGTH - 1], name[-SUFFIX_LENGTH:]


def find(ctx: Context, named: str) -> Secret:
    """The secret, whatever its state."""
    secret = look_up(ctx.store, ctx.account, ctx.region, named)
    if secret is None:
        if not named.startswith("arn:"):
            check_name(named)
        raise refusals.no_such_secret()
    return secret


def readable(ctx: Context, named: str) -> Secret:
    """One that is not on its way out."""
    secret = find(ctx, named)
    if secret.deletion_at is not None:
        raise refusals.marked_for_deletion()
    return secret


def changeable(ctx: Context, named: str) -> Secret:
    """One that is not on its way out and is no replica."""
    secret = readable(ctx, named)
    if secret.is_replica:
        raise refusals.is_replica()
    return secret


def secret_arn(ctx: Context, request: dict[str, Any]) -> str:
    """The ARN of the secret that a request names; of one that is not there, as far as its name says it."""
    named: str = request["SecretId"]
    secret = look_up(ctx.store, ctx.account, ctx.region, named)
    if secret is not None:
        return secret.arn
    return named if named.startswith("arn:") else ctx.arn("secretsmanager", f"secret:{named}")


def name_arn(member: str) -> Callable[[Context, dict[str, Any]], str]:
    """The ARN of a secret to come, which has no last characters yet."""
    return lambda ctx, request: ctx.arn("secretsmanager", f"secret:{request[member]}")
