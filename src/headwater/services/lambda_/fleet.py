"""All that runs for Lambda in this program: one crew a function, one pool a version in it. Nothing here is durable.

A pool belongs to one version as it was when the pool was made. When `$LATEST` is updated the old pool is retired: who runs there
ends his run, who waited there goes to the new one. (Not every revision is another pool: tags and permissions make revisions too.)
Everything that must outlive the program (the asynchronous queue, the configuration) is in the store, and a crew can be rebuilt
from it at any time.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from headwater.aws.faults import Fault, fault
from headwater.kernel.certificates import authority_path
from headwater.kernel.store import Store

from . import code, runtimes
from .invocation import Invocation, Outcome, stream_name
from .measured import run, throttle
from .model import ALIASES, FUNCTIONS, LATEST, LAYERS, PROVISIONED, VERSIONS, Layer, Version, padded, variables_of
from .pool import WORKERS_ASYNCHRONOUS_MAX, Pool
from .roles import _check_still_given, client_under, session_name
from .shipping import Shipper, Stream
from .worker import Launch, Worker

if TYPE_CHECKING:
    from headwater.kernel.home import Home

log = structlog.get_logger()

ACCOUNT_CONCURRENCY_MAX: Final = 1_000
CLOSE_S: Final = 5.0


class Crew:
    """One function's pools and what they share: how many run, how many may."""

    def __init__(self, fleet: "Fleet", key: tuple[str, str, str]) -> None:
        self._fleet = fleet
        self._key = key
        self._building = asyncio.Lock()
        self.pools: dict[str, tuple[Version, Pool]] = {}
        self.in_flight = 0  # of synchronous callers
        self._in_flight_of: dict[str, int] = {}  # by version
        self.queued: dict[str, Invocation] = {}  # asynchronous ones in memory, waiting or running, by id
        self.spilled = False  # more are in the store than in memory
        self.more = False  # one has arrived since the store was last read
        self.refilling = False
        self.newest = ""  # the last id that was taken into memory

    def pool_at_hand(self, version: Version) -> Pool | None:
        """The pool of exactly this, where it is already there: the way of every warm invocation."""
        found = self.pools.get(version.version)
        if found is None:
            return None
        made_of, pool = found
        if made_of is not version:
            if not made_of.same_as(version):
                return None
            self.pools[version.version] = (version, pool)
        return pool

    async def pool(self, version: Version) -> Pool:
        async with self._building:
            pool = self.pool_at_hand(version)
            if pool is not None:
                return pool
            launch = await self._fleet.launch_of(version)
            before = self.pools.get(version.version)
            pool = Pool(launch, self._fleet.spawn, WorkerMaker(self._fleet, version, launch), self._asynchronous_max, self._fleet.is_stale)
            self.pools[version.version] = (version, pool)
            pool.provision(provisioned_for(self._fleet.home.store, self._key, version.version))
        if before is not None:
            for invocation in before[1].retire():
                pool.submit(invocation)
        return pool

    def check_concurrency(self, version: str) -> None:
        """A synchronous caller is not made to wait for AWS's limits: he is refused."""
        reserved = self.reserved
        if reserved is not None and not self._has_room(version, reserved):
            self._refused()
            raise fault(
                "TooManyRequestsException", "Rate Exceeded.", Reason="ReservedFunctionConcurrentInvocationLimitExceeded", Type="User"
            )
        if self._fleet.in_flight.get(self._key[0], 0) >= ACCOUNT_CONCURRENCY_MAX:
            self._refused()
            raise fault("TooManyRequestsException", "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded", Type="User")

    def _has_room(self, version: str, reserved: int) -> bool:
        """What is provisioned is taken out of what is reserved, and only the version itself can have it (test_lambda_concurrency_block)."""
        store = self._fleet.home.store
        provisioned = {each: provisioned_for(store, self._key, each) for each in {*self._in_flight_of, version}}
        if self._in_flight_of.get(version, 0) < provisioned[version]:
            return True
        on_demand = sum(max(0, running - provisioned[each]) for each, running in self._in_flight_of.items())
        return on_demand < reserved - sum(kept.wanted for kept in store.scan(PROVISIONED, *self._key))

    def _refused(self) -> None:
        home = self._fleet.home
        home.bus.publish("metric", throttle(home.clock.now(), self._key))

    @property
    def reserved(self) -> int | None:
        function = self._fleet.home.store.get(FUNCTIONS, *self._key)
        return None if function is None else function.reserved

    @property
    def name(self) -> str:
        account, region, name = self._key
        return f"arn:aws:lambda:{region}:{account}:function:{name}"

    def describe(self) -> dict[str, int]:
        workers = sum(pool.workers for _, pool in self.pools.values())
        return {"workers": workers, "in_flight": self.in_flight, "events": len(self.queued)}

    def enter(self, version: str) -> None:
        self.in_flight += 1
        self._in_flight_of[version] = self._in_flight_of.get(version, 0) + 1
        account = self._key[0]
        self._fleet.in_flight[account] = self._fleet.in_flight.get(account, 0) + 1

    def leave(self, version: str) -> None:
        self.in_flight -= 1
        self._in_flight_of[version] -= 1
        self._fleet.in_flight[self._key[0]] -= 1

    def look_again(self) -> None:
        """A limit has changed."""
        for _, pool in self.pools.values():
            pool.pump()

    def renew(self, version: Version) -> None:
        """The version has changed: its free workers end now, and who waits for it runs what it has become."""
        before = self.pools.pop(version.version, None)
        if before is not None and (waited := before[1].retire()):
            self._fleet.spawn(self._move(version, waited), "lambda move")

    async def _move(self, version: Version, waited: list[Invocation]) -> None:
        pool = await self.pool(version)
        for invocation in waited:
            pool.submit(invocation)

    def dismiss(self, *versions: str) -> list[Invocation]:
        """These versions are gone (none named: the whole function); who waited for them is handed back."""
        waited: list[Invocation] = []
        for version in versions or tuple(self.pools):
            if (found := self.pools.pop(version, None)) is not None:
                waited += found[1].retire()
        return waited

    def _asynchronous_max(self) -> int:
        reserved = self.reserved
        return WORKERS_ASYNCHRONOUS_MAX if reserved is None else min(WORKERS_ASYNCHRONOUS_MAX, reserved)


class WorkerMaker:
    """Makes a pool's workers, each with a log stream of its own."""

    def __init__(self, fleet: "Fleet", version: Version, launch: Launch) -> None:
        self._home = fleet.home
        self._shipper = fleet.shipper
        self._version = version
        self._launch = launch
        early = {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
        self._provisioned = msgspec.structs.replace(launch, env=launch.env | early)

    def __call__(self, pool: Pool) -> Worker:
        home, version = self._home, self._version
        name = stream_name(home.clock.now(), version.version, uuid.uuid4().hex)
        stream = Stream(self._shipper, client_under(home, version, "logs"), version.log_group, name)

        def tell(took_ms: float, outcome: Outcome) -> None:
            home.bus.publish("metric", run(home.clock.now(), version, took_ms, outcome, pool.running))

        launch = self._provisioned if pool.is_provisioning else self._launch
        return Worker(launch, pool, stream, home.clock.now, lambda: home.clock.machine().timestamp(), tell)


class Fleet:
    """The room's live part, under `home.rooms["lambda"]`."""

    def __init__(self, home: "Home") -> None:
        self.home = home
        self.root = home.path / "lambda"
        self.shipper = Shipper(self.spawn)
        self.in_flight: dict[str, int] = {}
        self._crews: dict[tuple[str, str, str], Crew] = {}
        self.is_stale: Callable[[Invocation], bool] = lambda _: False  # the queue says, once it is there
        self._certificates: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def crew(self, key: tuple[str, str, str]) -> Crew:
        crew = self._crews.get(key)
        if crew is None:
            crew = self._crews[key] = Crew(self, key)
        return crew

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """A task of the house's group, which one function's trouble must not end."""
        task = self.home.tasks.create_task(_survived(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def crews(self) -> list[Crew]:
        return list(self._crews.values())

    def forget(self, key: tuple[str, str, str]) -> list[Invocation]:
        crew = self._crews.pop(key, None)
        return [] if crew is None else crew.dismiss()

    async def launch_of(self, version: Version) -> Launch:
        """Asks the disk and may start a process once (is there bubblewrap?), hence in a thread."""
        layers = [layer_of(self.home.store, arn).code_sha256 for arn in version.layers]
        await _check_still_given(self.home, version)
        credentials = await self.home.credentials_for(version.role, session_name(version.name))
        authority_path(self.home)  # here, where nobody else makes one at the same time: a function may run before the first engine
        return await asyncio.get_running_loop().run_in_executor(
            self.home.pools.files, self._launch_of, version, layers, credentials, self.home.endpoint_url
        )

    def _launch_of(self, version: Version, layers: list[str], credentials: tuple[str, str, str], endpoint_url: str) -> Launch:
        if self._certificates is None:
            self._certificates = runtimes.write_certificates(self.root / "pki", authority_path(self.home))
        places = runtimes.Places(
            task=code.folder_of(self.root, version.code_sha256),
            opt=code.merged(self.root, layers) if layers else None,
            certificates=self._certificates,
            endpoint_url=endpoint_url,
            credentials=credentials,
            variables=variables_of(version, self.home.vault) or {},
        )
        return runtimes.launch_of(version, places)

    async def close(self) -> None:
        """Workers are killed: a synchronous caller is gone by now, and an asynchronous event is still in the store."""
        for crew in self._crews.values():
            for _, pool in crew.pools.values():
                pool.retire()
                pool.kill()
        others = self._tasks - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=CLOSE_S)
        await self.shipper.close()


async def _survived(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except Exception:
        log.exception("task failed", task=name)


def fleet_of(home: "Home") -> Fleet:
    fleet = home.rooms.get("lambda")
    if fleet is None:
        fleet = home.rooms["lambda"] = Fleet(home)
    assert isinstance(fleet, Fleet)
    return fleet


def version_of(store: Store, key: tuple[str, str, str], qualifier: str | None, draw: float = 1.0) -> Version | None:
    """The version that a qualifier means; for an alias that splits, the one that the draw falls on."""
    if qualifier is None or qualifier == LATEST:
        return store.get(VERSIONS, *key, LATEST)
    if qualifier.isdecimal():
        return store.get(VERSIONS, *key, padded(qualifier))
    alias = store.get(ALIASES, *key, qualifier)
    return None if alias is None else version_of(store, key, alias.chosen(draw))


def provisioned_for(store: Store, key: tuple[str, str, str], version: str) -> int:
    """How many workers this version shall have ready, of itself and of aliases that mean it."""
    found = ((kept, version_of(store, key, kept.qualifier)) for kept in store.scan(PROVISIONED, *key))
    return sum(kept.wanted for kept, meant in found if meant is not None and meant.version == version)


def layer_of(store: Store, arn: str, *, new: bool = False) -> Layer:
    """A version of a layer. One that was deleted stays usable for the functions that have it, not for `new` ones."""
    _, _, _, region, account, _, name, version = arn.split(":")
    layer = store.get(LAYERS, account, region, name, padded(version))
    if layer is None or (new and layer.is_deleted):
        raise no_such_layer(arn)
    return layer


def no_such_layer(arn: str) -> Fault:
    return fault("InvalidParameterValueException", f"Layer version {arn} does not exist.", Type="User")
