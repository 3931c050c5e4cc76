"""`*` and `?` as policies mean them: any characters, colons and slashes included, and exactly one.

A pattern is cut into tokens first, because a value that stands in for a policy variable is literal even where it holds a star.
The expressions built here never backtrack over a star twice (atomic groups), so that no pattern is slow on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import Final


class Wild(Enum):
    ANY = "*"
    ONE = "?"


Token = str | Wild
Test = Callable[[str], bool]
REMEMBERED_MAX: Final = 4096
ANY_WILD: Final = re.compile("[*?]")


def tokens(pattern: str) -> tuple[Token, ...]:
    return tuple(Wild(piece) if piece in {"*", "?"} else piece for piece in re.split(r"([*?])", pattern) if piece)


def _anything(_: str) -> bool:
    return True


@lru_cache(REMEMBERED_MAX)
def glob(pattern: tuple[Token, ...]) -> Test:
    """A test of a whole text: equality, a prefix or an expression, whichever is enough."""
    literal = "".join(token for token in pattern if isinstance(token, str))
    if all(isinstance(token, str) for token in pattern):
        return literal.__eq__
    if pattern == (Wild.ANY,):
        return _anything
    if _is_prefix(pattern):
        return _prefix(literal)
    matched = re.compile(_expression(pattern), re.DOTALL).fullmatch
    return lambda text: matched(text) is not None


def _prefix(start: str) -> Test:
    return lambda text: text.startswith(start)


def _expression(pattern: tuple[Token, ...]) -> str:
    """Each run of literals is looked for at its first place after the star before it; only the last one must be at the end."""
    runs = [""]
    for token in pattern:
        if token is Wild.ANY:
            runs.append("")
        else:
            runs[-1] += re.escape(token) if isinstance(token, str) else "."
    if len(runs) == 1:
        return runs[0]
    first, *between, last = runs
    return first + "".join(f"(?>.*?{run})" for run in between if run) + ".*" + last


def any_of(patterns: Iterable[tuple[Token, ...]]) -> Test:
    """One test for several patterns: managed policies have lists of hundreds, of which most are names or prefixes."""
    several = list(patterns)
    if len(several) == 1:
        return glob(several[0])
    exact = frozenset("".join(map(str, one)) for one in several if Wild.ANY not in one and Wild.ONE not in one)
    prefixes = tuple("".join(map(str, one[:-1])) for one in several if _is_prefix(one))
    rest = [glob(one) for one in several if (Wild.ANY in one or Wild.ONE in one) and not _is_prefix(one)]
    if not rest:
        return lambda text: text in exact or text.startswith(prefixes)
    return lambda text: text in exact or text.startswith(prefixes) or any(test(text) for test in rest)


def _is_prefix(pattern: tuple[Token, ...]) -> bool:
    return bool(pattern) and pattern[-1] is Wild.ANY and all(isinstance(token, str) for token in pattern[:-1])
