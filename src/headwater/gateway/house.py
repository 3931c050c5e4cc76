"""`/_headwater/...`: the house's own door, for its own command line and for tests. Not an AWS API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import msgspec

from headwater.aws.wire import Request, Response
from headwater.kernel.service import room, room_names

if TYPE_CHECKING:
    from headwater.kernel.home import Home

PREFIX: Final = "/_headwater/"
ADVANCE_S_MAX: Final = 100 * 366 * 86_400
LAST_YEAR: Final = 9000
"""What expires must fit behind it: Python's calendar ends with 9999."""


class Advance(msgspec.Struct):
    """The body of POST /_headwater/clock."""

    advance_s: float


async def answer(home: Home, request: Request) -> Response:
    """The page that is asked for, as JSON; 404 where there is none."""
    page = PAGES.get((request.method, request.path.removeprefix(PREFIX)))
    if page is None:
        return _json(404, {"error": f"no such page: {request.path}"})
    return await page(home, request)


async def _status(home: Home, request: Request) -> Response:
    return _json(200, status(home))


async def _clock(home: Home, request: Request) -> Response:
    return _json(200, {"now": home.clock.now(), "offset_s": home.clock.offset.total_seconds()})


async def _advance(home: Home, request: Request) -> Response:
    try:
        wanted = msgspec.json.decode(request.body if isinstance(request.body, bytes) else b"", type=Advance)
    except msgspec.DecodeError as error:
        return _json(400, {"error": str(error)})
    if not 0 <= wanted.advance_s <= ADVANCE_S_MAX or home.clock.now().year >= LAST_YEAR:
        return _json(400, {"error": f"time moves forward, by at most 100 years at once and up to the year {LAST_YEAR}"})
    await home.advance(timedelta(seconds=wanted.advance_s))
    return await _clock(home, request)


async def _why(home: Home, request: Request) -> Response:
    return _json(200, await home.decisions.why(_asked(request, "request_id")))


async def _permissions(home: Home, request: Request) -> Response:
    return _json(200, home.decisions.used(_asked(request, "account"), _asked(request, "principal")))


PAGES: Final = {
    ("GET", "status"): _status,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
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
