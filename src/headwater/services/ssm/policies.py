"""Policies of advanced parameters: that they expire, that somebody is told before, or when nothing has changed for long.

A policy is due at a moment of AWS time that follows from its text and from when the parameter was last changed. Each change owes the
moments anew; a job whose moment is no longer one of the parameter's is out of date and does nothing.
Source: "Assigning parameter policies in Parameter Store" of the user guide.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.jobs import Job, handles

from .events import tell_change, tell_policy
from .model import Parameter, Policy, numbered, parameters, path_of, versions

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store.store import Transaction

POLICIES_MAX: Final = 10
EXPIRATION, BEFOREHAND, UNCHANGED = "Expiration", "ExpirationNotification", "NoChangeNotification"
UNITS: Final = {"Days": "days", "Hours": "hours"}
COUNT_OF: Final = {BEFOREHAND: "Before", UNCHANGED: "After"}


class PolicyDue(Job, frozen=True, kw_only=True, tag="ssm/policy-due/1"):
    """The parameter `subject` has a policy that is due now."""


def read(text: str, now: datetime) -> tuple[Policy, ...]:
    """The policies that a request gives; `{}` and `[{}]` take away those that are there."""
    try:
        given = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise _invalid_attribute() from None
    listed = [each for each in (given if isinstance(given, list) else [given]) if each != {}]
    if len(listed) > POLICIES_MAX:
        raise fault(
            "PoliciesLimitExceededException",
            f"You specified more than the maximum number of allowed policies for the parameter. The maximum is {POLICIES_MAX}.",
        )
    found = tuple(_policy(each) for each in listed)
    expirations = [policy for policy in found if policy.kind == EXPIRATION]
    if len(expirations) > 1 or (not expirations and any(policy.kind == BEFOREHAND for policy in found)):
        raise fault(
            "IncompatiblePolicyException",
            "There is a conflict in the policies specified for this parameter. You can't, for example, specify two Expiration policies "
            "for a parameter. Review your policies, and try again.",
        )
    if expirations and _expires_at(expirations[0]) <= now:
        raise _invalid_attribute()
    return found


def _policy(given: Any) -> Policy:
    if not isinstance(given, dict) or given.get("Type") not in {EXPIRATION, BEFOREHAND, UNCHANGED}:
        raise fault(
            "InvalidPolicyTypeException",
            "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and "
            "NoChangeNotification.",
        )
    policy = Policy(kind=given["Type"], text=msgspec.json.encode(given).decode())
    if not isinstance(given.get("Attributes"), dict) or given.get("Version") != "1.0":
        raise _invalid_attribute()
    if policy.kind == EXPIRATION:
        _expires_at(policy)
    else:
        _duration(policy)
    return policy


def _attributes(policy: Policy) -> dict[str, Any]:
    attributes: dict[str, Any] = msgspec.json.decode(policy.text)["Attributes"]
    return attributes


def _expires_at(policy: Policy) -> datetime:
    try:
        moment = datetime.fromisoformat(str(_attributes(policy).get("Timestamp")))
    except ValueError:
        raise _invalid_attribute() from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _duration(policy: Policy) -> timedelta:
    attributes = _attributes(policy)
    count, unit = str(attributes.get(COUNT_OF[policy.kind])), UNITS.get(str(attributes.get("Unit")))
    if unit is None or not (count.isascii() and count.isdecimal() and 0 < int(count) < 100_000):
        raise _invalid_attribute()
    return timedelta(**{unit: int(count)})


def _invalid_attribute() -> Fault:
    return fault("InvalidPolicyAttributeException", "A policy attribute or its value is invalid.")


def moments(parameter: Parameter) -> Iterator[tuple[datetime, Policy]]:
    """When each policy that has not done its work is due."""
    current = parameter.current
    expires = next((_expires_at(policy) for policy in current.policies if policy.kind == EXPIRATION), None)
    for policy in current.policies:
        if policy.finished:
            continue
        if policy.kind == UNCHANGED:
            yield current.modified_at + _duration(policy), policy
        elif expires is not None:
            yield expires if policy.kind == EXPIRATION else expires - _duration(policy), policy


def owe(tx: Transaction, parameter: Parameter) -> None:
    """Promise what this parameter's policies ask for."""
    for at in {at for at, _ in moments(parameter)}:
        tx.owe(PolicyDue(account=parameter.account, region=parameter.region, subject=parameter.name, at=at))


def described(policies: tuple[Policy, ...]) -> list[dict[str, str]]:
    return [
        {"PolicyText": each.text, "PolicyType": each.kind, "PolicyStatus": "Finished" if each.finished else "Pending"} for each in policies
    ]


@handles(PolicyDue)
async def _act(ctx: Context, due: PolicyDue) -> None:
    """Delete, or mark the policy as done; then tell."""
    parameter = ctx.store.get(parameters, due.account, due.region, *path_of(due.subject))
    now_due = [policy for at, policy in moments(parameter) if at == due.at] if parameter is not None else []
    if parameter is None or not now_due:
        return  # deleted, or changed since
    expired = any(policy.kind == EXPIRATION for policy in now_due)
    policies = tuple(msgspec.structs.replace(each, finished=True) if each in now_due else each for each in parameter.current.policies)
    current = msgspec.structs.replace(parameter.current, policies=policies)
    async with ctx.store.transaction() as tx:
        if expired:
            drop(tx, parameter)
        else:
            tx.put(parameters, msgspec.structs.replace(parameter, current=current))
            tx.put(versions, current)
    for policy in now_due:
        tell_policy(ctx, parameter, policy, _reason(policy))
    if expired:
        tell_change(ctx, parameter, "Delete")


def _reason(policy: Policy) -> str:
    if policy.kind == EXPIRATION:
        return "The parameter was deleted because its expiration policy was reached."
    if policy.kind == BEFOREHAND:
        return "The parameter is about to expire."
    return "The parameter has not been changed for as long as its policy says."


def drop(tx: Transaction, parameter: Parameter) -> None:
    """The parameter and all its versions."""
    tx.delete(parameters, parameter.account, parameter.region, *path_of(parameter.name))
    for number in range(parameter.oldest, parameter.current.number + 1):
        tx.delete(versions, parameter.account, parameter.region, parameter.name, numbered(number))
