"""A policy, compiled: each statement is a few closures, and several policies are one thing that is indexed by action.

What a statement cannot say sensibly never applies; nothing here raises, because a document that was stored once must not stop
every decision after it. Sources: "IAM JSON policy elements reference" of the user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from .conditions import Condition, conditions, context_keys
from .principals import Named, named, not_named
from .question import Question
from .variables import Part, Variable, has_variable, parts, plain, resolved
from .wildcards import Test, Wild, any_of, glob, tokens

Kind = Literal["identity", "trust", "resource", "session", "control", "key"]
Covers = Callable[[Question], bool]
WITH_PRINCIPAL: Final[frozenset[str]] = frozenset({"trust", "resource", "key"})
VERSION: Final = "2012-10-17"
ARN_HEAD_COLONS: Final = 5
REMEMBERED_MAX: Final = 4096


class Statement:
    """`covers` and `names` are None where the statement covers every resource, or names nobody because it belongs to one."""

    __slots__ = ("actions", "conditions", "covers", "effect", "excepts", "index", "keys", "kind", "names", "sid", "source")

    def __init__(self, element: dict[str, Any], index: int, *, source: str, kind: Kind, variables: bool) -> None:
        self.sid: str = str(element.get("Sid", ""))
        self.index = index
        self.source = source
        self.kind: Kind = kind
        self.effect: str = str(element.get("Effect", ""))
        self.actions = _actions(element)
        self.covers, in_resources = _resources(element, kind, variables=variables)
        self.excepts = "NotPrincipal" in element
        self.names = _principals(element, kind)
        self.conditions: tuple[Condition, ...] = conditions(element.get("Condition"), variables=variables)
        self.keys = (*in_resources, *context_keys(self.conditions))

    def applies(self, question: Question) -> bool:
        """Its resources and conditions, for an action that it has."""
        if self.covers is not None and not self.covers(question):
            return False
        for condition in self.conditions:  # noqa: SIM110 - all() would cost a generator in the hottest path
            if not condition.holds(question):
                return False
        return True

    def __repr__(self) -> str:
        return f"<{self.effect} {self.sid or self.index} of {self.source or self.kind}>"


class Policy:
    """`source` is a managed policy's ARN, "inline:NAME", or the ARN of the resource that bears it."""

    __slots__ = ("kind", "source", "statements")

    def __init__(self, source: str, kind: Kind, statements: tuple[Statement, ...]) -> None:
        self.source = source
        self.kind: Kind = kind
        self.statements = statements

    @property
    def keys(self) -> tuple[str, ...]:
        """The condition keys and variables that it names, as it spells them."""
        return tuple(dict.fromkeys(key for statement in self.statements for key in statement.keys))


class PolicySet:
    """Several policies that are asked together. It is never changed, so what it found for an action stays found."""

    __slots__ = ("_found", "_keys", "policies")

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        self._found: dict[str, tuple[tuple[Statement, ...], tuple[Statement, ...]]] = {}
        self._keys: dict[str, tuple[str, ...]] = {}

    def split(self, action: str) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        """The statements that have this action: those that deny, those that allow."""
        try:
            return self._found[action]
        except KeyError:
            pass
        folded = action.lower()
        having = [statement for policy in self.policies for statement in policy.statements if statement.actions(folded)]
        denies, allows = (tuple(statement for statement in having if statement.effect == effect) for effect in ("Deny", "Allow"))
        if len(self._found) >= REMEMBERED_MAX:
            self._found.clear()
        self._found[action] = denies, allows
        return denies, allows

    def keys(self, action: str) -> tuple[str, ...]:
        """The condition keys, in lower case, of the statements that have this action."""
        found = self._keys.get(action)
        if found is None:
            found = tuple(dict.fromkeys(key.lower() for statement in self.candidates(action) for key in statement.keys))
            if len(self._keys) >= REMEMBERED_MAX:
                self._keys.clear()
            self._keys[action] = found
        return found

    def candidates(self, action: str) -> tuple[Statement, ...]:
        """The statements that have this action, those that deny first."""
        denies, allows = self.split(action)
        return denies + allows


def _several(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _actions(element: dict[str, Any]) -> Test:
    """A test of an action in lower case."""
    negated = "NotAction" in element and "Action" not in element
    listed = any_of(tokens(action.lower()) for action in _several(element.get("NotAction" if negated else "Action")))
    return (lambda action: not listed(action)) if negated else listed


def _principals(element: dict[str, Any], kind: Kind) -> Named | None:
    if "Principal" in element:
        return named(element["Principal"])
    if "NotPrincipal" in element:
        return not_named(element["NotPrincipal"])
    return named(None) if kind in WITH_PRINCIPAL else None


def _resources(element: dict[str, Any], kind: Kind, *, variables: bool) -> tuple[Covers | None, list[str]]:
    """What it covers, and the variables by which it says so."""
    if "Resource" not in element and "NotResource" not in element:
        return (None if kind in {"trust", "control"} else lambda question: False), []
    negated = "Resource" not in element
    templates = [_resource(one, variables=variables) for one in _several(element["NotResource" if negated else "Resource"])]
    if not negated and (Wild.ANY,) in templates:
        return None, []
    fixed = any_of(plain(template) for template in templates if not has_variable(template))
    varying = [template for template in templates if has_variable(template)]
    names = [part.name for template in varying for part in template if isinstance(part, Variable)]
    if not varying:
        return _covers_fixed(fixed, negated=negated), names
    return _covers_varying(fixed, varying, negated=negated), names


def _resource(text: str, *, variables: bool) -> tuple[Part, ...]:
    """Variables stand only behind an ARN's fifth colon; before it they are text, which is in no ARN.

    An ARN that ends early goes on with stars, as IAM shows in its own complaints ("arn:aws:sqs" is "arn:aws:sqs:*:*:*").
    """
    pieces = text.split(":", ARN_HEAD_COLONS)
    if pieces[0] == "arn" and len(pieces) <= ARN_HEAD_COLONS:
        return tokens(text + ":*" * (ARN_HEAD_COLONS + 1 - len(pieces)))
    if not variables or "${" not in text:
        return tokens(text)
    head = "".join(f"{piece}:" for piece in pieces[:-1])
    return (*tokens(head), *parts(pieces[-1], variables=True, wildcards=True))


def _covers_fixed(fixed: Test, *, negated: bool) -> Covers:
    if negated:
        return lambda question: not fixed(question.resource)
    return lambda question: fixed(question.resource)


def _covers_varying(fixed: Test, varying: list[tuple[Part, ...]], *, negated: bool) -> Covers:
    def covers(question: Question) -> bool:
        if fixed(question.resource):
            return not negated
        for template in varying:
            pattern = resolved(template, question)
            if pattern is None:
                if negated:
                    return False
            elif glob(pattern)(question.resource):
                return not negated
        return negated

    return covers
