"""The world of one Headwater: its folder, its store, its clock, its rooms. Made once, at the program's entry.

A folder belongs to one running program (a lock says so); copy it and you have copied the world.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import structlog

from headwater.kernel.authorization import Authorization
from headwater.kernel.bus import Bus
from headwater.kernel.clock import Clock
from headwater.kernel.context import Context
from headwater.kernel.decisions import Decisions
from headwater.kernel.identity import DEFAULT_ACCOUNT, AccessKey, Credentials, Issuer, Principal, service_principal
from headwater.kernel.jobs import OWED, Job, Jobs, Registration
from headwater.kernel.record import DATA, MANAGEMENT
from headwater.kernel.service import room, room_names
from headwater.kernel.settings import NotServed, Settings
from headwater.kernel.store import Record, Store, Table
from headwater.kernel.vault import Vault

log = structlog.get_logger()

FORMAT: Final = "1"
"""The version of the folder's layout. A program refuses a folder of a version that it does not know."""
LOCK_FILE: Final = "lock"
CLOSE_GRACE_S: Final = 20.0
TRAIL: Final = "cloudtrail"
"""The room that hears every call. It is opened behind the first one, whose answer must not wait for it."""
HELD_CALLS_MAX: Final = 10_000
HELD_DATA_CALLS_MAX: Final = 500
"""Fewer: they hold on to bodies."""
MEASURES: Final = "cloudwatch"
"""The room that makes metrics of what other rooms tell (`METRIC`). It is opened behind the first such fact."""
METRIC: Final = "metric"


class HomeInUse(NotServed):
    """Another Headwater runs on this folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another Headwater runs on {path}: `headwater status` shows it, `headwater down` ends it")


class ClockSetting(Record, frozen=True, kw_only=True):
    """How far AWS time stands from the machine's, or where it stands still."""

    offset_us: int
    frozen_at: datetime | None


class ClockOffset(Record, frozen=True, kw_only=True):
    """Version 1 of the setting: a Clock that could not be frozen."""

    offset_us: int


CLOCK: Final = Table(
    "kernel",
    "clock",
    ClockSetting,
    key=lambda setting: ("offset",),
    version=2,
    migrate={1: (ClockOffset, lambda old: ClockSetting(offset_us=old.offset_us, frozen_at=None))},
)


class Pools:
    """Named, bounded thread pools for blocking work; never the default executor."""

    def __init__(self) -> None:
        self.files = ThreadPoolExecutor(4, thread_name_prefix="files")
        self.compression = ThreadPoolExecutor(2, thread_name_prefix="compression")
        self.engines = ThreadPoolExecutor(8, thread_name_prefix="engines")

    def close(self) -> None:
        for pool in (self.files, self.compression, self.engines):
            pool.shutdown(wait=False, cancel_futures=True)


class Home:
    """Open it inside a running event loop, with the program's one root TaskGroup."""

    def __init__(self, settings: Settings, tasks: asyncio.TaskGroup) -> None:
        self.settings = settings
        self.path: Path = settings.home
        self.tasks = tasks
        self._lock = _lock(self.path)
        _check_format(self.path)
        self.vault = Vault(self.path / "root.key")
        self.issuer = Issuer(self.vault)
        self.store = Store(self.path / "store", fsync_always=settings.fsync_always)
        self.store.attach(asyncio.get_running_loop())
        self.store.on_failure = self._store_failed
        setting = self.store.get(CLOCK, "offset")
        self.clock = Clock(timedelta(microseconds=setting.offset_us), setting.frozen_at) if setting else Clock()
        self.bus = Bus()
        if TRAIL in room_names():
            self.bus.hold(MANAGEMENT, HELD_CALLS_MAX, partial(self._hear, TRAIL))
            if TRAIL in self.store.services_with_state:  # there may be a trail that wants them
                self.bus.hold(DATA, HELD_DATA_CALLS_MAX, partial(self._hear, TRAIL))
        if MEASURES in room_names():
            self.bus.hold(METRIC, HELD_CALLS_MAX, partial(self._hear, MEASURES))
        self.authorization = Authorization(self)
        self.decisions = Decisions(self)
        self.pools = Pools()
        self.rooms: dict[str, Any] = {}  # a room's live things (open engines, pools), by service name
        self._opening: dict[str, asyncio.Future[None]] = {}
        self._opened: set[str] = set()
        self._secrets: dict[str, str] = {}
        self.jobs = Jobs(self.store, self.clock, tasks, self._run_job, self.open_room)
        self._failed = asyncio.Event()
        self._closing = False
        self.failure: BaseException | None = None

    @property
    def endpoint_url(self) -> str:
        """Where what Headwater runs (Lambda workers, warehouses) reaches the gateway."""
        return f"http://{self.settings.host}:{self.settings.port}"

    def _store_failed(self, error: BaseException) -> None:
        log.error("store failed", error=repr(error))
        self.failure = error
        os._exit(70)  # crashing beats acknowledging what can no longer be kept; a restart replays the journal

    # -- rooms ---------------------------------------------------------------------------------------------------------

    async def open_room(self, name: str) -> None:
        """Import the room and run its start hooks, once; free of charge afterwards. Raises what the opening raised."""
        if name in self._opened or name not in room_names():
            return
        opening = self._opening.get(name)
        if opening is None:
            opening = self._opening[name] = asyncio.get_running_loop().create_future()
            self.tasks.create_task(self._open_room(name, opening), name=f"open {name}")
        await asyncio.shield(opening)

    async def _open_room(self, name: str, opening: asyncio.Future[None]) -> None:
        """Never raises: this task is the house's own, and a room that cannot open must not end it."""
        try:
            await room(name).open(self)
        except Exception as error:
            log.exception("room did not open", room=name)
            opening.set_exception(error)
            opening.exception()  # seen, even where nobody waits
        else:
            self._opened.add(name)
            opening.set_result(None)
        finally:
            del self._opening[name]

    def is_open(self, name: str) -> bool:
        return name in self._opened

    def _hear(self, name: str) -> None:
        """Something is told, and the room that records it is not there yet."""
        if not self._closing:
            self.tasks.create_task(self._open_logged(name), name=f"open {name}")

    async def _open_logged(self, name: str) -> None:
        with contextlib.suppress(Exception):  # logged where it happened; one closed room is its own state
            await self.open_room(name)

    async def resume(self) -> None:
        """After a start: the owed jobs, and the rooms that have state (their engines come back). The trail's waits for a call to hear."""
        self.jobs.start()
        for name in sorted((self.store.services_with_state & room_names()) - {TRAIL}):
            await self._open_logged(name)

    # -- identity ------------------------------------------------------------------------------------------------------

    def context(self, *, account: str = DEFAULT_ACCOUNT, region: str, service: str) -> Context:
        """A context for what a service does by itself, between requests."""
        return Context(self, account=account, region=region, principal=service_principal(service, account), service=service)

    def issue_credentials(self, principal: Principal, expiration: datetime | None, *, characters_min: int = 0) -> Credentials:
        """Temporary credentials; `expiration` in AWS time, None for those that Headwater itself renews."""
        return self.issuer.issue(principal, expiration, characters_min=characters_min)

    async def credentials_for(self, role_arn: str, session_name: str) -> tuple[str, str, str]:
        """(access key id, secret, session token) of the role, for what Headwater runs under it."""
        session = await self.authorization.session_of(role_arn, session_name)
        credentials = self.issuer.issue(session, None)
        return credentials.access_key_id, credentials.secret_access_key, credentials.session_token

    def secret_of(self, key: AccessKey) -> str:
        """An issued key's secret, opened once."""
        known = self._secrets.get(key.access_key_id)
        if known is None:
            known = self._secrets[key.access_key_id] = self.vault.open(key.sealed_secret, key.access_key_id).decode()
        return known

    def seal_secret(self, access_key_id: str, secret: str) -> bytes:
        """How an AccessKey keeps its secret at rest."""
        return self.vault.seal(secret.encode(), access_key_id)

    # -- jobs and time -------------------------------------------------------------------------------------------------

    async def _run_job(self, registration: Registration, job: Job) -> None:
        room_name = str(job.__struct_config__.tag).split("/", 1)[0]
        ctx = self.context(account=job.account, region=job.region, service=room_name)
        await registration.handler(ctx, job)

    async def advance(self, by: timedelta) -> None:
        """Move AWS time forward, durably."""
        await self.move_clock(lambda clock: clock.advance(by))

    async def move_clock(self, move: Callable[[Clock], None]) -> None:
        """Move, freeze or release AWS time, durably. What was told before is delivered before."""
        self.bus.deliver()
        for name in sorted(self._opened):
            await room(name).settle(self)
        before = self.clock.now()
        async with self.store.transaction() as tx:
            move(self.clock)
            setting = ClockSetting(offset_us=self.clock.offset // timedelta(microseconds=1), frozen_at=self.clock.frozen_at)
            tx.put(CLOCK, setting)
            for owed in self.jobs.still_due(before):
                tx.put(OWED, owed)

    async def close(self) -> None:
        """Close the rooms, each with its own deadline, then the store."""
        self._closing = True
        if (self.bus.holds(MANAGEMENT) or self.bus.holds(DATA)) and TRAIL not in self._opening:
            try:
                await room(TRAIL).open(self)  # what was told in the house's first moment
            except Exception:
                log.exception("room did not open", room=TRAIL)
        for name in sorted(self._opened):
            try:
                async with asyncio.timeout(CLOSE_GRACE_S):
                    await room(name).close(self)
            except Exception:
                log.exception("room did not close", room=name)
        self.bus.deliver()
        self.pools.close()
        self.store.close()
        self._lock.close()


def _lock(path: Path) -> IO[str]:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = (path / LOCK_FILE).open("a")
    except OSError as error:
        raise NotServed(f"{path} cannot be the home: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise HomeInUse(path) from None
    return handle


def is_held(path: Path) -> bool:
    """Does a program hold this folder? The lock tells, which dies with its holder; a process's number may be another's by now."""
    try:
        handle = (path / LOCK_FILE).open()
    except (FileNotFoundError, NotADirectoryError):
        return False
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _check_format(path: Path) -> None:
    mark = path / "format"
    if not mark.exists():
        mark.write_text(FORMAT)
    elif (found := mark.read_text().strip()) != FORMAT:
        raise NotServed(f"{path} has format {found}; this Headwater reads format {FORMAT}")
