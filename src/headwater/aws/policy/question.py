"""One thing that is asked: may this caller do this action to this resource, as things stand.

The values of condition keys are looked up only when a statement names them, and once: most statements name none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

CallerKind = Literal["root", "user", "role", "federated", "service", "anonymous"]
LookUp = Callable[[str], str | Iterable[str] | None]


class Caller(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who asks, in every form in which a Principal element can name them.

    For a session of a role `arn` is the session's and `role_arn` the role's; for a federated user `role_arn` is the ARN of the
    IAM user who asked for the session. A service's `arn` is its principal ("lambda.amazonaws.com").
    """

    arn: str = ""
    account: str = ""
    kind: CallerKind
    role_arn: str = ""
    user_id: str = ""
    provider: str = ""
    canonical_id: str = ""


def _nothing(_: str) -> None:
    return None


class Question:
    __slots__ = ("_known", "_look_up", "action", "caller", "missing", "resource", "resource_account")

    def __init__(self, action: str, resource: str, caller: Caller, *, resource_account: str = "", look_up: LookUp = _nothing) -> None:
        """`look_up` gets a condition key in lower case and gives its value or values, None where the request has none."""
        self.action = action
        self.resource = resource
        self.caller = caller
        self.resource_account = resource_account
        self.missing: set[str] = set()
        self._look_up = look_up
        self._known: dict[str, tuple[str, ...] | None] = {}

    def values(self, key: str) -> tuple[str, ...] | None:
        """Of a condition key in lower case; None where it is absent."""
        try:
            return self._known[key]
        except KeyError:
            pass
        found = self._look_up(key)
        values = None if found is None else (found,) if isinstance(found, str) else tuple(map(str, found))
        if values is None:
            self.missing.add(key)
        self._known[key] = values
        return values

    def settle(self, keys: Iterable[str]) -> None:
        """Look these keys (in lower case) up now and let go of the request: the question may be kept, and asked again, for long."""
        for key in keys:
            self.values(key)
        self._look_up = _nothing

    @property
    def asked_for_keys(self) -> bool:
        """Whether any condition key was asked for: without one the answer is the policies' alone."""
        return bool(self._known)

    @property
    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that were asked for and are there."""
        return {key: values for key, values in self._known.items() if values is not None}
