"""When keys and roles were last used: read off the records of requests that go by on the Bus.

Every use is known at once; on disk a subject's last use is brought up to date once a minute and at the end, as AWS's own figure lags too.
Whoever only looks costs the request nothing: records come in batches, behind the responses.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.identity import ACCESS_KEYS
from headwater.kernel.store.table import encode_key

from . import SERVICE
from .model import GLOBAL, LastUse, last_uses, roles

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.record import RequestRecord

KEPT_EVERY: Final = timedelta(minutes=1)


class Watch:
    """The last uses that the disk may not know yet."""

    def __init__(self, home: Home) -> None:
        self._store = home.store
        self._latest: dict[tuple[str, str], LastUse] = {}

    def look(self, records: list[RequestRecord]) -> None:
        """The Bus's subscriber: it only ever keeps, and refuses nothing."""
        last = {(record.access_key_id, record.principal): record for record in records}  # of several uses the last one counts
        for record in last.values():
            subject = self._subject(record)
            if subject is not None:
                use = LastUse(account=record.account, subject=subject, at=record.at, service=record.service, region=record.region)
                self._latest[record.account, subject] = use
        self._keep([use for use in self._latest.values() if self._is_due(use)])

    def _subject(self, record: RequestRecord) -> str | None:
        if record.access_key_id.startswith("AKIA"):
            return record.access_key_id if self._store.get(ACCESS_KEYS, record.access_key_id) is not None else None
        _, is_session, session = record.principal.partition(":assumed-role/")
        if not is_session:
            return None
        role = self._store.get(roles, record.account, GLOBAL, session.partition("/")[0])
        return None if role is None else role.unique_id

    def _is_due(self, use: LastUse) -> bool:
        kept = self._store.get(last_uses, use.account, GLOBAL, use.subject)
        return kept is None or use.at - kept.at >= KEPT_EVERY

    def _keep(self, uses: list[LastUse]) -> None:
        if uses:
            self._store.commit_now([(last_uses, encode_key(last_uses.key(use)), use) for use in uses], [])
        for use in uses:
            del self._latest[use.account, use.subject]

    def keep_all(self) -> None:
        self._keep(list(self._latest.values()))

    def last(self, account: str, subject: str) -> LastUse | None:
        return self._latest.get((account, subject)) or self._store.get(last_uses, account, GLOBAL, subject)


def last_use_of(ctx: Context, subject: str) -> LastUse | None:
    """Up to the moment, but for what the Bus still gathers: a twentieth of a second."""
    watch: Watch = ctx.home.rooms["iam"]
    return watch.last(ctx.account, subject)


@SERVICE.starts
async def _watch(home: Home) -> None:
    watch = home.rooms["iam"] = Watch(home)
    look: Any = watch.look  # the Bus carries anything; on this topic, records of requests
    home.bus.subscribe("request", look)


@SERVICE.stops
async def _keep(home: Home) -> None:
    home.bus.deliver()
    watch: Watch = home.rooms["iam"]
    watch.keep_all()
