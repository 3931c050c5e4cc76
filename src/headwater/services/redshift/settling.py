"""From what was asked of a cluster to what is: the one durable job that starts, stops, restarts or removes its process.

An operation writes the transitional status and owes the job in one transaction, so a death between the two costs nothing. A process
that will not stay up does not fail the job: the cluster is then what was asked for, and shown as `hardware-failure`.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from headwater.engines.process import EngineLost
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles

from .model import Cluster, Status, clusters, temporary_logins
from .warehouses import Warehouses, warehouses_of

DESCRIBE_WAITS_S: Final = 20.0
SETTLES_TO: Final[dict[Status, Status]] = {
    "creating": "available",
    "resuming": "available",
    "rebooting": "available",
    "modifying": "available",
    "pausing": "paused",
}


class ClusterSettles(Job, frozen=True, kw_only=True, tag="redshift/cluster-settles/1"):
    """The cluster of this identifier (`subject`) and this life is to become what its status says."""

    folder: str


async def _begin(ctx: Context, cluster: Cluster, status: Status, *, replaces: Cluster | None = None) -> Cluster:
    """The cluster on its way to what `status` leads to. `replaces`: its record under an earlier identifier."""
    begun = replace(cluster, status=status)
    now = ctx.clock.now()
    async with ctx.store.transaction() as tx:
        if replaces is not None:
            tx.delete(clusters, replaces.account, replaces.region, replaces.identifier)
        tx.put(clusters, begun)
        tx.owe(ClusterSettles(account=ctx.account, region=ctx.region, subject=begun.identifier, at=now, folder=begun.folder))
    return begun


@handles(ClusterSettles, attempts_max=5, timeout=timedelta(minutes=5))
async def _settle(ctx: Context, due: ClusterSettles) -> None:
    cluster = ctx.store.get(clusters, due.account, due.region, due.subject)
    if cluster is None or cluster.folder != due.folder:
        return
    live = warehouses_of(ctx.home)
    if cluster.status == "deleting":
        await _delete(ctx, live, cluster)
        return
    if cluster.status not in SETTLES_TO:
        return  # an earlier attempt got this far
    if cluster.status in {"pausing", "rebooting", "modifying"}:
        await live.stop(cluster)
    if cluster.status != "pausing":
        with contextlib.suppress(EngineLost):
            await live.start(cluster)
    now_is = ctx.store.get(clusters, due.account, due.region, due.subject)
    if now_is is not None and now_is.folder == due.folder and now_is.status == cluster.status:
        async with ctx.store.transaction() as tx:
            tx.put(clusters, replace(now_is, status=SETTLES_TO[cluster.status]))
    live.tell_changed()


async def _delete(ctx: Context, live: Warehouses, cluster: Cluster) -> None:
    await live.remove(cluster)
    logins = ctx.store.scan(temporary_logins, cluster.account, cluster.region, cluster.identifier)
    async with ctx.store.transaction() as tx:
        tx.delete(clusters, cluster.account, cluster.region, cluster.identifier)
        for login in logins:
            tx.delete(temporary_logins, login.account, login.region, login.identifier, login.user, login.serial)
    live.tell_changed()


async def _until_settled(ctx: Context, identifier: str) -> None:
    """Hold a question about a cluster that changes right now until it is done: SDKs' waiters ask again only after a minute."""
    live = warehouses_of(ctx.home)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DESCRIBE_WAITS_S):
            while True:
                cluster = ctx.store.get(clusters, ctx.account, ctx.region, identifier)
                if cluster is None or cluster.status in {"available", "paused"}:
                    return
                await live.changed()
