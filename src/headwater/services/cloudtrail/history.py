"""The event history: ninety days of every account's management events, newest first, whether a trail is there or not.

What was told on the Bus and is not written yet is written before looking: here an event can be looked up as soon as its call is
answered (AWS takes minutes). Pages are cut by what was looked at, too: with a rare attribute a page may be empty and still have a token.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import handles
from headwater.kernel.permissions import requires

from . import SERVICE, resources
from .events import event_id, event_of, moment_of_id
from .identities import username
from .model import HISTORY, Batch, Entry, Place, Who, batches, inverted, microseconds, moment, places
from .naming import event_name, event_source
from .readings import only_reads
from .recording import FORGET_EVERY, ForgetDue, recorder_of
from .selecting import said

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

PAGE: Final = 50
ROWS: Final = 64
SCANNED_MAX: Final = 50_000
SLACK: Final = timedelta(minutes=1)
"""How much later than its events a batch may be stamped."""
SECOND_US: Final = 1_000_000
FORGOTTEN_AT_ONCE: Final = 500
"""Batches dropped in one transaction: the event loop waits for it."""

Match = Callable[[Entry, Who], bool]


@requires("cloudtrail:LookupEvents")
async def lookup_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if "EventCategory" in request:
        raise fault("NotImplemented", "Headwater has no Insights events: leave EventCategory out to look up management events.")
    window = _Window(ctx, request)
    matches = _match_of(request.get("LookupAttributes", []), ctx.account, window)
    ctx.bus.deliver()
    found: list[tuple[Batch, int, Entry]] = []
    limit = request.get("MaxResults", PAGE)
    scanned = 0
    position: tuple[int, int] | None = window.position
    while True:
        after = inverted(position[0] + 1) if position is not None else inverted(microseconds(window.until + SLACK))
        rows = await ctx.store.range(batches, ctx.account, ctx.region, after=after, limit=ROWS)
        for batch, index, entry in _newest_first(rows, position):
            scanned += 1
            position = (batch.stamp, index)
            if window.holds(entry.at_us) and matches(entry, batch.whos[entry.who]):
                found.append((batch, index, entry))
            if len(found) == limit or scanned == SCANNED_MAX:
                return _answer(ctx, found, position)
        if len(rows) < ROWS or microseconds(window.since) > rows[-1].stamp:
            return _answer(ctx, found, None)
        position = (rows[-1].stamp, 0)


class _Window:
    """The time that is asked about, and where in it the last page ended."""

    def __init__(self, ctx: Context, request: dict[str, Any]) -> None:
        now = ctx.clock.now()
        oldest = now - HISTORY
        self.since: datetime = max(request.get("StartTime", oldest), oldest)
        self.until: datetime = min(request.get("EndTime", now), now)
        if request.get("StartTime", oldest) > request.get("EndTime", now):
            raise fault("InvalidTimeRangeException", "End time cannot be before start time.")
        self.position = _position(request.get("NextToken"))

    def narrow(self, since: datetime, until: datetime) -> None:
        self.since, self.until = max(self.since, since), min(self.until, until)

    def holds(self, at_us: int) -> bool:
        """Events are told by the second."""
        shown = at_us // SECOND_US
        return int(self.since.timestamp()) <= shown <= int(self.until.timestamp())


def _newest_first(rows: list[Batch], position: tuple[int, int] | None) -> Iterator[tuple[Batch, int, Entry]]:
    for batch in rows:
        entries = batch.entries
        end = position[1] if position is not None and position[0] == batch.stamp else len(entries)
        for index in range(end - 1, -1, -1):
            yield batch, index, entries[index]


def _answer(ctx: Context, found: list[tuple[Batch, int, Entry]], position: tuple[int, int] | None) -> dict[str, Any]:
    token = base64.b64encode(b"%d/%d" % position).decode() if position is not None else None
    return {"Events": [_shown(batch, entry) for batch, _, entry in found], "NextToken": token}


def _position(token: str | None) -> tuple[int, int] | None:
    if token is None:
        return None
    try:
        stamp, _, index = base64.b64decode(token, validate=True).decode().partition("/")
        return int(stamp), int(index)
    except ValueError:
        raise fault("InvalidNextTokenException", "Invalid next token.") from None


def _shown(batch: Batch, entry: Entry) -> dict[str, Any]:
    who = batch.whos[entry.who]
    spoken = said(entry)
    about = dict.fromkeys(resources.looked_up(entry, spoken.request, spoken.result))
    event = event_of(batch.account, batch.region, entry, who)
    own = who.account == batch.account
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "true" if event["readOnly"] else "false",
        "AccessKeyId": who.access_key_id or None if own else None,
        "EventTime": moment(entry.at_us // SECOND_US * SECOND_US),
        "EventSource": event["eventSource"],
        "Username": username(who) if own else None,
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in about],
        "CloudTrailEvent": msgspec.json.encode(event).decode(),
    }


# -- what is looked for ----------------------------------------------------------------------------------------------------


def _match_of(attributes: list[dict[str, str]], account: str, window: _Window) -> Match:
    if len(attributes) > 1:
        raise fault("InvalidLookupAttributesException", "You can only use one lookup attribute at a time.")
    if not attributes:
        return lambda entry, who: True
    key, value = attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]
    if key == "EventId":
        at_ms = moment_of_id(value)
        if at_ms is None or _is_no_date(at_ms):
            return lambda entry, who: False
        at = moment(at_ms * 1000)
        window.narrow(at, at)
        return lambda entry, who: event_id(entry, account) == value
    return _MATCHES[key](value, account)


def _is_no_date(at_ms: int) -> bool:
    """No date has such a number: it is not one of our ids."""
    return at_ms > 10**14


def _by_resource(index: int) -> Callable[[str, str], Match]:
    def match_of(value: str, account: str) -> Match:
        def matches(entry: Entry, who: Who) -> bool:
            spoken = said(entry)
            return any(each[index] == value for each in resources.looked_up(entry, spoken.request, spoken.result))

        return matches

    return match_of


_MATCHES: Final[dict[str, Callable[[str, str], Match]]] = {
    "EventName": lambda value, account: lambda entry, who: event_name(entry.service, entry.operation) == value,
    "EventSource": lambda value, account: lambda entry, who: event_source(entry.service) == value,
    "ReadOnly": lambda value, account: lambda entry, who: ("true" if only_reads(entry.operation) else "false") == value.lower(),
    "Username": lambda value, account: lambda entry, who: who.account == account and username(who) == value,
    "AccessKeyId": lambda value, account: lambda entry, who: who.account == account and who.access_key_id == value,
    "ResourceType": _by_resource(0),
    "ResourceName": _by_resource(1),
}


# -- what is forgotten -----------------------------------------------------------------------------------------------------


@SERVICE.starts
async def _listen(home: Home) -> None:
    recorder_of(home).start()


@handles(ForgetDue, attempts_max=1000, timeout=timedelta(hours=1))
async def _forget(ctx: Context, due: ForgetDue) -> None:
    """Drop what is older than the history is long, and do it again tomorrow."""
    now = ctx.clock.now()
    cutoff = microseconds(now - HISTORY)
    for place in ctx.store.scan(places):
        if place.oldest < cutoff:
            await _forget_in(ctx, place, cutoff)
    async with ctx.store.transaction() as tx:
        tx.owe(ForgetDue(account="", region="", subject="history", at=now + FORGET_EVERY))


async def _forget_in(ctx: Context, place: Place, cutoff: int) -> None:
    while rows := await ctx.store.range(batches, place.account, place.region, after=inverted(cutoff), limit=FORGOTTEN_AT_ONCE):
        async with ctx.store.transaction() as tx:
            for batch in rows:
                tx.delete(batches, *batches.key(batch))
    async with ctx.store.transaction() as tx:
        tx.put(places, msgspec.structs.replace(place, oldest=cutoff))
