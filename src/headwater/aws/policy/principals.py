"""Who a Principal element names, and how closely: a decision depends on it.

A user or a session named itself has the permission outright; a role named has it within the session's limits; an account named
only hands the decision to that account's own policies.
Sources: "AWS JSON policy elements: Principal", "…: NotPrincipal" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from .question import Caller


class Grade(IntEnum):
    NONE = 0
    ACCOUNT = 1
    EVERYONE = 2
    ROLE = 3
    DIRECT = 4


Named = Callable[[Caller], Grade]
ACCOUNT: Final = re.compile(r"(\d{12})|arn:[\w-]+:iam::(\d{12}):root")
WITHOUT_ACCOUNT: Final = frozenset({"service", "anonymous"})


def named(element: Any) -> Named:
    """A test of a Principal element."""
    tests = _tests(element)
    if len(tests) == 1:
        return tests[0]
    return lambda caller: max((test(caller) for test in tests), default=Grade.NONE)


def not_named(element: Any) -> Named:
    """A test of a NotPrincipal element: everyone, but those whose every name is listed.

    A session acts under its own name and its role's: it is excepted only where both are listed, as AWS asks for.
    """
    tests = _tests(element)

    def test(caller: Caller) -> Grade:
        grades = {test(caller) for test in tests}
        if Grade.EVERYONE in grades or (Grade.DIRECT in grades and (caller.kind != "role" or Grade.ROLE in grades)):
            return Grade.NONE
        return Grade.EVERYONE

    return test


def _tests(element: Any) -> list[Named]:
    if element == "*":
        return [_everyone]
    if not isinstance(element, dict):
        return []
    found = []
    for kind, values in element.items():
        make = KINDS.get(kind)
        several = values if isinstance(values, list) else [values]
        found += [make(value) for value in several if make is not None and isinstance(value, str)]
    return found


def _everyone(_: Caller) -> Grade:
    return Grade.EVERYONE


def _aws(value: str) -> Named:
    if value == "*":
        return _everyone
    account = ACCOUNT.fullmatch(value)
    if account is not None:
        return _account(account[1] or account[2])

    def test(caller: Caller) -> Grade:
        if caller.kind in WITHOUT_ACCOUNT:
            return Grade.NONE
        if value in (caller.arn, caller.user_id):
            return Grade.DIRECT
        behind = (caller.role_arn, caller.user_id.partition(":")[0]) if caller.kind in {"role", "federated"} else ()
        return Grade.ROLE if value in behind else Grade.NONE

    return test


def _account(account: str) -> Named:
    def test(caller: Caller) -> Grade:
        if caller.account != account or caller.kind in WITHOUT_ACCOUNT:
            return Grade.NONE
        return Grade.DIRECT if caller.kind == "root" else Grade.ACCOUNT

    return test


def _service(value: str) -> Named:
    return lambda caller: Grade.DIRECT if caller.kind == "service" and value in {caller.arn, "*"} else Grade.NONE


def _federated(value: str) -> Named:
    return lambda caller: Grade.DIRECT if caller.provider and value in {caller.provider, "*"} else Grade.NONE


def _canonical_user(value: str) -> Named:
    """The canonical id is that of an account."""

    def test(caller: Caller) -> Grade:
        if not value or value != caller.canonical_id:
            return Grade.NONE
        return Grade.DIRECT if caller.kind == "root" else Grade.ACCOUNT

    return test


KINDS: Final[dict[str, Callable[[str], Named]]] = {
    "AWS": _aws,
    "Service": _service,
    "Federated": _federated,
    "CanonicalUser": _canonical_user,
}
