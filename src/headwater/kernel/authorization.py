"""The one place where it is decided whether a call may be made.

The walk asks here after decoding and before the operation, and so does the in-process client. What is needed stands beside the
operation (`kernel/permissions.py`), what policies say is computed in `aws/policy/`, whose they are is known to the rooms of IAM
and Organizations, which hand themselves over when they open. An account's root is bound by nothing but the resource's own
policy and its organization.
Source: "Policy evaluation logic" of the IAM user guide.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Operation
from headwater.aws.policy.denial import sentence
from headwater.aws.policy.evaluation import Decision, Policies, decide, explain, keys
from headwater.aws.policy.question import Question
from headwater.aws.signature_faults import Family, refused
from headwater.kernel import unbuilt
from headwater.kernel.authorization_message import Matched, Refusal, encode_message
from headwater.kernel.condition_keys import look_up, room_of
from headwater.kernel.identity import Principal, role_session
from headwater.kernel.permissions import Line, Need, lines_of, needs_of
from headwater.kernel.service import ResourcePolicy, Service, built_room, room
from headwater.kernel.standing import IN_IAM, ControlSource, Holdings, Judged, PolicySource, Standing, Standings

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

log = structlog.get_logger()

BORN: Final = frozenset({"user", "role"})
"""Principals that IAM makes and deletes."""
AMONG_SERVICES: Final = Decision(allowed=True, explicit=False, by="")
"""What services do among themselves is no call on AWS, and has no policy to ask, unless the resource has one."""
REFUSED_AS: Final = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "sqs": "AccessDenied", "cloudwatch": "AccessDenied"}
"""Where a service does not say it as its protocol does."""
SERVICE_OF_ROOM: Final = {"stepfunctions": "states"}
"""The name under which a room is trusted, where it is not the room's."""
OTHER_PARTITIONS: Final = "arn:aws-"
"""There is one partition here. Where a room reads over the word, what another one names is asked about as what it comes to."""
SAY_ACCOUNT: Final = frozenset({"firehose"})
"""Services that take on roles with the account's number as external id, as older trust policies for them ask."""


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
        self._standings = Standings()
        self._audits = home.settings.iam == "audit"

    @property
    def identity(self) -> PolicySource | None:
        """Who keeps users and roles: the room of IAM, once it is open."""
        return self._standings.identity

    @identity.setter
    def identity(self, source: PolicySource) -> None:
        self._standings.identity = source

    @property
    def control(self) -> ControlSource | None:
        """Who keeps organizations, once there is one."""
        return self._standings.control

    @control.setter
    def control(self, source: ControlSource) -> None:
        self._standings.control = source

    # -- the decision of a call ----------------------------------------------------------------------------------------

    async def authorize(self, ctx: Context, operation: Operation, request: dict[str, Any]) -> None:
        """Raise the service's own refusal unless the caller may do everything that the operation needs."""
        home = self._home
        service = built_room(ctx.service)
        principal = ctx.principal
        function = service.functions.get(operation.name) if service is not None else None
        lines = lines_of(function) if function is not None else None
        if "organizations" in home.store.services_with_state and not home.is_open("organizations"):
            await home.open_room("organizations")
        if principal.kind == "root" and not self._standings.levels(principal) and _is_at_home(service, lines):
            return
        if (principal.kind in IN_IAM or ctx.service == "sts") and not home.is_open("iam"):  # a role's trust is IAM's to tell
            await home.open_room("iam")
        if service is not None and service.policy_of is not None and not home.is_open(service.name):
            await home.open_room(service.name)
        standing = self._standings.of(principal)
        if standing.holdings is None and principal.kind in BORN:
            raise refused(_family(operation), "unknown key")
        for need in needs_of(lines, ctx, request) if lines is not None else await unbuilt.needs(ctx, operation, request):
            decided = self._decided(ctx, operation, request, need, standing)
            if decided is not None and not decided.decision.allowed and not self._passes_anyway(decided):
                raise self._refusal(ctx, operation, decided)

    def allows(self, ctx: Context, operation: Operation, request: dict[str, Any], action: str, resource: str) -> bool:
        """Whether the caller may do one thing more: for operations that answer for each part, or that tell less to who may less."""
        decided = self._decided(ctx, operation, request, Need(action, resource), self._standings.of(ctx.principal))
        return decided is None or decided.decision.allowed or self._passes_anyway(decided)

    def _decided(self, ctx: Context, operation: Operation, request: dict[str, Any], need: Need, standing: Standing) -> Decided | None:
        """None where there is nothing to decide: a root at what is its account's, where no policy stands."""
        principal = ctx.principal
        if need.resource.startswith(OTHER_PARTITIONS):
            need = msgspec.structs.replace(need, resource=f"arn:aws:{need.resource.partition(':')[2].partition(':')[2]}")
        own = self._resource_policy(need)
        judged = standing.settled(need.action, need.resource, own)
        if judged is None:
            owner = own.owner if own is not None else _account_of(need.resource) or principal.account
            if principal.kind == "root" and owner == principal.account and not standing.levels and (own is None or not own.policies):
                return None
            asked = Asked(ctx, operation, request, need, standing.holdings, owner)
            judged = _judge(asked, standing, own)
            standing.settle(judged)
        decided = Decided(ctx.request_id, principal, judged.question, judged.policies, judged.decision)
        if principal.kind != "root" or not judged.decision.allowed:
            self._home.bus.publish("decision", decided)
        return decided

    def _resource_policy(self, need: Need) -> ResourcePolicy | None:
        fields = need.resource.split(":", 3)
        name = room_of(fields[2]) if len(fields) > 3 else None
        policy_of = room(name).policy_of if name is not None else None
        return policy_of(self._home, need.action, need.resource) if policy_of is not None else None

    # -- the answer ----------------------------------------------------------------------------------------------------

    def _passes_anyway(self, decided: Decided) -> bool:
        """In audit mode what an account refuses its own is said, and passes. Accounts stay sealed off from each other."""
        question = decided.question
        passes = self._audits and question.resource_account == question.caller.account
        if passes:
            log.warning("would be refused", principal=decided.principal.arn, action=question.action, resource=question.resource)
        return passes

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
        decided = self._decided(ctx, operation, request, need, self._standings.of(principal))
        return decided is None or decided.decision.allowed or self._passes_anyway(decided)


def _judge(asked: Asked, standing: Standing, own: ResourcePolicy | None) -> Judged:
    need = asked.need
    question = Question(need.action, need.resource, standing.caller, resource_account=asked.owner, look_up=partial(look_up, asked))
    policies = standing.with_resource(own)
    decision = AMONG_SERVICES if asked.principal.kind == "service" and own is None else decide(question, policies)
    question.settle(keys(question, policies))
    return Judged(own, question, policies, decision)


def _is_at_home(service: Service | None, lines: tuple[Line, ...] | None) -> bool:
    """Whether a call concerns nothing but the caller's own account, whatever its request says: its root may then make it. Of what is
    not built the same is said, since nothing comes of it.
    """
    if service is None or lines is None:
        return service is None or service.policy_of is None
    return service.policy_of is None and all(line.is_at_home for line in lines)


def _family(operation: Operation) -> Family:
    """How the service words what is wrong with a key."""
    if operation.service.name == "s3":
        return "s3"
    return "query" if operation.service.metadata.protocol in {"query", "ec2"} else "json"


def _account_of(arn: str) -> str:
    fields = arn.split(":", 5)
    return fields[4] if len(fields) > 5 and fields[4].isdigit() else ""
