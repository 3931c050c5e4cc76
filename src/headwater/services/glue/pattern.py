"""Patterns for names of tables: regular expressions, in which a bare `*` means "anything", as in Hive's SHOW TABLES.

Clients use both: `sales.*` and `*sales*`. A pattern is the caller's; one that takes too long is refused, not waited for.
"""

from __future__ import annotations

import re
from typing import Final

import regex

from headwater.aws.faults import fault

BARE_STAR: Final = re.compile(r"(?<![.\])}\\])\*")
PATIENCE_S: Final = 0.5


def matching(pattern: str, names: list[str]) -> set[str]:
    """The names that match as a whole, without regard to case."""
    try:
        compiled = regex.compile(BARE_STAR.sub(".*", pattern), regex.IGNORECASE)
        return {name for name in names if compiled.fullmatch(name, timeout=PATIENCE_S)}
    except regex.error as error:
        raise fault("InvalidInputException", f"The expression {pattern} is invalid: {error}") from None
    except TimeoutError:
        raise fault("InvalidInputException", f"The expression {pattern} takes too long to match.") from None
