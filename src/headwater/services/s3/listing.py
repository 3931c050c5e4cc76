"""Listing: keys in the order of their UTF-8 bytes, rolled up at a delimiter, a page at a time.

Pure, without I/O: `walked` is a generator that yields what it wants to read (`Seek`) and is sent the rows. Python compares
texts by code point, which is the order of their UTF-8, so keys are compared as texts. The thing easy to get wrong is speed: a
common prefix may hold a million keys, and the walk leaps over it with one seek instead of reading it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from re import compile as compiled
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import quote_plus

PAGE_MAX: Final = 1000
_FIRST_LOOK: Final = 32
"""With a delimiter most rows read may be leapt over, so the first looks are short; they grow while they pay."""
_PAYS: Final = 16
"""A look pays when at least one in so many of its rows is shown."""


class Row(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def order(self) -> str: ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Seek:
    """At most `limit` rows whose key begins with `prefix`, behind a position.

    `after` None: from the first. Else behind the version `order` of the key `after` (order "": behind all of that key's).
    `beyond`: behind every key that begins with it.
    """

    limit: int
    prefix: str
    after: str | None = None
    order: str = ""
    beyond: str | None = None


@dataclass(slots=True)
class Page(Generic[R]):
    rows: list[R] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: str = ""
    """The key or common prefix that came last."""
    last_order: str = ""
    """The version that came last; "" when it was a prefix."""


def rolled_up(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that `key` falls under, or ""."""
    at = key.find(delimiter, len(prefix)) if delimiter else -1
    return "" if at < 0 else key[: at + len(delimiter)]


def walked(
    *, prefix: str, delimiter: str, limit: int, after: str = "", order: str = "", beyond: str = "", shows: Callable[[R], bool]
) -> Generator[Seek, tuple[list[R], bool], Page[R]]:
    """One page of at most `limit` rows and common prefixes. `shows` says which rows count; a prefix without any is none.

    What is sent for a `Seek` is the rows, and whether there may be more behind them.
    """
    page: Page[R] = Page()
    if limit <= 0:
        return page
    want = min(_FIRST_LOOK, limit + 1) if delimiter else limit + 1
    seek = Seek(want, prefix, after=after or None, order=order, beyond=beyond or None)
    count = 0
    while True:
        rows, more = yield seek
        before = count
        at = 0
        leap = ""
        while at < len(rows):
            row = rows[at]
            at += 1
            if not shows(row):
                continue
            if count == limit:
                page.truncated = True
                return page
            count += 1
            common = rolled_up(row.key, prefix, delimiter)
            if not common:
                page.rows.append(row)
                page.last, page.last_order = row.key, row.order
                continue
            page.prefixes.append(common)
            page.last, page.last_order = common, ""
            at = _past(rows, at, common)
            leap = common if at == len(rows) else ""
        if not more:
            return page
        if leap and (count - before) * _PAYS < len(rows):
            want = _FIRST_LOOK  # long runs under one prefix: reading on in them would be for nothing
        elif delimiter or count == before:
            want = min(PAGE_MAX, want * 4)
        else:
            want = limit - count + 1
        seek = Seek(want, prefix, beyond=leap) if leap else Seek(want, prefix, after=rows[-1].key, order=rows[-1].order)


def _past(rows: list[R], at: int, prefix: str) -> int:
    """The first place from `at` on whose key does not begin with `prefix`; all that do stand together."""
    return bisect_left(rows, 1, lo=at, key=lambda row: 0 if row.key.startswith(prefix) else 1)


_PLAIN: Final = compiled(r"[A-Za-z0-9*._/-]*").fullmatch


def encoded(text: str, encoding: str | None) -> str:
    """A key as a listing shows it under `encoding-type=url`, the way AWS writes it: a space is a plus, a slash stays."""
    if encoding != "url" or _PLAIN(text):
        return text
    return quote_plus(text, safe="*._/-")
