"""What a value of an event is tested with. Texts, numbers and the three words are apart: `"5"` is no number, `null` no text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Final

from .pattern import Test

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_V4: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_V6: Final = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
V4_BITS: Final = 32
V6_BITS: Final = 128


def anything(value: Any) -> bool:
    """Every leaf."""
    return True


class Prefix:
    """How a text begins: told apart from other tests, because rules can be found by it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, value: Any) -> bool:
        return isinstance(value, str) and value.startswith(self.text)


def suffix(text: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(text)


def prefix_ignoring_case(text: str) -> Test:
    folded = text.lower()
    return lambda value: isinstance(value, str) and value.lower().startswith(folded)


def suffix_ignoring_case(text: str) -> Test:
    folded = text.lower()
    return lambda value: isinstance(value, str) and value.lower().endswith(folded)


def equals_ignoring_case(text: str) -> Test:
    folded = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == folded


def none_of(tests: Iterable[Test]) -> Test:
    """anything-but: there is a value, and it passes none of these."""
    known = tuple(tests)
    return lambda value: not any(test(value) for test in known)


def numeric(bounds: list[tuple[str, float]]) -> Test:
    def test(value: Any) -> bool:
        return isinstance(value, int | float) and all(_compares(value, operator, bound) for operator, bound in bounds)

    return test


def _compares(value: float, operator: str, bound: float) -> bool:
    match operator:
        case "=":
            return value == bound
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case ">":
            return value > bound
        case _:
            return value >= bound


def wildcard(text: str) -> Test:
    r"""`*` is anything, `\*` and `\\` are themselves. Raises ValueError with AWS's sentence; a place counts the quote in front."""
    pieces: list[str] = [""]
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            if text[at + 1 : at + 2] not in {"*", "\\"}:
                raise ValueError(f"Invalid escape character at pos {at + 1}")
            at += 1
            pieces[-1] += text[at]
        elif char == "*":
            if text[at + 1 : at + 2] == "*":
                raise ValueError(f"Consecutive wildcard characters at pos {at + 1}")
            pieces.append("")
        else:
            pieces[-1] += char
        at += 1
    return _wild(pieces)


def _wild(pieces: list[str]) -> Test:
    """Found piece by piece, never going back: no text makes this slow."""
    if len(pieces) == 1:
        return lambda value: bool(value == pieces[0])
    first, *middle, last = pieces

    def test(value: Any) -> bool:
        if not isinstance(value, str) or not value.startswith(first) or len(value) < len(first) + len(last) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return test


def cidr(text: str) -> Test:
    """Raises ValueError with AWS's sentence."""
    parts = text.split("/")
    if len(parts) != 2:
        raise ValueError("Malformed CIDR, one '/' required")
    if not re.fullmatch(r"[+-]?[0-9]+", parts[1]):
        raise ValueError("Malformed CIDR, mask bits must be an integer")
    bits = int(parts[1])
    if bits < 0:
        raise ValueError("Malformed CIDR, mask bits must not be negative")
    address = network(parts[0])
    if address is None:
        raise ValueError(f"Nonstandard IP address: {parts[0]}")
    if bits >= address.max_prefixlen:
        raise ValueError(f"IPv{address.version} mask bits must be < {address.max_prefixlen}")
    low = int(address.network_address)  # as AWS has it: from the address as it is written
    high = low | ((1 << (address.max_prefixlen - bits)) - 1)
    version = address.version

    def test(value: Any) -> bool:
        found = network(value) if isinstance(value, str) else None
        return found is not None and found.version == version and low <= int(found.network_address) <= high

    return test


def network(text: str) -> Network | None:
    """An address as the network of itself."""
    if not _V4.fullmatch(text) and not _V6.fullmatch(text):
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def same_address(address: Network) -> Test:
    """However it is written: IPv6 has many ways."""
    return lambda value: isinstance(value, str) and ":" in value and network(value) == address
