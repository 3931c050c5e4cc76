"""The servers behind instances and clusters: which run, and the one job that brings a server to what its record says.

An operation writes the status it leads to (creating, stopping, …) and owes a SettleDue in the same transaction; the job does the work
and writes the status that follows. It reads the record first, so it may run twice, and after a kill -9 it runs again.
A server that will not stay up is shown as `failed`, with the engine's last words among the resource's events.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from headwater.engines.addresses import NoAddress, comes_free, free_address
from headwater.engines.database import CACHE, Database, SqlFailed, Tls, Variable, in_thread
from headwater.engines.mariadb import MariaDB
from headwater.engines.mariadb_lambda.door import LambdaDoor
from headwater.engines.mariadb_programs import Missing
from headwater.engines.mariadb_template import TemplateFailed
from headwater.engines.postgres import Postgres, PostgresMissing
from headwater.engines.process import EngineLost
from headwater.kernel.certificates import authority_path, certificate_for
from headwater.kernel.jobs import Job, handles

from . import SERVICE
from .events import Happened, event
from .lambda_calls import invoker
from .records import CLUSTERS, Cluster, Instance, addresses_taken, by_id, table_of, with_servers
from .settings import chosen, described, for_engine, of_aws
from .versions import FAMILIES

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.store import Transaction

log = structlog.get_logger()

ENGINE_FAILURES = (EngineLost, SqlFailed, Missing, TemplateFailed, PostgresMissing, NoAddress, OSError)
"""What an engine can do to us. Anything else is a defect of ours, and the job shows it."""


LAST_WORDS_LINES = 5
SETTLED_WITHIN_S = 20.0
PASSING = {"creating", "starting", "stopping", "rebooting", "modifying", "deleting"}


class SettleDue(Job, frozen=True, kw_only=True, tag="rds/settle/1"):
    """The subject is a resource's id: bring it to what its record says."""


class Running:
    """A server that was started, with what it was started with."""

    def __init__(self, database: Database, door: LambdaDoor | None, settings: dict[str, str]) -> None:
        self.database = database
        self.door = door
        self.settings = settings  # static parameters hold from the start on, so pending ones are the difference


class Servers:
    """The room's live things, one in each home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.running: dict[str, Running] = {}
        self.failures: dict[str, str] = {}  # servers that could not even be started, and why
        self.closing = False
        self._changed = asyncio.Event()
        self._locks: dict[str, asyncio.Lock] = {}
        self._parameters: dict[str, dict[str, Variable]] = {}

    def lock(self, resource_id: str) -> asyncio.Lock:
        return self._locks.setdefault(resource_id, asyncio.Lock())

    async def start(self, owner: Instance | Cluster) -> Running:
        """Start the owner's server and wait until it answers; one that runs is left alone."""
        if self.closing:
            raise EngineLost("Headwater is stopping")
        running = self.running.get(owner.resource_id)
        try:
            if running is None or running.database.state == "stopped":
                running = await self._launch(owner)
            if running.database.state == "lost":
                running.database.start(self._home.tasks)
            await running.database.ready()
        except ENGINE_FAILURES as error:
            self.failures[owner.resource_id] = str(error)
            raise
        self.failures.pop(owner.resource_id, None)
        return running

    async def _launch(self, owner: Instance | Cluster) -> Running:
        home = self._home
        owner = await self._addressed(owner)
        settings = for_engine(chosen(home.store, owner), owner.family)
        certificate, key = certificate_for(home, owner.resource_id, [owner.host, "localhost"])
        tls = Tls(certificate, key, authority_path(home))
        data = self.folder(owner.resource_id) / "data"
        database: MariaDB | Postgres
        door = None
        if owner.engine.program == "mariadb":
            database = MariaDB(data, owner.host, owner.port, settings=settings, tls=tls, fsync=home.settings.fsync_always)
            door = LambdaDoor(database.door, invoker(home, owner.account, owner.region, owner.resource_id))
        else:
            database = Postgres(data, owner.host, owner.port, settings=settings, tls=tls)
        running = self.running[owner.resource_id] = Running(database, door, settings)
        await database.create(owner.master, self.password(owner), owner.database)
        if door is not None:
            await door.open(home.tasks)
        database.start(home.tasks)
        return running

    async def _addressed(self, owner: Instance | Cluster) -> Instance | Cluster:
        """The owner; at another address where somebody else's server has taken its own while it was down. The API reports the new one."""
        home = self._home
        if await comes_free(owner.host, owner.port):
            return owner
        host, port = free_address(owner.arn, owner.port, addresses_taken(home.store))
        current = by_id(home.store, owner.account, owner.region, owner.resource_id) or owner
        moved = replace(current, host=host, port=port)
        ctx = home.context(account=owner.account, region=owner.region, service="rds")
        async with home.store.transaction() as tx:
            tx.put(table_of(moved), moved)
            event(
                ctx,
                tx,
                moved,
                Happened(f"{owner.host}:{owner.port} is taken by another program; the endpoint is now {host}:{port}", "notification"),
            )
        return moved

    async def parameters(self, of_family: str) -> dict[str, Variable]:
        """All parameters of a family, by name: the engine's, which do not change while we run, and RDS's own."""
        engine = FAMILIES[of_family]
        if of_family not in self._parameters:
            self._parameters[of_family] = {each.name: each for each in [*await described(engine), *of_aws(of_family, engine)]}
        return self._parameters[of_family]

    async def apply_settings(self, owner: Instance | Cluster) -> None:
        """Changed parameter groups reach the running server: what may change at once and was asked to; the rest waits for a restart."""
        running = self.running.get(owner.resource_id)
        if running is None or running.database.state != "up":
            return
        asked = chosen(self._home.store, owner)
        wanted = for_engine(asked, owner.family)
        known = await self.parameters(owner.family)
        settings = dict(running.settings)
        for name in settings.keys() | wanted.keys():
            at_once = name in known and known[name].dynamic and (name not in asked or asked[name].immediate)
            if at_once and name in wanted:
                settings[name] = wanted[name]
            elif at_once:
                del settings[name]
        try:
            await running.database.apply(settings)
        except ENGINE_FAILURES as error:  # the group stands as it was asked for; the resource says what its engine made of it
            ctx = self._home.context(account=owner.account, region=owner.region, service="rds")
            async with self._home.store.transaction() as tx:
                event(ctx, tx, owner, Happened(f"Parameters could not be applied: {error}", "failure"))
            return
        running.settings = settings

    async def stop(self, resource_id: str) -> None:
        running = self.running.pop(resource_id, None)
        if running is None:
            return
        try:
            await running.database.stop()
        finally:  # also where the house ends in the middle of a deletion
            if running.door is not None:
                await running.door.close()

    async def remove(self, resource_id: str) -> None:
        await self.stop(resource_id)
        folder = self.folder(resource_id)
        if folder.exists():
            await in_thread(shutil.rmtree, folder)
        self.failures.pop(resource_id, None)

    def folder(self, resource_id: str) -> Path:
        return self._home.path / "rds" / resource_id

    def password(self, owner: Instance | Cluster) -> str:
        """The password that the server does not have yet."""
        return self._home.vault.open(owner.sealed_password, owner.resource_id).decode() if owner.sealed_password else ""

    def status(self, resource: Instance | Cluster) -> str:
        """What the API says: the record's word, unless the server itself knows better."""
        if resource.status != "available":
            return resource.status
        owner_id = resource.resource_id
        if isinstance(resource, Instance) and resource.cluster:
            cluster = self._home.store.get(CLUSTERS, resource.account, resource.region, resource.cluster)
            if cluster is None or cluster.status != "available":
                return cluster.status if cluster is not None else resource.status
            owner_id = cluster.resource_id
        if owner_id in self.failures:
            return "failed"
        running = self.running.get(owner_id)
        state = running.database.state if running is not None else "starting"
        return {"up": "available", "lost": "failed", "starting": "starting", "stopped": "starting"}[state]

    def tell_changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def settled(self, asked: Instance | Cluster) -> None:
        """Hold a question about a resource that changes right now until it is done: SDKs' waiters ask again only after half a minute."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_WITHIN_S):
                while True:
                    resource = by_id(self._home.store, asked.account, asked.region, asked.resource_id)
                    if resource is None or resource.status not in PASSING:
                        return
                    await self._changed.wait()


def servers_of(home: Home) -> Servers:
    servers: Servers = home.rooms.setdefault("rds", Servers(home))
    return servers


def settle(ctx: Context, tx: Transaction, resource: Instance | Cluster) -> None:
    """Owe the work that the resource's new status asks for."""
    tx.owe(SettleDue(account=ctx.account, region=ctx.region, subject=resource.resource_id, at=ctx.clock.now()))


@handles(SettleDue, attempts_max=3, timeout=timedelta(minutes=5))
async def _settle(ctx: Context, due: SettleDue) -> None:
    servers = servers_of(ctx.home)
    async with servers.lock(due.subject):
        resource = by_id(ctx.store, due.account, due.region, due.subject)
        if resource is None:
            return
        try:
            await _brought_about(ctx, servers, resource)
        except ENGINE_FAILURES as error:
            running = servers.running.get(due.subject)
            words = running.database.last_words() if running is not None else ""
            await _now(ctx, resource, "failed", Happened(f"{error} {words}".strip(), "failure"))
        finally:
            servers.tell_changed()


async def _brought_about(ctx: Context, servers: Servers, resource: Instance | Cluster) -> None:
    match resource.status:
        case "creating":
            await _server_up(ctx, servers, resource)
            await _now(ctx, resource, "available", Happened(f"{_noun(resource)} created", "creation"), sealed_password=b"")
        case "starting":
            await _server_up(ctx, servers, resource)
            await _now(ctx, resource, "available", Happened(f"{_noun(resource)} started", "notification"), sealed_password=b"")
        case "rebooting":
            if isinstance(resource, Cluster) or not resource.cluster:
                await servers.stop(resource.resource_id)
            await _server_up(ctx, servers, resource)
            await _now(ctx, resource, "available", Happened(f"{_noun(resource)} restarted", "availability"), sealed_password=b"")
        case "stopping":
            await servers.stop(resource.resource_id)
            await _now(ctx, resource, "stopped", Happened(f"{_noun(resource)} stopped", "notification"))
        case "modifying":
            await _modified(ctx, servers, resource)
        case "deleting":
            await servers.remove(resource.resource_id)
            async with ctx.store.transaction() as tx:
                tx.delete(table_of(resource), resource.account, resource.region, resource.name)
                event(ctx, tx, resource, Happened(f"{_noun(resource)} deleted", "deletion"))
        case _:
            pass  # settled: an earlier run of this job got there


async def _server_up(ctx: Context, servers: Servers, resource: Instance | Cluster) -> None:
    """The resource's own server, or for an Aurora instance its cluster's, which may be at its own creation."""
    if isinstance(resource, Cluster) or not resource.cluster:
        running = await servers.start(resource)
        if resource.sealed_password and resource.status != "creating":  # one that an earlier attempt could not set
            await running.database.set_password(resource.master, servers.password(resource))
        return
    cluster = ctx.store.get(CLUSTERS, resource.account, resource.region, resource.cluster)
    if cluster is None:
        raise EngineLost(f"the cluster {resource.cluster} is gone")
    async with servers.lock(cluster.resource_id):
        await servers.start(cluster)


async def _modified(ctx: Context, servers: Servers, resource: Instance | Cluster) -> None:
    """A new password, port or parameter group reaches the running server."""
    running = servers.running.get(resource.resource_id)
    if running is not None and (running.database.host, running.database.port) != (resource.host, resource.port):
        await servers.stop(resource.resource_id)
    await _server_up(ctx, servers, resource)
    await _now(ctx, resource, "available", Happened("Finished applying modifications", "configuration change"), sealed_password=b"")


async def _now(ctx: Context, resource: Instance | Cluster, status: str, happened: Happened, **changes: Any) -> None:
    """Write the status that the work led to, over the record as it stands now; somebody may have changed it meanwhile."""
    current = by_id(ctx.store, resource.account, resource.region, resource.resource_id)
    if current is None or current.status != resource.status:
        return  # overtaken, by a deletion for one; that change owes work of its own
    if changes and current.sealed_password != resource.sealed_password:
        changes = {}
    async with ctx.store.transaction() as tx:
        tx.put(table_of(current), replace(current, status=status, **changes))
        event(ctx, tx, current, happened)


def _noun(resource: Instance | Cluster) -> str:
    return "DB cluster" if isinstance(resource, Cluster) else "DB instance"


def parameters_pending(home: Home, owner: Instance | Cluster) -> bool:
    """Whether the server waits for a restart to take its groups' static parameters."""
    running = servers_of(home).running.get(owner.resource_id)
    return running is not None and running.settings != for_engine(chosen(home.store, owner), owner.family)


@SERVICE.starts
async def _resume(home: Home) -> None:
    """After a start of the house: the servers come back, at their addresses. Those in the middle of something have a job that does it."""
    servers = servers_of(home)
    CACHE.mkdir(parents=True, exist_ok=True)
    for owner in with_servers(home.store):
        if owner.status in ("available", "failed"):
            home.tasks.create_task(_come_back(servers, owner), name=f"start {owner.name}")


async def _come_back(servers: Servers, owner: Instance | Cluster) -> None:
    async with servers.lock(owner.resource_id):
        try:
            await servers.start(owner)
        except ENGINE_FAILURES as error:
            log.warning("database did not come back", database=owner.arn, why=str(error))


@SERVICE.stops
async def _stop(home: Home) -> None:
    servers = servers_of(home)
    servers.closing = True
    async with asyncio.TaskGroup() as tasks:
        for resource_id in list(servers.running):
            tasks.create_task(servers.stop(resource_id))


@SERVICE.describes
def _describe(home: Home) -> object:
    """For `headwater status`: each server, where it answers, and its last words when it does not."""
    servers = servers_of(home)
    shown = {}
    for owner in with_servers(home.store):
        running = servers.running.get(owner.resource_id)
        status = servers.status(owner)
        shown[owner.arn] = {"engine": owner.engine.program, "endpoint": f"{owner.host}:{owner.port}", "status": status}
        if status == "failed" and running is not None:
            shown[owner.arn]["last_words"] = "\n".join(running.database.last_words().splitlines()[-LAST_WORDS_LINES:])
        if owner.resource_id in servers.failures:
            shown[owner.arn]["why"] = servers.failures[owner.resource_id]
    return shown
