"""Refuses what no AWS client sends: a browser's cross-site calls, and names that were rebound to this machine.

A page on the internet can make a browser send requests to 127.0.0.1. It cannot hide its Origin, nor the Host name that it
used; so an Origin that is not ours, and a Host that is neither loopback nor AWS's, are refused before anything is read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from headwater.aws.faults import fault
from headwater.aws.wire import Request

OWN_NAMES: Final = re.compile(r"(^|\.)(localhost|amazonaws\.com(\.cn)?|on\.aws|api\.aws|localhost\.localstack\.cloud)$")

OWN_PAGES: Final = frozenset({"none", "same-origin"})
"""What a browser says of an address that was typed, and of a page of our own."""


def guard(request: Request) -> None:
    """Raise AccessDenied for a cross-site call."""
    headers = request.headers
    if not is_own_name(headers.get("host", "")):
        raise fault("AccessDenied", "This Host name is not one of Headwater's.")
    origin = headers.get("origin")
    if origin is not None and (origin == "null" or not is_own_name(urlsplit(origin).netloc)):
        raise fault("AccessDenied", "Cross-site requests are refused.")
    if headers.get("sec-fetch-site") == "cross-site":
        raise fault("AccessDenied", "Cross-site requests are refused.")


def is_from_this_machine(headers: Mapping[str, str]) -> bool:
    """Whether no page of whatever site asks: for what is ours alone, and no AWS API."""
    return is_own_name(headers.get("host", "")) and "origin" not in headers and headers.get("sec-fetch-site", "none") in OWN_PAGES


@lru_cache(maxsize=1024)
def is_own_name(host: str) -> bool:
    """Whether `host` (with or without a port) is a loopback address or a name that AWS or this machine owns.

    A name without a dot cannot be registered by anyone, and is how services in one network call each other.
    """
    name = host.rsplit(":", 1)[0].strip("[]").lower() if not host.endswith("]") else host.strip("[]")
    if "." not in name and ":" not in name:
        return True
    if OWN_NAMES.search(name):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
