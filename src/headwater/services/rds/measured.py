"""What RDS tells the Bus of its servers when somebody asks for their metrics: plain facts, on the topic "metric".

Nothing is measured in between. The share of the processor is that since the question before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.engines.usage import connections, memory_available, processor_seconds, processors

from . import SERVICE
from .records import CLUSTERS, INSTANCES, Instance
from .servers import Running, servers_of

if TYPE_CHECKING:
    from headwater.kernel.home import Home

WANTED: Final = "metric/wanted"
NAMESPACE: Final = "AWS/RDS"


class Meter:
    """What each server had used when it was asked for the last time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._used: dict[str, tuple[float, float]] = {}  # by resource id: (the machine's time, seconds of a processor)

    def answer(self, questions: list[dict[str, Any]]) -> None:
        asked = {(one["account"], one["region"]) for one in questions if one["namespace"] == NAMESPACE}
        for account, region in asked:
            for instance in self._home.store.scan(INSTANCES, account, region):
                cluster = self._home.store.get(CLUSTERS, account, region, instance.cluster) if instance.cluster else None
                running = servers_of(self._home).running.get((cluster or instance).resource_id)
                if running is not None and running.database.pid is not None:
                    self._home.bus.publish("metric", self._fact(instance, running, running.database.pid))

    def _fact(self, instance: Instance, running: Running, pid: int) -> dict[str, Any]:
        return {
            "of": "rds/found",
            "account": instance.account,
            "region": instance.region,
            "at": self._home.clock.now(),
            "instance": instance.name,
            "found": {
                "CPUUtilization": self._share(instance.resource_id, pid),
                "FreeableMemory": memory_available(),
                "DatabaseConnections": connections(running.database.host, running.database.port),
            },
        }

    def _share(self, identity: str, pid: int) -> float | None:
        """Percent of all processors since the last question; nothing at the first."""
        used = processor_seconds(pid)
        if used is None:
            return None
        now = self._home.clock.machine().timestamp()
        before = self._used.get(identity)
        self._used[identity] = (now, used)
        if before is None or now <= before[0]:
            return None
        return round(max(100 * (used - before[1]) / (now - before[0]) / processors(), 0.0), 3)


@SERVICE.starts
async def _listen(home: Home) -> None:
    home.bus.subscribe(WANTED, Meter(home).answer)
