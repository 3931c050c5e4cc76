"""The one place where it is decided whether a call may be made.

The walk asks here after decoding and before the operation, and so does the in-process client. What is needed stands beside the
operation (`kernel/permissions.py`), what policies say is computed in `aws/policy/`, whose they are is known to the rooms of IAM
and Organizations, which hand themselves over when they open. An account's root is bound by nothing but the resource's own
policy and its organization.
Source: "Policy evaluation logic" of the IAM user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import structlog

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Operation
from headwater.aws.policy.denial import sentence
from headwater.aws.policy.documents import Policy, PolicySet, parse
from headwater.aws.policy.evaluation import Decision, Policies, decide, explain, keys
from headwater.aws.policy.question import Caller, Question
from headwater.kernel import unbuilt
from headwater.kernel.authorization_message import Matched, Refusal, encode_message
from headwater.kernel.condition_keys import look_up, room_of
from headwater.kernel.identity import Principal, canonical_id, role_session
from headwater.kernel.permissions import Need, lines_of
from headwater.kernel.service import ResourcePolicy, Service, room, room_names

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

log = structlog.get_logger()

RESOURCES_MAX: Final = 4096
"""Of how many resources the compiled policies are remembered."""
IN_IAM: Final = frozenset({"user", "role", "federated"})
"""The kinds of principals whose policies IAM keeps."""
BORN: Final = frozenset({"user", "role"})
"""Of those the ones that IAM itself makes and deletes."""
NO_POLICIES: Final = PolicySet(())
REFUSED_AS: Final = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "sqs": "AccessDenied", "cloudwatch": "AccessDenied"}
"""Where a service does not say it as its protocol does."""
SERVICE_LINKED: Final = ":role/aws-service-role/"
"""The path of roles that only their service assumes: service control policies do not bind them."""
SERVICE_OF_ROOM: Final = {"stepfunctions": "states"}
"""The name under which a room is trusted, where it is not the room's."""

SAY_ACCOUNT: Final = frozenset({"firehose"})
"""Services that take on roles with the account's number as external id, as older trust policies for them ask."""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What IAM knows of a principal."""

    identity: PolicySet
    boundary: PolicySet | None = None
    tags: Mapping[str, str] = {}
    unique_id: str = ""
    """AIDA… or AROA…: a role of the same name that was made later has another."""


class PolicySource(Protocol):
    """What the room of IAM answers."""

    def holdings(self, principal: Principal) -> Holdings | None:
        """The principal's own policies; None where it is no more."""

    def managed(self, account: str, arns: tuple[str, ...]) -> PolicySet:
        """Managed policies by their ARNs."""

    def role_id(self, role_arn: str) -> str | None:
        """The unique id of the role that has this ARN now."""

    def check_mfa(self, account: str, serial: str, code: str) -> bool:
        """Whether the second factor, which is somebody's, shows this code now. A code is good once."""


class ControlSource(Protocol):
    """What the room of Organizations answers."""

    def levels(self, account: str) -> tuple[PolicySet, ...]:
        """The service control policies above the account, root first; () where none bind it."""

    def organization(self, account: str) -> tuple[str, tuple[str, ...]] | None:
        """The id of the account's organization, and the account's path in it."""


class Asked:
    """One need of one call, with all that condition keys may be asked about."""

    __slots__ = ("ctx", "holdings", "need", "operation", "owner", "principal", "request")
    ctx: Context
    principal: Principal
    operation: Operation
    request: dict[str, Any]
    need: Need
    holdings: Holdings | None
    owner: str

    def __init__(
        self, ctx: Context, operation: Operation, request: dict[str, Any], need: Need, holdings: Holdings | None, owner: str
    ) -> None:
        self.ctx = ctx
        self.principal = ctx.principal
        self.operation = operation
        self.request = request
        self.need = need
        self.holdings = holdings
        self.owner = owner


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A need, and what was decided of it: told to the Bus, from which it can be explained later."""

    request_id: str
    principal: Principal
    question: Question
    policies: Policies
    decision: Decision


class Authorization:
    """Of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.identity: PolicySource | None = None
        self.control: ControlSource | None = None
        self._audits = home.settings.iam == "audit"

    # -- the decision of a call ----------------------------------------------------------------------------------------

    async def authorize(self, ctx: Context, operation: Operation, request: dict[str, Any]) -> None:
        """Raise the service's own refusal unless the caller may do everything that the operation needs."""
        name = ctx.service
        service = room(name) if name in room_names() else None
        if not self._home.is_open("organizations") and "organizations" in self._home.store.services_with_state:
            await self._home.open_room("organizations")
        levels = self._levels(ctx.principal)
        if ctx.principal.kind == "root" and not levels and (service is None or service.policy_of is None):
            return
        await self._open_sources(ctx.principal, service)
        for need in await self._needs(ctx, service, operation, request):
            if self._is_unbound(ctx.principal, need, levels):
                continue
            decided = self._decide(ctx, operation, request, need, levels)
            if not decided.decision.allowed and not self._passes_anyway(decided):
                raise self._refusal(ctx, operation, decided)

    def allows(self, ctx: Context, operation: Operation, request: dict[str, Any], action: str, resource: str) -> bool:
        """Whether the caller may do one thing more: for operations that answer for each part, or that tell less to who may less."""
        need, levels = Need(action, resource), self._levels(ctx.principal)
        if self._is_unbound(ctx.principal, need, levels):
            return True
        decided = self._decide(ctx, operation, request, need, levels)
        return decided.decision.allowed or self._passes_anyway(decided)

    def _is_unbound(self, principal: Principal, need: Need, levels: tuple[PolicySet, ...]) -> bool:
        """A root at what is its account's, where no policy stands: the usual case, told without asking."""
        if principal.kind != "root" or levels:
            return False
        own = self._resource_policy(need)
        if own is None:
            return (_account_of(need.resource) or principal.account) == principal.account
        return own.owner == principal.account and not own.policies

    async def _open_sources(self, principal: Principal, service: Service | None) -> None:
        if principal.kind in IN_IAM and not self._home.is_open("iam"):
            await self._home.open_room("iam")
        if service is not None and service.policy_of is not None and not self._home.is_open(service.name):
            await self._home.open_room(service.name)

    def _levels(self, principal: Principal) -> tuple[PolicySet, ...]:
        if self.control is None or principal.kind in {"service", "anonymous"} or SERVICE_LINKED in principal.role_arn:
            return ()
        return self.control.levels(principal.account)

    async def _needs(self, ctx: Context, service: Service | None, operation: Operation, request: dict[str, Any]) -> Iterable[Need]:
        function = service.functions.get(operation.name) if service is not None else None
        lines = lines_of(function) if function is not None else None
        if lines is None:
            return await unbuilt.needs(ctx, operation, request)
        if len(lines) == 1:
            return lines[0].needs(ctx, request)
        return [need for line in lines for need in line.needs(ctx, request)]

    def _decide(self, ctx: Context, operation: Operation, request: dict[str, Any], need: Need, levels: tuple[PolicySet, ...]) -> Decided:
        principal = ctx.principal
        own = self._resource_policy(need)
        owner = own.owner if own is not None else _account_of(need.resource) or principal.account
        holdings = self.identity.holdings(principal) if self.identity is not None and principal.kind in IN_IAM else None
        asked = Asked(ctx, operation, request, need, holdings, owner)
        question = Question(need.action, need.resource, _caller(principal), resource_account=owner, look_up=lambda key: look_up(asked, key))
        policies = self._policies(principal, holdings, own, levels)
        if principal.kind == "service" and own is None:
            decision = Decision(
                allowed=True, explicit=False, by=""
            )  # what services do among themselves is no call on AWS, and has no policy to ask
        elif principal.kind in BORN and holdings is None:
            decision = Decision(allowed=False, explicit=False, by="identity")  # deleted: a resource's policy names whoever has the name now
        else:
            decision = decide(question, policies)
        decided = Decided(ctx.request_id, principal, question, policies, decision)
        if principal.kind != "root":
            question.settle(keys(question, policies))
            self._home.bus.publish("decision", decided)
        return decided

    def _policies(
        self, principal: Principal, holdings: Holdings | None, own: ResourcePolicy | None, levels: tuple[PolicySet, ...]
    ) -> Policies:
        return Policies(
            identity=NO_POLICIES if holdings is None or not _is_the_same(principal, holdings) else holdings.identity,
            boundary=None if holdings is None else holdings.boundary,
            session=self._session(principal),
            control=levels,
            resource=_together(own.policies) if own is not None and own.policies else None,
            resource_alone=own is not None and own.alone,
        )

    def _session(self, principal: Principal) -> PolicySet | None:
        """What the session was narrowed to. A federated user has nothing that its session policies do not give."""
        session = principal.session
        if session is None or not (session.policies or session.policy_arns):
            return NO_POLICIES if principal.kind == "federated" else None
        inline = [parse(document, source="session policy", kind="session") for document in session.policies]
        managed = self.identity.managed(principal.account, session.policy_arns) if self.identity and session.policy_arns else NO_POLICIES
        return PolicySet([*inline, *managed.policies])

    def _resource_policy(self, need: Need) -> ResourcePolicy | None:
        fields = need.resource.split(":", 3)
        name = room_of(fields[2]) if len(fields) > 3 else None
        policy_of = room(name).policy_of if name is not None else None
        return policy_of(self._home, need.action, need.resource) if policy_of is not None else None

    # -- the answer ----------------------------------------------------------------------------------------------------

    def _passes_anyway(self, decided: Decided) -> bool:
        """In audit mode what would have been refused is said, and passes."""
        if self._audits:
            question = decided.question
            log.warning("would be refused", principal=decided.principal.arn, action=question.action, resource=question.resource)
        return self._audits

    def _refusal(self, ctx: Context, operation: Operation, decided: Decided) -> Fault:
        protocol = operation.service.metadata.protocol
        question, decision = decided.question, decided.decision
        code = REFUSED_AS.get(ctx.service) or ("AccessDenied" if protocol in {"query", "rest-xml", "ec2"} else "AccessDeniedException")
        words = sentence(question, decision)
        if ctx.service == "s3" and question.resource_account != ctx.principal.account:
            words = "Access Denied"  # S3 explains itself to the bucket's own account alone
        if ctx.service == "ec2":
            words = f"{words}. Encoded authorization failure message: {self._encoded(decided)}"
        return fault(code, words)

    def _encoded(self, decided: Decided) -> str:
        """What sts:DecodeAuthorizationMessage opens."""
        question, decision, principal = decided.question, decided.decision, decided.principal
        matched = [each.statement for each in explain(question, decided.policies) if each.verdict == "matched"]
        refusal = Refusal(
            account=principal.account,
            principal_id=principal.user_id,
            principal_arn=principal.arn,
            action=question.action,
            resource=question.resource,
            explicit_deny=decision.explicit,
            matched=tuple(Matched(sid=statement.sid, effect=statement.effect) for statement in matched),
            conditions=question.context,
        )
        return encode_message(self._home.vault, refusal)

    # -- roles that services take on -----------------------------------------------------------------------------------

    async def session_of(self, role_arn: str, session_name: str) -> Principal:
        """The principal that the role becomes."""
        await self._home.open_room("iam")
        role_id = self.identity.role_id(role_arn) if self.identity is not None else None
        return role_session(role_arn, session_name, role_id=role_id or "")

    async def trusts(self, role_arn: str, service: str, *, source_arn: str = "", region: str = "") -> bool:
        """Whether the role is there and lets `service` (a room's name) take it on."""
        await self._home.open_room("iam")
        await self._home.open_room("sts")  # whose condition keys trust policies name
        from headwater.kernel.context import Context
        from headwater.kernel.identity import service_principal

        account = _account_of(role_arn)
        principal = service_principal(SERVICE_OF_ROOM.get(service, service), account)
        ctx = Context(self._home, account=account, region=region, principal=principal, service="sts", source_arn=source_arn)
        operation = room("sts").model.operations["AssumeRole"]
        need = Need("sts:AssumeRole", role_arn)
        if self._resource_policy(need) is None:
            return False
        request = {"RoleArn": role_arn} | ({"ExternalId": account} if service in SAY_ACCOUNT else {})
        decided = self._decide(ctx, operation, request, need, ())
        return decided.decision.allowed or self._passes_anyway(decided)


@lru_cache(RESOURCES_MAX)
def _together(policies: tuple[Policy, ...]) -> PolicySet:
    """A resource's policies as one thing, which remembers what it has for an action."""
    return PolicySet(policies)


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


def _is_the_same(principal: Principal, holdings: Holdings) -> bool:
    """Not one who was deleted and made again under the same name."""
    return principal.kind != "role" or not holdings.unique_id or principal.user_id.startswith(holdings.unique_id)


def _account_of(arn: str) -> str:
    fields = arn.split(":", 5)
    return fields[4] if len(fields) > 5 and fields[4].isdigit() else ""
