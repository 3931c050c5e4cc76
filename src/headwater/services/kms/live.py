"""What this room keeps in memory while the house runs: opened key material, compiled policies, which key was used last and when.

Every use is known at once; on disk a key's last use is brought up to date once a minute and at the end, as AWS's own figure lags.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.kernel.service import ResourcePolicy
from headwater.kernel.store import Record, Table
from headwater.kernel.store.table import encode_key

from . import SERVICE
from .model import Grant, Key

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.store import Store

OPENED_MAX: Final = 4096
KEPT_EVERY: Final = timedelta(minutes=1)
Name = tuple[str, str, str]


class KeyUse(Record, frozen=True, kw_only=True):
    """The last time that a key was used with success."""

    account: str
    region: str
    key_id: str
    operation: str
    at: datetime
    request_id: str


key_uses: Final = Table("kms", "key_uses", KeyUse, key=lambda use: (use.account, use.region, use.key_id))


class Opened:
    """Opened material, the oldest forgotten first."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str, int], Any] = {}

    def get(self, name: tuple[str, str, str, int]) -> Any:
        return self._kept.get(name)

    def keep(self, name: tuple[str, str, str, int], opened: Any) -> None:
        if len(self._kept) >= OPENED_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = opened

    def forget(self, key: Key) -> None:
        """What a key had: it is deleted, or its material is taken away."""
        for material in key.materials:
            self._kept.pop((*key.parts, material.number), None)


class Uses:
    """The last uses that the disk may not know yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest: dict[Name, KeyUse] = {}

    def note(self, use: KeyUse) -> None:
        name = (use.account, use.region, use.key_id)
        self._latest[name] = use
        kept = self._store.get(key_uses, *name)
        if kept is None or use.at - kept.at >= KEPT_EVERY:
            self._keep([use])

    def last(self, name: Name) -> KeyUse | None:
        return self._latest.get(name) or self._store.get(key_uses, *name)

    def forget(self, name: Name) -> None:
        self._latest.pop(name, None)

    def keep_all(self) -> None:
        self._keep(list(self._latest.values()))

    def _keep(self, uses: list[KeyUse]) -> None:
        if uses:
            self._store.commit_now([(key_uses, encode_key(key_uses.key(use)), use) for use in uses], [])
        for use in uses:
            del self._latest[use.account, use.region, use.key_id]


class Remembered(NamedTuple):
    """A key's policy and grants, compiled, and what they were compiled from."""

    policy: str
    generation: int
    """Of all grants: while it stands, nobody has to look at them."""
    given: list[Grant]
    answer: ResourcePolicy


class Live:
    def __init__(self, store: Store) -> None:
        self.opened = Opened()
        self.uses = Uses(store)
        self.policies: dict[Name, Remembered] = {}
        self.making = asyncio.Lock()
        """One of AWS's own keys is made at a time, and so each only once."""


def live_of(home: Home) -> Live:
    kept = home.rooms.get("kms")
    if kept is None:
        kept = home.rooms["kms"] = Live(home.store)
    assert isinstance(kept, Live)
    return kept


def used(ctx: Context, key: Key, operation: str) -> None:
    """Say that the key was used, once everything has gone well."""
    use = KeyUse(
        account=key.account, region=key.region, key_id=key.key_id, operation=operation, at=ctx.clock.now(), request_id=ctx.request_id
    )
    live_of(ctx.home).uses.note(use)


@SERVICE.stops
async def _keep(home: Home) -> None:
    live_of(home).uses.keep_all()
