"""`/_headwater/...`: the house's own door, for its own command line and for tests. Not an AWS API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qsl

import msgspec

from headwater.aws.wire import Request, Response
from headwater.kernel.clock import Clock
from headwater.kernel.service import room, room_names

if TYPE_CHECKING:
    from headwater.kernel.home import Home

PREFIX: Final = "/_headwater/"
ADVANCE_S_MAX: Final = 100 * 366 * 86_400
LAST_YEAR: Final = 9000
"""What expires must fit behind it: Python's calendar ends with 9999."""
FIRST_YEAR: Final = 1971
"""Before it AWS's own timestamps, seconds since 1970, would be negative."""


class Refused(Exception):
    """What was asked of the house cannot be done; the words say why."""


class ClockMove(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The body of POST /_headwater/clock: one of these."""

    advance_s: float | None = None
    set: datetime | None = None
    freeze: Literal[True] | None = None
    resume: Literal[True] | None = None
    reset: Literal[True] | None = None


async def answer(home: Home, request: Request) -> Response:
    """The page that is asked for, as JSON; 404 where there is none."""
    page = PAGES.get((request.method, request.path.removeprefix(PREFIX)))
    if page is None:
        return _json(404, {"error": f"no such page: {request.path}"})
    return await page(home, request)


async def _status(home: Home, request: Request) -> Response:
    return _json(200, status(home))


async def _clock(home: Home, request: Request) -> Response:
    clock = home.clock
    return _json(200, {"now": clock.now(), "offset_s": clock.offset.total_seconds(), "frozen": clock.frozen_at is not None})


async def _move_clock(home: Home, request: Request) -> Response:
    try:
        wanted = msgspec.json.decode(request.body if isinstance(request.body, bytes) else b"", type=ClockMove)
        await home.move_clock(_move(home.clock.now(), wanted))
    except (msgspec.DecodeError, Refused) as error:
        return _json(400, {"error": str(error)})
    return await _clock(home, request)


def _move(now: datetime, wanted: ClockMove) -> Callable[[Clock], None]:
    """What is asked of the Clock, if it can be done."""
    asked = [name for name in wanted.__struct_fields__ if getattr(wanted, name) is not None]
    if len(asked) != 1:
        raise Refused(f"one of {', '.join(wanted.__struct_fields__)} at a time")
    if wanted.advance_s is not None:
        if not 0 <= wanted.advance_s <= ADVANCE_S_MAX or now.year >= LAST_YEAR:
            raise Refused(f"time is advanced by at most 100 years at once, up to the year {LAST_YEAR}; `set` moves it back")
        by = timedelta(seconds=wanted.advance_s)
        return lambda clock: clock.advance(by)
    if wanted.set is not None:
        to = wanted.set if wanted.set.tzinfo is not None else wanted.set.replace(tzinfo=UTC)
        if not FIRST_YEAR <= to.year <= LAST_YEAR:
            raise Refused(f"AWS time is between the years {FIRST_YEAR} and {LAST_YEAR}")
        return lambda clock: clock.set(to)
    return {"freeze": Clock.freeze, "resume": Clock.resume, "reset": Clock.reset}[asked[0]]


async def _why(home: Home, request: Request) -> Response:
    return _json(200, await home.decisions.why(_asked(request, "request_id")))


async def _permissions(home: Home, request: Request) -> Response:
    return _json(200, home.decisions.used(_asked(request, "account"), _asked(request, "principal")))


PAGES: Final = {
    ("GET", "status"): _status,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _move_clock,
    ("GET", "why"): _why,
    ("GET", "permissions"): _permissions,
}


def status(home: Home) -> dict[str, object]:
    """What runs: the house, its rooms, and what each open room says of its engines."""
    rooms: dict[str, object] = {}
    for name in sorted(room_names()):
        if home.is_open(name):
            rooms[name] = room(name).describe(home)
    return {"endpoint": home.endpoint_url, "home": str(home.path), "now": home.clock.now(), "rooms": rooms}


def _asked(request: Request, name: str) -> str:
    """A parameter of the query; "" where it is not there."""
    return dict(parse_qsl(request.query)).get(name, "")


def _json(code: int, content: object) -> Response:
    return Response(code, [("content-type", "application/json")], msgspec.json.encode(content))
