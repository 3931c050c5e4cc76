"""What is kept: events in batches, trails, and what each trail still has to deliver.

One record holds what one account did in one region within some fifty milliseconds, so that recording a call costs a share of a
transaction. A batch is named by its *stamp*, a moment in microseconds that never repeats; its key counts backwards, because the newest
are asked for first. A shipment is a run of batches that one trail owes to one destination: `first` to `until`, open while it has no end.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.kernel.store import Record, Table

SERVICE_HOST: Final = "cloudtrail.amazonaws.com"
HISTORY: Final = timedelta(days=90)
STAMP_MAX: Final = 10**17
SAID_BYTES_MAX: Final = 100_000
"""Parameters and answers that are longer are left out of the event, as AWS does it at this size."""
PACKED_FROM_BYTES: Final = 2_048
PACKING: Final = 1
"""zlib's fastest level: calls are alike, and even so become a tenth."""


class Who(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """The one who called, as an event must be able to tell; without session policies, tags and claims."""

    kind: str
    account: str
    arn: str
    user_id: str
    access_key_id: str = ""
    role_arn: str = ""
    issued_at: datetime | None = None
    has_mfa: bool = False
    provider: str = ""
    source_identity: str = ""
    source_ip: str = ""
    user_agent: str = ""
    service: str = ""
    """The service that made the call, for the principal or for itself: `firehose`."""


class Said(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What was asked and answered, without what must not be kept."""

    request: dict[str, Any]
    result: dict[str, Any] | None = None
    omitted_bytes: int = 0
    """How long both were, where that is too long for an event."""


class Entry(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One call, or one service event. `who` counts into the batch's own list; `said` is opened only when the event is shown."""

    at_us: int
    request_id: str
    service: str
    operation: str
    who: int
    said: bytes
    error: str = ""
    message: str = ""
    owner: str = ""
    """The other account that has this event too."""
    is_told: bool = False
    """No call: a service tells what it did by itself, and `said` has its details as the request."""


class Batch(Record, frozen=True, kw_only=True):
    account: str
    region: str
    stamp: int
    whos: list[Who]
    packed: bytes
    is_packed: bool = False

    @property
    def entries(self) -> list[Entry]:
        return _ENTRIES.decode(zlib.decompress(self.packed) if self.is_packed else self.packed)


class DataBatch(Batch, frozen=True, kw_only=True):
    """Events that only one trail wants, kept until it has delivered them."""

    home_region: str
    trail: str


class Place(Record, frozen=True, kw_only=True):
    """Where there is history. `oldest` is not later than the first batch's stamp."""

    account: str
    region: str
    oldest: int


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a trail wants: selectors of the one kind or of the other, as the API spells them."""

    basic: list[dict[str, Any]] = []
    advanced: list[dict[str, Any]] = []


class Trail(Record, frozen=True, kw_only=True):
    account: str
    region: str
    """Its home region."""
    name: str
    bucket: str
    prefix: str = ""
    includes_global: bool = True
    is_multi_region: bool = False
    validates: bool = False
    log_group_arn: str = ""
    log_role_arn: str = ""
    selection: Selection = Selection()
    is_selected: bool = False
    """Whether selectors were ever put."""
    is_logging: bool = False
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudtrail:{self.region}:{self.account}:trail/{self.name}"

    def covers(self, region: str) -> bool:
        return self.is_logging and (self.is_multi_region or region == self.region)


class Status(Record, frozen=True, kw_only=True):
    """How a trail's deliveries went."""

    account: str
    region: str
    name: str
    delivered_at: datetime | None = None
    attempted_at: datetime | None = None
    error: str = ""
    logs_delivered_at: datetime | None = None
    logs_error: str = ""
    digested_at: datetime | None = None
    digest_error: str = ""


class Shipment(Record, frozen=True, kw_only=True):
    account: str
    home_region: str
    trail: str
    region: str
    destination: str
    """`s3` or `logs`."""
    first: int
    until: int = 0
    """The last stamp that belongs to it; 0 while it is open."""
    is_last: bool = False
    """Logging stopped after it: it must not grow together with what comes later."""
    attempts: int = 0


def inverted(stamp: int) -> str:
    """A stamp as a key: the later, the earlier."""
    return f"{STAMP_MAX - stamp:017d}"


batches: Final = Table("cloudtrail", "batches", Batch, key=lambda one: (one.account, one.region, inverted(one.stamp)), big=True)
data_batches: Final = Table(
    "cloudtrail",
    "data_batches",
    DataBatch,
    key=lambda one: (one.account, one.home_region, one.trail, one.region, inverted(one.stamp)),
    big=True,
)
places: Final = Table("cloudtrail", "places", Place, key=lambda place: (place.account, place.region))
trails: Final = Table("cloudtrail", "trails", Trail, key=lambda trail: (trail.account, trail.region, trail.name))
statuses: Final = Table("cloudtrail", "statuses", Status, key=lambda status: (status.account, status.region, status.name))
shipments: Final = Table(
    "cloudtrail",
    "shipments",
    Shipment,
    key=lambda one: (one.account, one.home_region, one.trail, one.region, one.destination, f"{one.first:017d}"),
)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENTRIES: Final = msgspec.msgpack.Decoder(list[Entry])
_ENCODER: Final = msgspec.msgpack.Encoder()


def packed(entries: list[Entry]) -> tuple[bytes, bool]:
    """Entries as a batch keeps them, and whether they are compressed."""
    plain = _ENCODER.encode(entries)
    return (zlib.compress(plain, PACKING), True) if len(plain) >= PACKED_FROM_BYTES else (plain, False)


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def microseconds(at: datetime) -> int:
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
