"""What a principal brings to every decision, put together once and kept until IAM or Organizations have something else to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from headwater.aws.policy.documents import PolicySet, parse
from headwater.aws.policy.evaluation import Decision, Policies
from headwater.aws.policy.question import Caller, Question
from headwater.kernel.identity import Principal, canonical_id
from headwater.kernel.service import ResourcePolicy

IN_IAM: Final = frozenset({"user", "role", "federated"})
"""The kinds of principals whose policies IAM keeps."""
UNBOUND: Final = frozenset({"service", "anonymous"})
"""Those whom no organization binds."""
SERVICE_LINKED: Final = ":role/aws-service-role/"
"""The path of roles that only their service assumes: service control policies do not bind them."""
NO_POLICIES: Final = PolicySet(())
KEPT_MAX: Final = 1024
RESOURCES_MAX: Final = 256
SETTLED_MAX: Final = 256


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What IAM knows of a principal. The same answer is the same object as long as nothing behind it changed."""

    identity: PolicySet
    boundary: PolicySet | None = None
    tags: Mapping[str, str] = {}
    unique_id: str = ""
    """AIDA… or AROA…"""


class PolicySource(Protocol):
    """What the room of IAM answers."""

    def holdings(self, principal: Principal) -> Holdings | None:
        """The principal's own policies; None where it is no more."""

    def managed(self, account: str, arns: tuple[str, ...]) -> PolicySet:
        """Managed policies by their ARNs."""

    def role_id(self, role_arn: str) -> str | None:
        """The unique id of the role that has this ARN now."""

    def is_there(self, arn: str) -> bool:
        """Whether a user or role bears this ARN."""

    def check_mfa(self, account: str, serial: str, code: str) -> bool:
        """Whether the code is the device's, now."""


class ControlSource(Protocol):
    """What the room of Organizations answers."""

    def levels(self, account: str) -> tuple[PolicySet, ...]:
        """The service control policies above the account, root first; () where none bind it."""

    def organization(self, account: str) -> tuple[str, tuple[str, ...]] | None:
        """The id of the account's organization, and the account's path in it."""


class Judged(msgspec.Struct, frozen=True, gc=False):
    """A question about a resource with this policy of its own, all policies that had a say, and what they said."""

    own: ResourcePolicy | None
    question: Question
    policies: Policies
    decision: Decision


class Standing:
    """One principal's: who it is to policies, and all that binds it but a resource's own policy."""

    __slots__ = ("_of_resources", "_plain", "_settled", "caller", "holdings", "levels", "managed")

    def __init__(self, principal: Principal, holdings: Holdings | None, levels: tuple[PolicySet, ...], managed: PolicySet) -> None:
        self.holdings = holdings
        self.levels = levels
        self.managed = managed
        self.caller = _caller(principal)
        self._plain = Policies(
            identity=NO_POLICIES if holdings is None else holdings.identity,
            boundary=None if holdings is None else holdings.boundary,
            session=_session(principal, managed),
            control=levels,
        )
        self._of_resources: dict[ResourcePolicy, Policies] = {}
        self._settled: dict[tuple[str, str], Judged] = {}

    def settled(self, action: str, resource: str, own: ResourcePolicy | None) -> Judged | None:
        """What was said before, where it cannot be otherwise now: see `settle`."""
        known = self._settled.get((action, resource))
        return known if known is not None and known.own == own else None

    def settle(self, judged: Judged) -> None:
        """Remember an answer for which no condition key was asked: only other policies could change it, and they make another standing."""
        question = judged.question
        if not question.asked_for_keys:
            if len(self._settled) >= SETTLED_MAX:
                self._settled.clear()
            self._settled[question.action, question.resource] = judged

    def with_resource(self, own: ResourcePolicy | None) -> Policies:
        """All policies of a decision about this resource."""
        if own is None or not (own.policies or own.alone):
            return self._plain
        known = self._of_resources.get(own)
        if known is None:
            if len(self._of_resources) >= RESOURCES_MAX:
                self._of_resources.clear()
            resource = PolicySet(own.policies) if own.policies else None
            known = self._of_resources[own] = msgspec.structs.replace(self._plain, resource=resource, resource_alone=own.alone)
        return known


class Standings:
    """Those of one home."""

    def __init__(self) -> None:
        self.identity: PolicySource | None = None
        self.control: ControlSource | None = None
        self._kept: dict[tuple[str, str, str], Standing] = {}

    def of(self, principal: Principal) -> Standing:
        """The principal's standing now."""
        holdings = self.identity.holdings(principal) if self.identity is not None and principal.kind in IN_IAM else None
        levels, managed = self.levels(principal), self._managed(principal)
        name = (principal.user_id, principal.arn, principal.access_key_id)
        kept = self._kept.get(name)
        if kept is not None and kept.holdings is holdings and kept.levels is levels and kept.managed is managed:
            return kept
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        kept = self._kept[name] = Standing(principal, holdings, levels, managed)
        return kept

    def levels(self, principal: Principal) -> tuple[PolicySet, ...]:
        """The service control policies that bind the principal."""
        if self.control is None or principal.kind in UNBOUND or SERVICE_LINKED in principal.role_arn or _is_only_vouched_for(principal):
            return ()
        return self.control.levels(principal.account)

    def _managed(self, principal: Principal) -> PolicySet:
        session = principal.session
        if session is None or not session.policy_arns or self.identity is None:
            return NO_POLICIES
        return self.identity.managed(principal.account, session.policy_arns)


def _is_only_vouched_for(principal: Principal) -> bool:
    """Whoever an identity provider vouches for is no user or role of the account yet; the session that comes of it is bound."""
    return principal.kind == "federated" and principal.session is not None and bool(principal.session.provider)


def _session(principal: Principal, managed: PolicySet) -> PolicySet | None:
    """What the session was narrowed to. A federated user has nothing that its session policies do not give."""
    session = principal.session
    if session is None or not (session.policies or session.policy_arns):
        return NO_POLICIES if principal.kind == "federated" else None
    inline = [parse(document, source="session policy", kind="session") for document in session.policies]
    return PolicySet([*inline, *managed.policies])


def _caller(principal: Principal) -> Caller:
    return Caller(
        arn=principal.arn,
        account=principal.account,
        kind=principal.kind,
        role_arn=principal.role_arn,
        user_id=principal.user_id,
        provider=principal.session.provider if principal.session is not None else "",
        canonical_id=canonical_id(principal.account) if principal.account else "",
    )
