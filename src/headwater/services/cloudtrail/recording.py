"""From calls on the Bus to batches in the store, behind the answers: one transaction for all that gathered.

What is kept of a call is decided here, at once, because afterwards nothing may remember a secret. All else waits: who is shown how, names,
shapes. In the same transaction a shipment is opened for each trail that will have to deliver the batch, so that after a death what was
recorded is still delivered. Calls that the trail itself makes are not recorded: delivering would make something to deliver.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from headwater.kernel.identity import Principal
from headwater.kernel.jobs import Job
from headwater.kernel.record import DATA, MANAGEMENT, Call
from headwater.kernel.store import Record, Table
from headwater.kernel.store.table import encode_key

from .masks import mask_of
from .model import (
    SAID_BYTES_MAX,
    SERVICE_HOST,
    Batch,
    DataBatch,
    Entry,
    Place,
    Said,
    Shipment,
    Trail,
    Who,
    batches,
    data_batches,
    microseconds,
    packed,
    places,
    shipments,
    trails,
)
from .naming import GLOBAL_REGION, GLOBAL_SERVICES
from .owners import other_account
from .readings import shows_answer
from .selecting import wants, wants_data_at_all

if TYPE_CHECKING:
    from headwater.kernel.home import Home

log = structlog.get_logger()

EVENT: Final = "cloudtrail/event"
"""The topic on which each management event is told as CloudTrail shows it."""
SERVICE_EVENTS: Final = ("secretsmanager/event",)
"""The topics on which rooms tell what they do by themselves, in the form of CloudTrail's service events."""
FORGET_EVERY: Final = timedelta(days=1)
SHIPPED_EARLY: Final = 10_000
"""When so many events wait, a trail does not wait for its time."""
UNKNOWN_SOURCE: Final = "AWS Internal"
"""Where a call came from that came over no wire."""

_ENCODE: Final = msgspec.msgpack.Encoder().encode


class DeliverDue(Job, frozen=True, kw_only=True, tag="cloudtrail/deliver-due/1"):
    """A shipment has waited long enough. The subject is its trail's ARN and its destination."""

    trail: str
    home_region: str
    destination: str
    first: int


class ForgetDue(Job, frozen=True, kw_only=True, tag="cloudtrail/forget-due/1"):
    """What is older than the history is long must go; once for the whole house."""


class _Gathering:
    """The calls of one account in one region, on their way to be one batch."""

    __slots__ = ("_numbers", "calls", "entries", "whos")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.whos: list[Who] = []
        self.calls: list[Call] = []
        self._numbers: dict[tuple[str, ...], int] = {}

    def add(self, call: Call, owner: str) -> None:
        self.entries.append(_entry(call, self._number(call), owner))
        self.calls.append(call)

    def add_told(self, event: dict[str, Any]) -> None:
        service = event["eventSource"].partition(".")[0]
        said = _ENCODE(Said(event["additionalEventData"]))
        at_us = microseconds(event["eventTime"])
        self.entries.append(Entry(at_us, str(uuid.uuid4()), service, event["eventName"], len(self.whos), said, is_told=True))
        self.whos.append(Who("service", event["recipientAccountId"], "", "", service=service))

    def _number(self, call: Call) -> int:
        principal = call.principal
        key = (
            principal.arn,
            principal.access_key_id,
            principal.user_id,
            call.source_ip,
            call.user_agent,
            call.invoked_by,
            *call.called_via,
        )
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.whos)
            self.whos.append(who_of(call))
        return number


def who_of(call: Call) -> Who:
    principal: Principal = call.principal
    session = principal.session
    service = call.invoked_by or (call.called_via[-1] if call.called_via else "")
    if principal.kind == "service":
        service = principal.arn.removesuffix(".amazonaws.com")
    return Who(
        kind=principal.kind,
        account=principal.account,
        arn=principal.arn,
        user_id=principal.user_id,
        access_key_id=principal.access_key_id,
        role_arn=principal.role_arn,
        issued_at=session.issued_at if session is not None else None,
        has_mfa=session is not None and session.mfa_at is not None,
        provider=session.provider if session is not None else "",
        source_identity=session.source_identity if session is not None else "",
        source_ip=call.source_ip or ("" if service else UNKNOWN_SOURCE),
        user_agent=call.user_agent,
        service=service,
    )


def _entry(call: Call, who: int, owner: str) -> Entry:
    operation = call.operation
    mask = mask_of(operation)
    try:
        result = mask.of_result(call.result) if call.result and shows_answer(operation.name) else None
        said = _ENCODE(Said(mask.of_request(call.request), result))
        if len(said) > SAID_BYTES_MAX:
            said = _ENCODE(Said({}, None, len(said)))
    except Exception:  # the event must not be lost for what stands in it
        log.exception("parameters not recorded", service=call.service, operation=operation.name)
        said = _ENCODE(Said({}))
    refusal = call.refusal
    error, message = (refusal.code, refusal.message) if refusal is not None else ("", "")
    if refusal is None and call.result is None:
        error = "InternalFailure"
    return Entry(microseconds(call.at), call.request_id, call.service, operation.name, who, said, error, message, owner)


class Recorder:
    """The one listener: what it keeps in memory is only the quick copy of what the store has."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._last_stamp = 0
        self._known_places = {(place.account, place.region) for place in home.store.scan(places)}
        self._open = {_slot(one): one for one in home.store.scan(shipments) if not one.until}
        self._waiting: dict[tuple[str, ...], int] = {}
        self._trails: list[Trail] = []
        self._hears_data = False

    def start(self) -> None:
        self.look_at_trails()
        if not self._hears_data:
            self._home.bus.let_go(DATA)
        self._home.bus.subscribe(MANAGEMENT, self._hear)
        for topic in SERVICE_EVENTS:
            self._home.bus.subscribe(topic, self._hear_told)

    # -- what trails want ----------------------------------------------------------------------------------------------

    async def keep(self, trail: Trail) -> None:
        """A trail that was changed counts as it is from now on."""
        async with self._home.store.transaction() as tx:
            tx.put(trails, trail)
        self.look_at_trails()

    def look_at_trails(self) -> None:
        """After a trail changed: data events are told only while some trail wants them."""
        self._trails = [trail for trail in self._home.store.scan(trails) if trail.is_logging]
        hears_data = any(wants_data_at_all(trail.selection) for trail in self._trails)
        if hears_data and not self._hears_data:
            self._home.bus.subscribe(DATA, self._hear_data)
        if self._hears_data and not hears_data:
            self._home.bus.unsubscribe(DATA, self._hear_data)
        self._hears_data = hears_data

    def stamp(self) -> int:
        """A moment that no batch had before."""
        self._last_stamp = max(self._last_stamp + 1, microseconds(self._home.clock.now()))
        return self._last_stamp

    # -- hearing -------------------------------------------------------------------------------------------------------

    def _hear(self, calls: list[Call]) -> None:
        gathered = self._gathered(calls)
        if not gathered:
            return
        self._keep(gathered)
        if self._home.bus.has_listeners(EVENT):
            self._tell(gathered)

    def _hear_told(self, events: list[dict[str, Any]]) -> None:
        """Who wants to hear of these listens where we do: they are not told again."""
        gathered: dict[tuple[str, str], _Gathering] = {}
        for event in events:
            gathered.setdefault((event["recipientAccountId"], event["awsRegion"]), _Gathering()).add_told(event)
        self._keep(gathered)

    def _keep(self, gathered: dict[tuple[str, str], _Gathering]) -> None:
        changes = _Changes()
        stamp = self.stamp()
        for (account, region), gathering in gathered.items():
            content, is_packed = packed(gathering.entries)
            batch = Batch(account=account, region=region, stamp=stamp, whos=gathering.whos, packed=content, is_packed=is_packed)
            changes.put(batches, batch)
            self._remember_place(changes, account, region, stamp)
            for trail in self._trails:
                if trail.account == account and trail.covers(region):
                    self._ship(changes, trail, region, stamp, len(gathering.entries))
        self._home.store.commit_now(changes.puts, changes.jobs)

    def _hear_data(self, calls: list[Call]) -> None:
        gathered = self._gathered(calls)
        changes = _Changes()
        for (account, region), gathering in gathered.items():
            for trail in self._trails:
                if trail.account == account and trail.covers(region) and wants_data_at_all(trail.selection):
                    self._keep_data(changes, trail, region, gathering)
        if changes.puts:
            self._home.store.commit_now(changes.puts, changes.jobs)

    def _keep_data(self, changes: _Changes, trail: Trail, region: str, gathering: _Gathering) -> None:
        wanted = [entry for entry in gathering.entries if wants(trail, entry, gathering.whos[entry.who], region, is_data=True)]
        if not wanted:
            return
        stamp = self.stamp()
        content, is_packed = packed(wanted)
        batch = DataBatch(
            account=trail.account,
            home_region=trail.region,
            trail=trail.name,
            region=region,
            stamp=stamp,
            whos=gathering.whos,
            packed=content,
            is_packed=is_packed,
        )
        changes.put(data_batches, batch)
        self._ship(changes, trail, region, stamp, len(wanted))

    def _gathered(self, calls: list[Call]) -> dict[tuple[str, str], _Gathering]:
        gathered: dict[tuple[str, str], _Gathering] = {}
        for call in calls:
            if call.principal.arn == SERVICE_HOST or call.invoked_by == "cloudtrail":
                continue
            region = GLOBAL_REGION if call.service in GLOBAL_SERVICES else call.region
            own, other = call.principal.account, other_account(self._home, call)
            for account in (own, other):
                if account:
                    place = gathered.get((account, region))
                    if place is None:
                        place = gathered[account, region] = _Gathering()
                    place.add(call, other if own else "")
        return gathered

    def _tell(self, gathered: dict[tuple[str, str], _Gathering]) -> None:
        from .events import event_of

        for (account, region), gathering in gathered.items():
            for entry in gathering.entries:
                self._home.bus.publish(EVENT, event_of(account, region, entry, gathering.whos[entry.who]))

    # -- what follows --------------------------------------------------------------------------------------------------

    def _remember_place(self, changes: _Changes, account: str, region: str, stamp: int) -> None:
        if (account, region) in self._known_places:
            return
        if not self._known_places:
            changes.jobs.append((ForgetDue(account="", region="", subject="history", at=self._home.clock.now() + FORGET_EVERY), True))
        self._known_places.add((account, region))
        changes.put(places, Place(account=account, region=region, oldest=stamp))

    def _ship(self, changes: _Changes, trail: Trail, region: str, stamp: int, events: int) -> None:
        """See to it that a shipment is open which this batch belongs to."""
        for destination in ("s3", "logs") if trail.log_group_arn else ("s3",):
            slot = (trail.account, trail.region, trail.name, region, destination)
            waiting = self._waiting[slot] = self._waiting.get(slot, 0) + events
            opened = self._open.get(slot)
            now = self._home.clock.now()
            if opened is None:
                opened = Shipment(
                    account=trail.account, home_region=trail.region, trail=trail.name, region=region, destination=destination, first=stamp
                )
                self._open[slot] = opened
                changes.put(shipments, opened)
                at = now + timedelta(seconds=self._home.settings.trail_delivery_s)
                changes.jobs.append((deliver_due(opened, at), True))
            elif waiting >= SHIPPED_EARLY:
                self._waiting[slot] = 0
                changes.jobs.append((deliver_due(opened, now), True))

    def close_shipment(self, shipment: Shipment) -> None:
        """It is sealed: what comes now belongs to another."""
        slot = _slot(shipment)
        if self._open.get(slot) == shipment:
            del self._open[slot]
        self._waiting.pop(slot, None)

    def reopen(self, shipment: Shipment) -> None:
        self._open[_slot(shipment)] = shipment

    def open_shipment(self, shipment: Shipment) -> Shipment | None:
        """The one that is open where this one was."""
        return self._open.get(_slot(shipment))

    def open_shipments(self, trail: Trail) -> list[Shipment]:
        return [one for slot, one in self._open.items() if slot[:3] == (trail.account, trail.region, trail.name)]


class _Changes:
    """A transaction that needs no awaiting: the journal has it when it is made."""

    __slots__ = ("jobs", "puts")

    def __init__(self) -> None:
        self.puts: list[tuple[Table[Any], bytes, Any]] = []
        self.jobs: list[tuple[Job, bool]] = []

    def put(self, table: Table[Any], record: Record) -> None:
        self.puts.append((table, encode_key(table.key(record)), record))


def _slot(shipment: Shipment) -> tuple[str, str, str, str, str]:
    return (shipment.account, shipment.home_region, shipment.trail, shipment.region, shipment.destination)


def deliver_due(shipment: Shipment, at: Any) -> DeliverDue:
    return DeliverDue(
        account=shipment.account,
        region=shipment.region,
        subject=f"{shipment.trail}/{shipment.home_region}/{shipment.destination}/{shipment.first}",
        at=at,
        trail=shipment.trail,
        home_region=shipment.home_region,
        destination=shipment.destination,
        first=shipment.first,
    )


def recorder_of(home: Home) -> Recorder:
    found: Recorder | None = home.rooms.get("cloudtrail")
    if found is None:
        found = home.rooms["cloudtrail"] = Recorder(home)
    return found
