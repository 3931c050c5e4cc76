"""The decision: what all policies together answer.

An explicit deny anywhere is the answer. Then every level of the organization must allow; then it depends on whose resource it
is and how closely its policy names the caller; then identity policies, and the boundary and the session's policies as limits.
Sources: "Policy evaluation logic", "Policy evaluation for requests within a single account" (with its table of resource-based
policies and implicit denies), "Cross-account policy evaluation logic", "Permissions boundaries" of the user guide;
"Key policies" of KMS's developer guide. tests/aws/policy/test_evaluation.py holds the matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from .conditions import Condition
from .principals import Grade
from .question import Question
from .statements import PolicySet, Statement

By = Literal["identity", "resource", "boundary", "session", "control", ""]
WITHOUT_IDENTITY: Final = frozenset({"service", "anonymous"})
"""Nor has one who comes from an identity provider: there is no account of his yet."""


class Policies(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that has a say. None: no such policy, and for boundary and session therefore no limit.

    `control` has one set for each level, from the organization's root to the account, and each must allow. A federated user
    without session policies may nothing: that is an empty set, not None. With `resource_alone` (KMS keys, role trust) identity
    policies count only where the resource's policy names the caller's account.
    """

    identity: PolicySet | None = None
    boundary: PolicySet | None = None
    session: PolicySet | None = None
    control: tuple[PolicySet, ...] = ()
    resource: PolicySet | None = None
    resource_alone: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False):
    """`by` is the kind of policy that decided, or that failed to allow; `statement` the one that did, if one did."""

    allowed: bool
    explicit: bool
    by: By
    statement: Statement | None = None


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """A statement and what came of it: "matched", or the first thing that did not fit ("action", "principal", "resource", "effect").

    For a condition that is "StringEquals aws:RequestedRegion", and `found` has the values that the request had (None: absent).
    """

    by: By
    statement: Statement
    verdict: str
    found: tuple[str, ...] | None = None
    decided: bool = False


def decide(question: Question, policies: Policies) -> Decision:
    denied = _explicit_deny(question, policies)
    if denied is not None:
        return denied
    caller = question.caller
    if caller.kind in WITHOUT_IDENTITY or not caller.account:
        return _by_resource(_grant(question, policies.resource))
    for level in policies.control:
        if _allowing(question, level) is None:
            return Decision(False, False, "control")
    grant = _grant(question, policies.resource)
    if question.resource_account and question.resource_account != caller.account:
        return _across_accounts(question, policies, grant)
    if caller.kind == "root":
        return Decision(True, False, "identity") if grant or not policies.resource_alone else Decision(False, False, "resource")
    return _within_account(question, policies, grant)


Grant = tuple[Grade, Statement]


def _by_resource(grant: Grant | None) -> Decision:
    return Decision(True, False, "resource", grant[1]) if grant else Decision(False, False, "resource")


def _within_account(question: Question, policies: Policies, grant: Grant | None) -> Decision:
    if grant is None:
        return Decision(False, False, "resource") if policies.resource_alone else _by_identity(question, policies)
    grade = grant[0]
    if grade is Grade.DIRECT or (grade is Grade.EVERYONE and question.caller.kind == "user"):
        return _by_resource(grant)
    if grade is Grade.ACCOUNT:
        return _by_identity(question, policies)
    return _limited(question, policies) or _by_resource(grant)


def _across_accounts(question: Question, policies: Policies, grant: Grant | None) -> Decision:
    """Both accounts must agree; an account's root needs nobody's word in its own."""
    if question.caller.kind != "root":
        own = _by_identity(question, policies)
        if not own.allowed:
            return own
    return _by_resource(grant)


def _by_identity(question: Question, policies: Policies) -> Decision:
    statement = _allowing(question, policies.identity) if policies.identity is not None else None
    if statement is None:
        return Decision(False, False, "identity")
    if policies.boundary is None and policies.session is None:
        return Decision(True, False, "identity", statement)
    return _limited(question, policies) or Decision(True, False, "identity", statement)


def _limited(question: Question, policies: Policies) -> Decision | None:
    """What a limit that does not allow answers."""
    if policies.boundary is not None and _allowing(question, policies.boundary) is None:
        return Decision(False, False, "boundary")
    if policies.session is not None and _allowing(question, policies.session) is None:
        return Decision(False, False, "session")
    return None


def _allowing(question: Question, several: PolicySet) -> Statement | None:
    for statement in several.split(question.action)[1]:
        if statement.applies(question):
            return statement
    return None


def _grant(question: Question, resource: PolicySet | None) -> Grant | None:
    """The Allow that names the caller most closely."""
    best: Grant | None = None
    if resource is None:
        return None
    for statement in resource.split(question.action)[1]:
        grade = statement.names(question.caller) if statement.names is not None else Grade.NONE
        if grade and (best is None or grade > best[0]) and statement.applies(question):
            best = grade, statement
    return best


def _explicit_deny(question: Question, policies: Policies) -> Decision | None:
    """A Deny with NotPrincipal hits whoever has a boundary, whomever it excepts ("Permissions boundaries for IAM entities")."""
    bound = policies.boundary is not None
    for by, several in _binding(question, policies):
        for statement in several.split(question.action)[0]:
            if statement.names is not None and not (statement.excepts and bound) and not statement.names(question.caller):
                continue
            if statement.applies(question):
                return Decision(False, True, by, statement)
    return None


def _binding(question: Question, policies: Policies) -> list[tuple[By, PolicySet]]:
    """The policies that have a say for this kind of caller, in AWS's order."""
    caller = question.caller
    found: list[tuple[By, PolicySet]] = []
    own = caller.kind not in WITHOUT_IDENTITY and bool(caller.account)
    if own and policies.control:
        found += [("control", level) for level in policies.control]
    if policies.resource is not None:
        found.append(("resource", policies.resource))
    if own and caller.kind != "root":
        if policies.identity is not None:
            found.append(("identity", policies.identity))
        if policies.boundary is not None:
            found.append(("boundary", policies.boundary))
        if policies.session is not None:
            found.append(("session", policies.session))
    return found


def explain(question: Question, policies: Policies) -> list[Considered]:
    """Every statement that had a say, in the order of the decision, with the first reason why it did not apply."""
    decided = decide(question, policies).statement
    return [
        _considered(question, by, statement, bound=policies.boundary is not None, decided=statement is decided)
        for by, several in _binding(question, policies)
        for statement in _statements(several)
    ]


def keys(question: Question, policies: Policies) -> Iterator[str]:
    """The condition keys, in lower case, that an explanation of this decision will ask for."""
    for several in (policies.identity, policies.boundary, policies.session, policies.resource, *policies.control):
        if several is not None:
            yield from several.keys(question.action)


def _statements(several: PolicySet) -> Iterator[Statement]:
    for policy in several.policies:
        yield from policy.statements


def _considered(question: Question, by: By, statement: Statement, *, bound: bool, decided: bool) -> Considered:
    if not statement.actions(question.action.lower()):
        return Considered(by=by, statement=statement, verdict="action")
    deny_all = statement.excepts and bound and statement.effect == "Deny"
    if statement.names is not None and not deny_all and not statement.names(question.caller):
        return Considered(by=by, statement=statement, verdict="principal")
    if statement.covers is not None and not statement.covers(question):
        return Considered(by=by, statement=statement, verdict="resource")
    failed = _failed(question, statement)
    if failed is not None:
        found = question.values(failed.key.lower()) if failed.key else None
        return Considered(by=by, statement=statement, verdict=str(failed), found=found)
    matched = statement.effect in {"Allow", "Deny"}  # others were never written past `check`
    return Considered(by=by, statement=statement, verdict="matched" if matched else "effect", decided=decided)


def _failed(question: Question, statement: Statement) -> Condition | None:
    return next((condition for condition in statement.conditions if not condition.holds(question)), None)
