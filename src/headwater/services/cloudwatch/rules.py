"""A composite alarm's rule: from text to what it says of other alarms. Pure.

    (ALARM("cpu high") OR ALARM(errors)) AND NOT INSUFFICIENT_DATA(heartbeat)

Source: PutCompositeAlarm of the API reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from .alarm_model import ALARM, INSUFFICIENT, OK
from .refusals import invalid

StateOf = Callable[[str], str | None]
Holds = Callable[[StateOf], bool]

_TOKEN: Final = re.compile(r"\s*(?:([(),])|\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^\s(),\"']+))")
STATES: Final = (ALARM, OK, INSUFFICIENT)
DEPTH_MAX: Final = 50


class Rule(msgspec.Struct, frozen=True):
    """`names`: the alarms that it speaks of, in the order in which it does, by name."""

    holds: Holds
    names: tuple[str, ...]


@lru_cache(maxsize=512)
def read_rule(text: str) -> Rule:
    """ValidationException where it can't be read."""
    reader = _Reader(text)
    return Rule(reader.whole(), tuple(dict.fromkeys(reader.names)))


def alarm_name(name_or_arn: str) -> str:
    return name_or_arn.split(":", 6)[6] if name_or_arn.startswith("arn:") and name_or_arn.count(":") >= 6 else name_or_arn


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[bool, str]] = []  # (is it quoted?, what it says)
        self.names: list[str] = []
        self._at = 0
        self._depth = 0
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise _unreadable()
            at = found.end()
            quoted = found[2] if found[2] is not None else found[3]
            self._tokens.append((quoted is not None, re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found[1] or found[4]))

    def whole(self) -> Holds:
        holds = self._either()
        if self._at != len(self._tokens):
            raise _unreadable()
        return holds

    def _either(self) -> Holds:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _unreadable()
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else lambda state_of: any(holds(state_of) for holds in parts)

    def _both(self) -> Holds:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda state_of: all(holds(state_of) for holds in parts)

    def _one(self) -> Holds:
        is_negated = False
        while self._takes("NOT"):
            is_negated = not is_negated
        holds = self._plain()
        return (lambda state_of: not holds(state_of)) if is_negated else holds

    def _plain(self) -> Holds:
        if self._takes("("):
            holds = self._either()
            self._expect(")")
            return holds
        if self._takes("TRUE"):
            return lambda state_of: True
        if self._takes("FALSE"):
            return lambda state_of: False
        if self._takes("AT_LEAST"):
            return self._at_least()
        state = next((state for state in STATES if self._takes(state)), None)
        if state is None:
            raise _unreadable()
        self._expect("(")
        name = self._name()
        self._expect(")")
        return lambda state_of: state_of(name) == state

    def _at_least(self) -> Holds:
        """AT_LEAST(2, ALARM, (a, b, c))"""
        self._expect("(")
        number = self._text()
        self._expect(",")
        state = next((state for state in STATES if self._takes(state)), None)
        self._expect(",")
        self._expect("(")
        names = [self._name()]
        while self._takes(","):
            names.append(self._name())
        self._expect(")")
        self._expect(")")
        if state is None or not number.isdecimal():
            raise _unreadable()
        return lambda state_of: sum(state_of(name) == state for name in names) >= int(number)

    def _name(self) -> str:
        name = alarm_name(self._text())
        self.names.append(name)
        return name

    def _text(self) -> str:
        if self._at == len(self._tokens) or self._tokens[self._at] in _SIGNS:
            raise _unreadable()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise _unreadable()

    def _takes(self, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (False, text):
            self._at += 1
            return True
        return False


_SIGNS: Final = ((False, "("), (False, ")"), (False, ","))


def _unreadable() -> Exception:
    return invalid("Could not parse the alarm rule: the AlarmRule is not a valid rule expression.")
