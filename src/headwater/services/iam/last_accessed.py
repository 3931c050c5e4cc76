"""Which services a user, group, role or policy may use, and when each was last used: from what was really called.

A service counts as granted where a policy allows anything of it, whatever resources and conditions say; other kinds of policies have no
say, as on AWS. Here the report is worked out when it is read, so that it lags behind nothing.
Source: "Refine permissions in AWS using last accessed information" of the user guide; API references of the four operations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.aws.faults import fault
from headwater.aws.policy.actions import titles
from headwater.aws.policy.wildcards import glob, tokens
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .grants import Reading, Written, identity_documents
from .last_use import watch_of
from .model import GLOBAL, KINDS, Access, Bearer, Group, Role, User, arn_of, bearers, members_of
from .paging import page_in_order
from .policies import find_policy
from .simulation import bearer_at

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ACTION_LEVEL: Final = "ACTION_LEVEL"
POLICY_ARN: Final = ":policy/"


class Report(Record, frozen=True, kw_only=True):
    """A report that was asked for."""

    account: str
    job_id: str
    arn: str
    granularity: str
    made_at: datetime


reports: Final = Table("iam", "last_accessed_reports", Report, key=lambda report: (report.account, GLOBAL, report.job_id))


# -- what policies grant -----------------------------------------------------------------------------------------------


def _several(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def granted(document: str, namespaces: Iterable[str]) -> set[str]:
    """Of these services, those of which the policy allows anything."""
    policy = json.loads(document)
    statements = policy.get("Statement", [])
    found: set[str] = set()
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement.get("Effect") == "Allow":
            found |= {one for one in namespaces if _grants(statement, one)}
    return found


def _grants(statement: dict[str, Any], namespace: str) -> bool:
    if "NotAction" in statement:
        return not any(_names(pattern, namespace) and pattern.rpartition(":")[2] == "*" for pattern in _several(statement["NotAction"]))
    return any(_names(pattern, namespace) for pattern in _several(statement.get("Action")))


def _names(pattern: str, namespace: str) -> bool:
    """Whether an action of this service can match the pattern: the star alone has no colon and matches all."""
    return glob(tokens(pattern.partition(":")[0].lower()))(namespace)


# -- the operations ----------------------------------------------------------------------------------------------------


@requires("iam:ListPoliciesGrantingServiceAccess", "{Arn}")
async def list_policies_granting_service_access(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By which of its policies a user, group or role may use each service."""
    bearer = bearer_at(ctx, request["Arn"])
    for namespace in request["ServiceNamespaces"]:
        _check_namespace(namespace)
    held = list(identity_documents(Reading(ctx.store), bearer))
    shown, more = page_in_order(request["ServiceNamespaces"], request)
    listed = [
        {"ServiceNamespace": one, "Policies": [_described_policy(written) for written in held if granted(written.document, (one,))]}
        for one in shown
    ]
    return {"PoliciesGrantingServiceAccess": listed, **more}


def _check_namespace(namespace: str) -> None:
    if namespace not in titles():
        raise fault("InvalidInput", f"Invalid service namespace: {namespace}")


def _described_policy(written: Written) -> dict[str, Any]:
    if written.arn is not None:
        return {"PolicyName": written.name, "PolicyType": "MANAGED", "PolicyArn": written.arn}
    kind = KINDS[type(written.bearer)].upper()
    return {"PolicyName": written.name, "PolicyType": "INLINE", "EntityType": kind, "EntityName": written.bearer.name}


@requires("iam:GenerateServiceLastAccessedDetails", "{Arn}")
async def generate_service_last_accessed_details(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Ask for a report."""
    arn = request["Arn"]
    _subjects(ctx, arn)
    report = Report(
        account=ctx.account,
        job_id=ctx.new_id(),
        arn=arn,
        granularity=request.get("Granularity", "SERVICE_LEVEL"),
        made_at=ctx.clock.now().replace(microsecond=0),
    )
    async with ctx.store.transaction() as tx:
        tx.put(reports, report)
    return {"JobId": report.job_id}


@requires("iam:GetServiceLastAccessedDetails")
async def get_service_last_accessed_details(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Every service that may be used, and its last use if there was one."""
    report = _find(ctx, request["JobId"])
    subjects = _subjects(ctx, report.arn)
    services = sorted(set().union(*[granted(document, titles()) for document in subjects.documents]))
    uses = _uses(ctx, subjects.entities)
    shown, more = page_in_order(services, request)
    listed = [_described_service(one, [use for use in uses if use.access.namespace == one], report.granularity) for one in shown]
    return {"JobType": report.granularity, "ServicesLastAccessed": listed, **_finished(report), **more}


@requires("iam:GetServiceLastAccessedDetailsWithEntities")
async def get_service_last_accessed_details_with_entities(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Which users and roles behind a group or policy used a service, and when."""
    report = _find(ctx, request["JobId"])
    namespace = request["ServiceNamespace"]
    _check_namespace(namespace)
    subjects = _subjects(ctx, report.arn)
    uses = [use for use in _uses(ctx, subjects.entities) if use.access.namespace == namespace]
    shown, more = page_in_order(subjects.entities, request)
    listed = []
    for entity in shown:
        last = max((use.access.at for use in uses if use.entity is entity), default=None)
        listed.append({"EntityInfo": _described_entity(entity), "LastAuthenticated": last})
    return {"EntityDetailsList": listed, **_finished(report), **more}


# -- what a report is about --------------------------------------------------------------------------------------------


class Subjects(NamedTuple):
    documents: list[str]
    entities: list[User | Role]
    """Who can have used what the documents grant."""


class Seen(NamedTuple):
    """An entity's last use of one action."""

    entity: User | Role
    access: Access


def _subjects(ctx: Context, arn: str) -> Subjects:
    if POLICY_ARN in arn:
        policy = find_policy(ctx, arn)
        return Subjects([policy.document], _with_members(ctx, [one for one in bearers(ctx) if arn in one.attached]))
    bearer = bearer_at(ctx, arn)
    documents = [written.document for written in identity_documents(Reading(ctx.store), bearer)]
    return Subjects(documents, _with_members(ctx, [bearer]))


def _with_members(ctx: Context, found: list[Bearer]) -> list[User | Role]:
    """Users and roles; a group stands for its members."""
    entities: dict[str, User | Role] = {}
    for bearer in found:
        if isinstance(bearer, Group):
            entities |= {user.unique_id: user for user in members_of(ctx, bearer.name)}
        elif isinstance(bearer, User | Role):
            entities[bearer.unique_id] = bearer
    return sorted(entities.values(), key=arn_of)


def _uses(ctx: Context, entities: list[User | Role]) -> list[Seen]:
    watch = watch_of(ctx)
    return [Seen(entity, access) for entity in entities for access in watch.accesses.scan(entity.account, GLOBAL, entity.unique_id)]


def _find(ctx: Context, job_id: str) -> Report:
    report = ctx.store.get(reports, ctx.account, GLOBAL, job_id)
    if report is None:
        raise fault("NoSuchEntity", f"Job {job_id} cannot be found.")
    return report


def _finished(report: Report) -> dict[str, Any]:
    return {"JobStatus": "COMPLETED", "JobCreationDate": report.made_at, "JobCompletionDate": report.made_at}


def _described_service(namespace: str, uses: list[Seen], granularity: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "ServiceName": titles()[namespace],
        "ServiceNamespace": namespace,
        "TotalAuthenticatedEntities": len({use.entity.unique_id for use in uses}),
    }
    if uses:
        last = max(uses, key=lambda use: use.access.at)
        described |= {
            "LastAuthenticated": last.access.at,
            "LastAuthenticatedEntity": arn_of(last.entity),
            "LastAuthenticatedRegion": last.access.region,
        }
    if granularity == ACTION_LEVEL and uses:
        described["TrackedActionsLastAccessed"] = _described_actions(uses)
    return described


def _described_actions(uses: list[Seen]) -> list[dict[str, Any]]:
    newest = {use.access.action: use for use in sorted(uses, key=lambda use: use.access.at)}
    return [
        {
            "ActionName": action.partition(":")[2],
            "LastAccessedEntity": arn_of(use.entity),
            "LastAccessedTime": use.access.at,
            "LastAccessedRegion": use.access.region,
        }
        for action, use in sorted(newest.items())
    ]


def _described_entity(entity: User | Role) -> dict[str, Any]:
    return {
        "Arn": arn_of(entity),
        "Name": entity.name,
        "Type": KINDS[type(entity)].upper(),
        "Id": entity.unique_id,
        "Path": entity.path,
    }
