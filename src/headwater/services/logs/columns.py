"""Filter patterns on columns: `[ip, ..., request = "*html*", status = 4* || status = 5*, size > 1000]`. Pure.

A message is split at blanks; what stands in quotes or square brackets is one column. It is meant if it has just as many columns as
the pattern (any number in the place of `...`) and every condition holds.
Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html, "space-delimited log events".
"""

import re
from typing import Final

from .comparing import Condition, either_text
from .model import invalid

ELLIPSIS: Final = "..."
_COLUMN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)+%|[^",%]+')
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


class Columns:
    """A pattern of columns, compiled. `names` has an empty text for a column that is only counted."""

    def __init__(self, pattern: str) -> None:
        if not pattern.endswith("]"):
            raise invalid("Invalid filter pattern")
        self.names: list[str] = []
        self._conditions: list[tuple[str, Condition]] = []
        for text in _split(pattern[1:-1]):
            self._add(text.strip())
        if self.names.count(ELLIPSIS) > 1:
            raise invalid("Invalid filter pattern")

    def _add(self, text: str) -> None:
        if not text or text == ELLIPSIS:
            self.names.append(text)
            return
        named = _NAME.match(text.lstrip("( "))
        if named is None:
            raise invalid("Invalid filter pattern")
        self.names.append(named[0])
        if text != named[0]:
            self._conditions.append((named[0], either_text(text, named[0])))

    def values(self, message: str) -> dict[str, str] | None:
        """Each column's value by its name, or its number where it has none; None where the message is not meant."""
        parts = [next(part for part in found if part is not None) for found in (match.groups() for match in _COLUMN.finditer(message))]
        names = self._spread(len(parts))
        if names is None:
            return None
        values = {f"${name or number}": part for number, (name, part) in enumerate(zip(names, parts, strict=True), 1)}
        return values if all(holds(values.get(f"${name}", "")) for name, holds in self._conditions) else None

    def _spread(self, width: int) -> list[str] | None:
        """The names for so many columns."""
        names = self.names
        if ELLIPSIS not in names:
            return names if len(names) == width else None
        at = names.index(ELLIPSIS)
        missing = width - (len(names) - 1)
        return None if missing < 0 else [*names[:at], *[""] * missing, *names[at + 1 :]]


def _split(text: str) -> list[str]:
    """At commas, but not at those in quotes or expressions."""
    columns = [""]
    at = 0
    while at < len(text):
        if text[at] == ",":
            columns.append("")
            at += 1
            continue
        piece = _PIECE.match(text, at)
        if piece is None:
            raise invalid("Invalid filter pattern")
        columns[-1] += piece[0]
        at = piece.end()
    return columns
