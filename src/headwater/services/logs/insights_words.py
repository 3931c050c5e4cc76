"""The words of an Insights query: a scanner that knows that `/` begins an expression only where a value may stand. Pure."""

from __future__ import annotations

import re
from typing import Final

from headwater.aws.faults import Fault, fault

_BLANK: Final = re.compile(r"(?:\s|#[^\n]*)+")
_NAME: Final = re.compile(r"[@A-Za-z_][\w.@]*|`[^`]+`")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?(?![\w.])")
_SPAN: Final = re.compile(r"(\d+)\s*(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|hr|h|days?|d|weeks?|w)(?!\w)")
_TEXT: Final = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_REGEX: Final = re.compile(r"/((?:[^/\\]|\\.)+)/([a-z]*)")
_SIGN: Final = re.compile(r"=~|!=|<=|>=|[-+*/%^=<>(),|\[\]]")
UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "s": 1000}


class Scanner:
    """The text and where one stands in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._pass_blanks()

    def _pass_blanks(self) -> None:
        found = _BLANK.match(self.text, self.at)
        if found is not None:
            self.at = found.end()

    def _take(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            self._pass_blanks()
        return found

    @property
    def ended(self) -> bool:
        return self.at == len(self.text)

    def sign(self, *signs: str) -> str | None:
        found = _SIGN.match(self.text, self.at)
        if found is None or found[0] not in signs:
            return None
        self.at = found.end()
        self._pass_blanks()
        return found[0]

    def expect(self, sign: str) -> None:
        if self.sign(sign) is None:
            raise self.unexpected()

    def word(self, *words: str) -> str | None:
        """One of these words, whatever its case."""
        found = _NAME.match(self.text, self.at)
        if found is None or found[0].lower() not in words:
            return None
        self.at = found.end()
        self._pass_blanks()
        return found[0].lower()

    def name(self) -> str | None:
        found = self._take(_NAME)
        return None if found is None else found[0].strip("`")

    def number(self) -> float | None:
        found = self._take(_NUMBER)
        return None if found is None else float(found[0])

    def span_ms(self) -> int | None:
        """5m, 1h, 30s, 500ms."""
        found = self._take(_SPAN)
        if found is None:
            return None
        unit = found[2]
        return int(found[1]) * (1 if unit.startswith(("ms", "milli")) else UNITS_MS[unit[0]])

    def quoted(self) -> str | None:
        found = self._take(_TEXT)
        if found is None:
            return None
        return re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), found[1] if found[1] is not None else found[2])

    def regex(self) -> str | None:
        found = self._take(_REGEX)
        if found is None:
            return None
        return (f"(?{found[2]})" if found[2] else "") + found[1].replace("\\/", "/")

    def unexpected(self) -> Fault:
        return malformed("unexpected end of the query" if self.ended else f"unexpected symbol found {self.text[self.at]}", self.at)


_ESCAPED: Final = {"n": "\n", "t": "\t"}


def malformed(why: str, at: int = 0) -> Fault:
    error = {"location": {"startCharOffset": at, "endCharOffset": at + 1}, "message": why}
    return fault("MalformedQueryException", f"{why} at position {at}", queryCompileError=error)
