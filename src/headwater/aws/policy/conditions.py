"""Condition blocks: every operator, the two set operators, `...IfExists` and `Null`.

Several keys and several operators must all hold; of several values one is enough, for a negated operator none may match. An
absent key makes a condition false, but true for a negated operator, for `...IfExists` and for `ForAllValues`.
Sources: "IAM JSON policy elements: Condition operators", "Set operators for multivalued context keys", "Evaluation logic for
multiple context keys or values" of the user guide; tests/aws/policy/test_conditions.py holds their tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from .operators import NEGATED, POSITIVE, Template, reader
from .question import Question

OPERATOR: Final = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)
Holds = Callable[[Question], bool]


class Condition:
    """One key under one operator."""

    __slots__ = ("holds", "key", "operator", "variables")

    def __init__(self, operator: str, key: str, holds: Holds, variables: tuple[str, ...]) -> None:
        self.operator = operator
        self.key = key
        self.holds = holds
        self.variables = variables

    def __str__(self) -> str:
        return f"{self.operator} {self.key}"


def conditions(block: Any, *, variables: bool) -> tuple[Condition, ...]:
    """A Condition element, compiled. What nobody can understand never holds."""
    if block is None:
        return ()
    if not isinstance(block, dict):
        return (_never("Condition", ""),)
    found = []
    for operator, keys in block.items():
        if not isinstance(keys, dict):
            found.append(_never(operator, ""))
            continue
        found.extend(_condition(operator, key, values, variables=variables) for key, values in keys.items())
    return tuple(found)


def texts(values: Any) -> list[str]:
    """JSON's booleans and numbers are as good as their texts."""
    several = values if isinstance(values, list) else [values]
    return [text for text in map(_text, several) if text is not None]


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None


def _never(operator: str, key: str) -> Condition:
    return Condition(operator, key, lambda question: False, ())


def _condition(operator: str, key: str, values: Any, *, variables: bool) -> Condition:
    found = OPERATOR.fullmatch(operator)
    if found is None:
        return _never(operator, key)
    quantity, name, if_exists = (found[1] or "").lower(), found[2].lower(), found[3] is not None
    wanted = texts(values)
    if name == "null":
        return Condition(operator, key, _null(key.lower(), {text.lower() for text in wanted}), ())
    negated = name in NEGATED
    positive = NEGATED.get(name, name)
    if positive not in POSITIVE:
        return _never(operator, key)
    template = reader(positive, wanted, variables=variables)
    absent = if_exists or quantity == "forallvalues" or (negated and not quantity)
    holds = _holds(key.lower(), template, quantity, negated=negated, absent=absent)
    return Condition(operator, key, holds, template.variables)


def _null(key: str, wanted: set[str]) -> Holds:
    if wanted == {"true"}:
        return lambda question: not question.values(key)
    if wanted == {"false"}:
        return lambda question: bool(question.values(key))
    return lambda question: wanted == {"true", "false"}


def _holds(key: str, template: Template, quantity: str, *, negated: bool, absent: bool) -> Holds:
    everyone = quantity == "forallvalues" or (negated and not quantity)

    def holds(question: Question) -> bool:
        values = question.values(key)
        if quantity and values:
            values = tuple(value for value in values if value)  # an empty text counts as no value here
        if not values:
            return absent
        test = template.test(question, negated=negated)
        if test is None:
            return False
        results = (test(value) is not negated for value in values)
        return all(results) if everyone else any(results)

    if quantity or template.fixed is None:
        return holds
    return _holds_simply(key, template.fixed, negated=negated, absent=absent)


def _holds_simply(key: str, test: Callable[[str], bool], *, negated: bool, absent: bool) -> Holds:
    """No variable and no set operator, as almost always."""

    def holds(question: Question) -> bool:
        values = question.values(key)
        if not values:
            return absent
        if len(values) == 1:
            return test(values[0]) is not negated
        return any(map(test, values)) is not negated

    return holds


def context_keys(several: Iterable[Condition]) -> Iterable[str]:
    """Every context key that these conditions ask for, as the policy spells it."""
    for condition in several:
        if condition.key:
            yield condition.key
        yield from condition.variables
