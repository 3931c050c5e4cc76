"""When keys and roles were last used, and what users and roles asked for: read off the records of requests that go by on the Bus.

Every use is known at once; on disk a last use is brought up to date once a minute and at the end, as AWS's own figure lags too.
Whoever only looks costs the request nothing: records come in batches, behind the responses, and of equal ones only the last is looked at.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from headwater.aws.models import service_model
from headwater.kernel.identity import ACCESS_KEYS
from headwater.kernel.permissions import lines_of
from headwater.kernel.service import room, room_names
from headwater.kernel.store.table import encode_key
from headwater.kernel.unbuilt import action_prefix

from . import SERVICE
from .model import GLOBAL, Access, Bearer, LastUse, accesses, last_uses, roles, users

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.record import RequestRecord
    from headwater.kernel.store import Store, Table

KEPT_EVERY: Final = timedelta(minutes=1)
ACTIONS_MAX: Final = 4096
Use = TypeVar("Use", LastUse, Access)


class Latest(Generic[Use]):
    """A table's records, and those newer ones that the disk may not know yet."""

    def __init__(self, store: Store, table: Table[Use]) -> None:
        self._store = store
        self._table: Table[Use] = table
        self._latest: dict[tuple[str, ...], Use] = {}

    def see(self, use: Use) -> None:
        self._latest[self._table.key(use)] = use

    def get(self, *key: str) -> Use | None:
        return self._latest.get(key) or self._store.get(self._table, *key)

    def scan(self, *key: str) -> list[Use]:
        found = {self._table.key(use): use for use in self._store.scan(self._table, *key)}
        found |= {full: use for full, use in self._latest.items() if full[: len(key)] == key}
        return list(found.values())

    def settle(self) -> None:
        """Bring to the disk what is due."""
        self._keep([use for key, use in self._latest.items() if self._is_due(key, use)])

    def _is_due(self, key: tuple[str, ...], use: Use) -> bool:
        kept = self._store.get(self._table, *key)
        return kept is None or use.at - kept.at >= KEPT_EVERY

    def _keep(self, uses: list[Use]) -> None:
        if uses:
            self._store.commit_now([(self._table, encode_key(self._table.key(use)), use) for use in uses], [])
        for use in uses:
            del self._latest[self._table.key(use)]

    def keep_all(self) -> None:
        self._keep(list(self._latest.values()))


class Watch:
    """The Bus's subscriber: it only ever keeps, and refuses nothing."""

    def __init__(self, home: Home) -> None:
        self._store = home.store
        self.uses = Latest(home.store, last_uses)
        self.accesses = Latest(home.store, accesses)

    def look(self, records: list[RequestRecord]) -> None:
        last = {(one.account, one.principal, one.access_key_id, one.service, one.operation): one for one in records}
        for record in last.values():
            self._note(record)
        self.uses.settle()
        self.accesses.settle()

    def _note(self, record: RequestRecord) -> None:
        bearer = self._bearer(record)
        subject = bearer.unique_id if bearer is not None and ":assumed-role/" in record.principal else None
        if record.access_key_id.startswith("AKIA"):
            subject = record.access_key_id if self._store.get(ACCESS_KEYS, record.access_key_id) is not None else None
        if subject is None and bearer is None:
            return
        at, region, action = record.at, record.region, action_of(record.service, record.operation)
        if subject is not None:
            service = action.partition(":")[0]
            self.uses.see(LastUse(account=record.account, subject=subject, at=at, service=service, region=region))
        if bearer is not None:
            self.accesses.see(Access(account=record.account, subject=bearer.unique_id, action=action, at=at, region=region))

    def _bearer(self, record: RequestRecord) -> Bearer | None:
        """The user or role that acted."""
        kind, _, rest = record.principal.rpartition(":")[2].partition("/")
        if kind == "user":
            return self._store.get(users, record.account, GLOBAL, rest.rpartition("/")[2])
        if kind == "assumed-role":
            return self._store.get(roles, record.account, GLOBAL, rest.partition("/")[0])
        return None


@lru_cache(ACTIONS_MAX)
def action_of(service: str, operation: str) -> str:
    """The action that an operation asks for in the first place."""
    function = room(service).functions.get(operation) if service in room_names() else None
    lines = lines_of(function) if function is not None else None
    if lines and isinstance(lines[0].action, str):
        return lines[0].action
    return f"{action_prefix(service, service_model(service).operations[operation])}:{operation}"


def watch_of(ctx: Context) -> Watch:
    watch: Watch = ctx.home.rooms["iam"]
    return watch


def last_use_of(ctx: Context, subject: str) -> LastUse | None:
    """Up to the moment, but for what the Bus still gathers: a twentieth of a second."""
    return watch_of(ctx).uses.get(ctx.account, GLOBAL, subject)


@SERVICE.starts
async def _watch(home: Home) -> None:
    watch = home.rooms["iam"] = Watch(home)
    look: Any = watch.look  # the Bus carries anything; on this topic, records of requests
    home.bus.subscribe("request", look)


@SERVICE.stops
async def _keep(home: Home) -> None:
    home.bus.deliver()
    watch: Watch = home.rooms["iam"]
    watch.uses.keep_all()
    watch.accesses.keep_all()
