"""Values that KMS opened a moment ago, for the same caller: nearly all reads of a secret are such.

AWS asks KMS at every read. Here an answer holds for a second, unless any key, grant, identity policy or organization changes before:
then KMS is asked, and decides, again. What is remembered is in memory alone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .sealing import SecretValue

if TYPE_CHECKING:
    from headwater.kernel.context import Context

HOLDS_S: Final = 1.0
KEPT_MAX: Final = 1024
LENGTH_MAX: Final = 16_384
"""A longer value is asked for each time, so that what is kept stays small."""
DECIDED_BY: Final = ("kms", "iam", "organizations")


class Remembered:
    """Of one home: `home.rooms["secretsmanager"]`."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[float, int, object, SecretValue]] = {}

    def get(self, ctx: Context, *of: str) -> SecretValue | None:
        kept = self._kept.get(_key(ctx, of))
        if kept is None:
            return None
        until, changes, offset, value = kept
        if time.monotonic() > until or changes != ctx.store.changes(*DECIDED_BY) or offset != ctx.clock.offset:
            return None
        return value

    def keep(self, ctx: Context, value: SecretValue, *of: str) -> None:
        if len(value) > LENGTH_MAX:
            return
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[_key(ctx, of)] = (time.monotonic() + HOLDS_S, ctx.store.changes(*DECIDED_BY), ctx.clock.offset, value)


def _key(ctx: Context, of: tuple[str, ...]) -> tuple[object, ...]:
    """A session's key is its own, so that session policies are told apart; who has none is told by who he is."""
    principal = ctx.principal
    return (principal.arn, principal.user_id, principal.access_key_id, ctx.called_via, *of)


def remembered_of(ctx: Context) -> Remembered:
    kept = ctx.home.rooms.get("secretsmanager")
    if kept is None:
        kept = ctx.home.rooms["secretsmanager"] = Remembered()
    assert isinstance(kept, Remembered)
    return kept
