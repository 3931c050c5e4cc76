"""Records of buses, rules, archives, replays, connections and API destinations. Pure, but for the tables that they lie in.

A rule holds its targets: there are at most five, and whoever reads the one reads the others. What is due next of a scheduled rule stands
in the rule, so that the job which is owed for it can be found and withdrawn.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.kernel.store import Record, Table

DEFAULT: Final = "default"
DEFAULT_SINCE: Final = datetime(2016, 1, 14, tzinfo=UTC)
"""The default bus is there before anybody asks; it is as old as the service."""
TARGETS_MAX: Final = 5
BUSES_MAX: Final = 100
ENABLED: Final = "ENABLED"
DISABLED: Final = "DISABLED"
WITH_READS: Final = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
ARCHIVER: Final = "prod.vhs.events.aws.internal"
"""Who manages the rules of archives, as AWS names it."""


class Bus(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    created_at: datetime
    modified_at: datetime
    description: str | None = None
    kms_key: str | None = None
    dead_letter: dict[str, Any] | None = None
    log_config: dict[str, Any] | None = None
    statements: tuple[dict[str, Any], ...] = ()
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:event-bus/{self.name}"


class Rule(Record, frozen=True, kw_only=True):
    account: str
    region: str
    bus: str
    name: str
    state: str
    created_at: datetime
    pattern: str | None = None
    schedule: str | None = None
    description: str | None = None
    role_arn: str | None = None
    managed_by: str | None = None
    archive: str | None = None  # the name of the archive that takes what matches
    targets: tuple[dict[str, Any], ...] = ()  # in the API's spelling
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    due: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.account, self.region, self.bus, self.name)

    @property
    def arn(self) -> str:
        path = self.name if self.bus == DEFAULT else f"{self.bus}/{self.name}"
        return f"arn:aws:events:{self.region}:{self.account}:rule/{path}"

    @property
    def is_on(self) -> bool:
        return self.state != DISABLED

    def target(self, target_id: str) -> dict[str, Any] | None:
        return next((target for target in self.targets if target["Id"] == target_id), None)


class Archive(Record, frozen=True, kw_only=True):
    """`id` is of this archive alone, whatever another of the same name held."""

    account: str
    region: str
    name: str
    id: str
    bus: str
    created_at: datetime
    description: str | None = None
    pattern: str | None = None
    retention_days: int = 0
    kms_key: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:archive/{self.name}"

    @property
    def bus_arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:event-bus/{self.bus}"

    @property
    def rule_name(self) -> str:
        return f"Events-Archive-{self.name}"


class Archived(Record, frozen=True, kw_only=True):
    """An event in an archive, which is named by its id. `at` is when it came, `size` what AWS counts of it."""

    account: str
    region: str
    archive: str
    at: datetime
    event_id: str
    size: int
    event: bytes

    @property
    def place(self) -> str:
        """In the order of arrival."""
        return place_of(self.at) + self.event_id


class Held(Record, frozen=True, kw_only=True):
    """How much an archive holds."""

    account: str
    region: str
    archive: str
    events: int = 0
    size: int = 0


class Replay(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    archive: str
    bus: str
    filters: tuple[str, ...]
    state: str
    started_at: datetime
    event_start: datetime
    event_end: datetime
    description: str | None = None
    ended_at: datetime | None = None
    last_replayed: datetime | None = None
    reached: str = ""  # the place in the archive up to which events were replayed

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:replay/{self.name}"


class Connection(Record, frozen=True, kw_only=True):
    """How to prove to somebody else's API who is calling. What is secret of it lies in Secrets Manager, `shown` is the rest.

    `revision` is another one with each change of the credentials: what was fetched with older ones is worth nothing.
    """

    account: str
    region: str
    name: str
    id: str
    kind: str
    state: str
    created_at: datetime
    modified_at: datetime
    revision: str
    shown: dict[str, Any] | None = None  # AuthParameters, in the API's spelling
    secret_arn: str | None = None
    authorized_at: datetime | None = None
    reason: str | None = None
    description: str | None = None
    kms_key: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:connection/{self.name}/{self.id}"


class ApiDestination(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    id: str
    connection_arn: str
    endpoint: str
    method: str
    created_at: datetime
    modified_at: datetime
    rate_per_second: int
    description: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:api-destination/{self.name}/{self.id}"


class Failed(Record, frozen=True, kw_only=True):
    """An invocation that came to nothing. `dead_letter` says what became of it; the event is kept where a queue should have got it."""

    account: str
    region: str
    at: datetime
    id: str
    rule_arn: str
    target_arn: str
    code: str
    message: str
    attempts: int
    condition: str = ""
    dead_letter: str = ""
    event: bytes = b""


def place_of(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S.%f}"


BUSES: Final = Table("events", "buses", Bus, key=lambda bus: (bus.account, bus.region, bus.name))
RULES: Final = Table("events", "rules", Rule, key=lambda rule: rule.key)
ARCHIVES: Final = Table("events", "archives", Archive, key=lambda archive: (archive.account, archive.region, archive.name))
ARCHIVED: Final = Table(
    "events", "archived", Archived, key=lambda event: (event.account, event.region, event.archive, event.place), big=True
)
HELD: Final = Table("events", "held", Held, key=lambda held: (held.account, held.region, held.archive))
REPLAYS: Final = Table("events", "replays", Replay, key=lambda replay: (replay.account, replay.region, replay.name))
FAILED: Final = Table("events", "failed", Failed, key=lambda failed: (failed.account, failed.region, place_of(failed.at), failed.id))
CONNECTIONS: Final = Table("events", "connections", Connection, key=lambda each: (each.account, each.region, each.name))
API_DESTINATIONS: Final = Table("events", "api-destinations", ApiDestination, key=lambda each: (each.account, each.region, each.name))
