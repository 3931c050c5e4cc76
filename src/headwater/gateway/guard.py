"""Refuses what no AWS client sends: a browser's cross-site calls, and names that were rebound to this machine.

A page on the internet can make a browser send requests to 127.0.0.1. It cannot hide its Origin, nor the Host name that it
used; so a Host that is neither loopback nor AWS's is refused before anything is read, and so is an Origin that is not of this machine,
unless the resource's own rules let it in (S3's CORS). Those rules were written for AWS, where a page has no keys but those it was given;
here any page could call itself `test`. So what it is let in for, it does as nobody, or with a key that was issued and is checked
(`ctx.foreign`). AWS's own names are no Origin of this machine: anybody may put pages there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Request
from headwater.gateway.visit import room_of

if TYPE_CHECKING:
    from headwater.aws.routing import Route
    from headwater.kernel.context import Context

LOOPBACK_NAMES: Final = re.compile(r"(^|\.)(localhost|localhost\.localstack\.cloud)$")
DOTLESS_NAMES: Final = re.compile(r"[a-z0-9_-]+")
AWS_NAMES: Final = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|on\.aws|api\.aws)$")
_NAME: Final = re.compile(r"[a-z0-9_.-]+", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#@,\s]+)", re.IGNORECASE)

OWN_PAGES: Final = frozenset({"none", "same-origin"})
"""What a browser says of an address that was typed, and of a page of our own."""


def guard(request: Request) -> bool:
    """Raise AccessDenied for a Host that is not ours, and for a cross-site call that nobody's rules could let in. Answers whether this is
    one that needs them: `admit` asks for them, once the route is known.
    """
    headers = request.headers
    if not is_own_name(headers.get("host", "")):
        raise fault("AccessDenied", "This Host name is not one of Headwater's.")
    crosses = headers.get("sec-fetch-site") == "cross-site"
    origin = headers.get("origin")
    if origin is None:
        if crosses:
            raise cross_site()
        return False
    return crosses or not is_of_this_machine(origin)


async def admit(ctx: Context, request: Request, place: Route, *, must: bool) -> None:
    """Raise AccessDenied for another site's page (`must`) unless the room's rules let it make this call."""
    ctx.foreign = not is_of_this_machine(request.headers["origin"])
    room = await room_of(ctx, place)
    welcome = room is not None and room.welcome(ctx, request, place)
    if must and not welcome:
        raise cross_site()


def cross_site() -> Fault:
    return fault("AccessDenied", "Cross-site requests are refused.")


def is_from_this_machine(headers: Mapping[str, str]) -> bool:
    """Whether no page of whatever site asks: for what is ours alone, and no AWS API."""
    return is_own_name(headers.get("host", "")) and "origin" not in headers and headers.get("sec-fetch-site", "none") in OWN_PAGES


@lru_cache(maxsize=1024)
def is_own_name(host: str) -> bool:
    """Whether `host` (with or without a port) is a loopback address or a name that AWS or this machine owns."""
    return not host or _is_loopback(host) or AWS_NAMES.search(_name(host)) is not None


@lru_cache(maxsize=1024)
def is_of_this_machine(origin: str) -> bool:
    """Whether a page of this Origin came from this machine. A sandboxed page's is `null`, and nobody's. What has no scheme (`foo.bar`) no
    browser calls an Origin, so it is of no page at all.
    """
    if _NAME.fullmatch(origin) and origin != "null":
        return True
    found = _ORIGIN.fullmatch(origin)
    return found is not None and _is_loopback(found[1])


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].strip("[]").lower() if not host.endswith("]") else host.strip("[]")


def _is_loopback(host: str) -> bool:
    """A name without a dot cannot be registered by anyone, and is how services in one network call each other."""
    name = _name(host)
    if DOTLESS_NAMES.fullmatch(name) or LOOPBACK_NAMES.search(name):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
