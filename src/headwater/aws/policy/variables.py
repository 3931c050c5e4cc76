"""Policy variables: `${aws:username}`, with a default `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}` `${?}` `${$}`.

They exist since Version 2012-10-17; before, the same characters are only text. What stands in for a variable is literal. A
variable without a value, or with several, leaves nothing to compare with: the statement cannot apply by it.
Source: "IAM policy elements: Variables and tags" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .question import Question
from .wildcards import Token, tokens

VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
CONTENT: Final = re.compile(r"\s*([^,']+?)\s*(?:,\s*'([^']*)'\s*)?")
ESCAPED: Final = frozenset("*?$")


class Variable:
    """The place of a value that only the question knows."""

    __slots__ = ("default", "key", "name")

    def __init__(self, content: str) -> None:
        found = CONTENT.fullmatch(content)
        self.name = found[1] if found else ""
        self.key = self.name.lower()
        self.default: str | None = found[2] if found else None

    def value(self, question: Question) -> str | None:
        found = question.values(self.key) if self.key else None
        if found is None:
            return self.default
        return found[0] if len(found) == 1 else None


Part = Token | Variable


def parts(text: str, *, variables: bool, wildcards: bool) -> tuple[Part, ...]:
    """A value of a policy, cut where something else than text stands."""
    cut = tokens if wildcards else _one_token
    if not variables or "${" not in text:
        return cut(text)
    found: list[Part] = []
    for place, piece in enumerate(VARIABLE.split(text)):
        if place % 2 == 0:
            found.extend(cut(piece))
        elif piece in ESCAPED:
            found.append(piece)
        else:
            found.append(Variable(piece))
    return tuple(found)


def _one_token(text: str) -> tuple[Token, ...]:
    return (text,) if text else ()


def resolved(template: Iterable[Part], question: Question) -> tuple[Token, ...] | None:
    """The template with its variables' values; None where one has none."""
    found: list[Token] = []
    for part in template:
        if isinstance(part, Variable):
            value = part.value(question)
            if value is None:
                return None
            found.append(value)
        else:
            found.append(part)
    return tuple(found)


def has_variable(template: Iterable[Part]) -> bool:
    return any(isinstance(part, Variable) for part in template)


def plain(template: Iterable[Part]) -> tuple[Token, ...]:
    """A template in which no variable stands."""
    return tuple(part for part in template if not isinstance(part, Variable))
