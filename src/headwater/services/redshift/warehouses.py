"""The clusters' processes: each cluster that should be up has one, kept up by `engines/process.py`.

What a process is told stands in its charter; it is written anew whenever users, roles or the Clock change, and the process reads
it by itself. Live state only: after a restart of the house everything here is made again from the records.
"""

import asyncio
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog
from msgspec.structs import replace

import headwater
from headwater.engines.addresses import NoAddress, comes_free, free_address
from headwater.engines.process import EngineLost, Supervised
from headwater.engines.warehouse.memory import warehouse_bytes
from headwater.kernel.certificates import certificate_for
from headwater.kernel.home import Home
from headwater.kernel.identity import Credentials, service_principal

from . import SERVICE, charter
from .charter import Charter, CharterFile, Login
from .model import Cluster, arn_of, clusters, temporary_logins

log = structlog.get_logger()

START_TIMEOUT: Final = timedelta(seconds=60)
SERVICE_NAME: Final = "redshift"
T = TypeVar("T")


class Warehouses:
    """The live side of the room, kept at `home.rooms["redshift"]`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._running: dict[str, Supervised] = {}
        self._credentials: dict[str, Credentials] = {}
        self._changed = asyncio.Event()

    def folder(self, cluster: Cluster) -> Path:
        return self._home.path / "redshift" / cluster.folder

    async def start(self, cluster: Cluster) -> None:
        """Returns when the warehouse answers; EngineLost when it will not."""
        process = self._running.get(cluster.folder)
        if process is None:
            cluster = await self._addressed(cluster)
        await self.inform(cluster)
        if process is None:
            process = self._running[cluster.folder] = self._supervised(cluster)
        process.start(self._home.tasks)
        await process.ready()

    async def _addressed(self, cluster: Cluster) -> Cluster:
        """The cluster; at another address where somebody else's server has taken its own while it was down. The API reports the new one."""
        if await comes_free(cluster.host, cluster.port):
            return cluster
        store = self._home.store
        taken = {spelling for one in store.scan(clusters) for spelling in (one.host, f"{one.host}:{one.port}")}
        try:
            host, port = free_address(arn_of(cluster), cluster.port, taken)
        except NoAddress as error:
            raise EngineLost(str(error)) from None
        log.warning("warehouse moves, its address is taken", cluster=cluster.identifier, was=cluster.host, host=host, port=port)
        current = store.get(clusters, cluster.account, cluster.region, cluster.identifier) or cluster
        moved = replace(current, host=host, port=port)
        async with store.transaction() as tx:
            tx.put(clusters, moved)
        return moved

    async def stop(self, cluster: Cluster) -> None:
        process = self._running.pop(cluster.folder, None)
        if process is not None:
            await process.stop()

    async def remove(self, cluster: Cluster) -> None:
        """The process and all its data."""
        await self.stop(cluster)
        folder = self.folder(cluster)
        await self._in_thread(partial(shutil.rmtree, folder, ignore_errors=True))

    async def settled(self, cluster: Cluster) -> None:
        """Wait while the process is starting."""
        process = self._running.get(cluster.folder)
        if process is not None:
            try:
                await process.ready()
            except EngineLost:
                return  # a state, which `lost` tells

    def tell_changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Until some cluster's status has changed."""
        await self._changed.wait()

    def lost(self, cluster: Cluster) -> bool:
        process = self._running.get(cluster.folder)
        return process is not None and process.state == "lost"

    def states(self) -> dict[str, dict[str, str]]:
        """For `headwater status`: each cluster, where it answers, and how its process is."""
        shown = {}
        for cluster in self._home.store.scan(clusters):
            process = self._running.get(cluster.folder)
            state = process.state if process is not None else cluster.status
            shown[arn_of(cluster)] = {"endpoint": f"{cluster.host}:{cluster.port}", "status": state}
        return shown

    def last_words(self, cluster: Cluster) -> str:
        process = self._running.get(cluster.folder)
        return process.last_words() if process is not None else ""

    async def inform(self, cluster: Cluster) -> None:
        """Write what the process should know: from the records as they are now, and without a pause before the file is there."""
        name = f"redshift-{cluster.folder}"
        certificate, key = await self._in_thread(partial(certificate_for, self._home, name, [cluster.host, "localhost"]))
        now_is = self._home.store.get(clusters, cluster.account, cluster.region, cluster.identifier)
        told = self._charter(now_is if now_is is not None and now_is.folder == cluster.folder else cluster, certificate, key)
        folder = self.folder(cluster)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        charter.write(folder, told)

    def tell_time(self) -> None:
        """The Clock was moved. At once, so that who moved it finds every warehouse in the new time."""
        for cluster in self._home.store.scan(clusters):
            folder = self.folder(cluster)
            if cluster.folder in self._running:
                try:
                    told = CharterFile(folder).current()
                    charter.write(folder, replace(told, clock_offset_us=self._offset_us(), clock_frozen_at=self._home.clock.frozen_at))
                except OSError as error:  # a full disk is no reason for the house to end
                    log.warning("warehouse not told the time", cluster=cluster.identifier, error=str(error))

    def _offset_us(self) -> int:
        return self._home.clock.offset // timedelta(microseconds=1)

    async def close(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for process in self._running.values():
                tasks.create_task(process.stop(), name=f"stop {process.name}")
        self._running.clear()

    def _charter(self, cluster: Cluster, certificate: Path, key: Path) -> Charter:
        home = self._home
        credentials = self._credentials.get(cluster.account)
        if credentials is None:  # renewed by whoever reads the charter: they have no end
            credentials = home.issue_credentials(service_principal(SERVICE_NAME, cluster.account), None)
            self._credentials[cluster.account] = credentials
        return Charter(
            account=cluster.account,
            region=cluster.region,
            cluster=cluster.identifier,
            host=cluster.host,
            port=cluster.port,
            dbname=cluster.dbname,
            master_user=cluster.master_username,
            certificate=str(certificate),
            key=str(key),
            memory_bytes=warehouse_bytes(),
            endpoint_url=home.endpoint_url,
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
            logins=self._logins(cluster),
            roles=list(cluster.roles),
            default_role=cluster.default_role,
            clock_offset_us=self._offset_us(),
            clock_frozen_at=home.clock.frozen_at,
        )

    def _logins(self, cluster: Cluster) -> dict[str, list[Login]]:
        vault = self._home.vault
        master = vault.open(cluster.sealed_verifier, cluster.folder).decode()
        logins = {cluster.master_username: [Login(verifier=master, db_user=cluster.master_username)]}
        now = self._home.clock.now()
        for login in self._home.store.scan(temporary_logins, cluster.account, cluster.region, cluster.identifier):
            if login.expires_at > now:
                one = Login(
                    verifier=vault.open(login.sealed_verifier, login.serial).decode(),
                    db_user=login.db_user,
                    expires_at=login.expires_at,
                    auto_create=login.auto_create,
                    groups=list(login.groups),
                )
                logins.setdefault(login.user, []).append(one)
        return logins

    def _supervised(self, cluster: Cluster) -> Supervised:
        async def answers() -> bool:
            _, writer = await asyncio.open_connection(cluster.host, cluster.port)
            writer.close()
            return True

        folder = self.folder(cluster)
        environment = {  # its own, not ours: a user's AWS_PROFILE or proxy must not reach it
            "PYTHONPATH": str(Path(headwater.__file__).parent.parent),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return Supervised(
            f"redshift:{cluster.identifier}",
            [sys.executable, "-m", "headwater.services.redshift.process", str(folder)],
            log_path=folder / "log",
            answers=answers,
            env=environment,
            cwd=folder,
            start_timeout=START_TIMEOUT,
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._home.pools.engines, work)


def warehouses_of(home: Home) -> Warehouses:
    live: Warehouses | None = home.rooms.get(SERVICE_NAME)
    if live is None:
        live = home.rooms[SERVICE_NAME] = Warehouses(home)
    return live


@SERVICE.starts
async def _resume(home: Home) -> None:
    """Bring back what should be up; a cluster that will not come is a state of its own and keeps nobody waiting."""
    live = warehouses_of(home)
    home.clock.when_moved(live.tell_time)
    for cluster in home.store.scan(clusters):
        if cluster.status not in {"paused", "deleting", "creating"}:
            home.tasks.create_task(_bring_back(live, cluster), name=f"resume redshift:{cluster.identifier}")


async def _bring_back(live: Warehouses, cluster: Cluster) -> None:
    try:
        await live.start(cluster)
    except (EngineLost, OSError) as error:  # shown as the cluster's status
        log.warning("warehouse did not come back", cluster=cluster.identifier, why=str(error))


@SERVICE.stops
async def _close(home: Home) -> None:
    await warehouses_of(home).close()


@SERVICE.describes
def _describe(home: Home) -> dict[str, dict[str, str]]:
    return warehouses_of(home).states()
