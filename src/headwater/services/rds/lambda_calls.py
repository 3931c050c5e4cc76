"""A database calls a Lambda function from SQL: under which role, and what the SQL error says when it may not.

On Aurora MySQL the role is the one that the cluster parameter aws_default_lambda_role names, and it must be associated with the
cluster. An instance outside a cluster, which on AWS has no such functions, uses its associated role for the feature Lambda.
Source: "Giving Aurora access to Lambda" in the Aurora User Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.aws.faults import Fault
from headwater.aws.wire import Stream

from .records import Cluster, Instance, by_id
from .settings import LAMBDA_ROLE, chosen

if TYPE_CHECKING:
    from headwater.engines.mariadb_lambda.door import Invoke
    from headwater.kernel.home import Home
    from headwater.kernel.store import Store

FEATURE: Final = "Lambda"
NO_CREDENTIALS: Final = "Missing Credentials: Cannot instantiate Lambda Client"


class CallRefused(Exception):
    """The database may not call the function, or the function failed; the text is the SQL error's cause."""


def invoker(home: Home, account: str, region: str, resource_id: str) -> Invoke:
    """What the server's door does with each call. An asynchronous call returns once the invocation is in the journal."""

    async def invoke(arn: str, payload: bytes, sync: bool) -> bytes:
        owner = by_id(home.store, account, region, resource_id)
        if owner is None:
            raise CallRefused("the database is being deleted")
        role = role_of(home.store, owner)
        ctx = home.context(account=account, region=region, service="rds")
        functions = ctx.client("lambda", role=role, session_name=owner.name, region=_region(arn) or region, source_arn=owner.arn)
        try:
            answer = await functions.invoke(FunctionName=arn, InvocationType="RequestResponse" if sync else "Event", Payload=payload)
        except Fault as refusal:
            raise _in_sql(refusal, role) from refusal
        if not sync:
            return b""
        result = answer.get("Payload", b"")
        body = await result.read() if isinstance(result, Stream) else bytes(result)
        if failure := answer.get("FunctionError"):
            raise CallRefused(f"{failure}: {body.decode('utf-8', 'replace')} (function {arn})")
        return body

    return invoke


def _in_sql(refusal: Fault, role: str) -> CallRefused:
    """STS's refusal is that the database has no credentials, Lambda's that those it has do not suffice."""
    match refusal.code:
        case "AccessDenied":
            return CallRefused(f"{NO_CREDENTIALS}: rds.amazonaws.com may not assume role {role}")
        case "AccessDeniedException":
            return CallRefused(f"Access denied: {refusal.message}")
        case _:
            return CallRefused(str(refusal))


def role_of(store: Store, owner: Instance | Cluster) -> str:
    """The role under which the server calls functions; CallRefused names what is missing."""
    setting = chosen(store, owner).get(LAMBDA_ROLE) if isinstance(owner, Cluster) else None
    wanted = setting.value if setting is not None else ""
    if not wanted:
        for_lambda = [role.arn for role in owner.roles if role.feature == FEATURE]
        if for_lambda:
            return for_lambda[0]
        missing = f"{LAMBDA_ROLE} is not set" if isinstance(owner, Cluster) else f"no role is associated with {owner.name} for {FEATURE}"
        raise CallRefused(f"{NO_CREDENTIALS}: {missing}")
    if wanted not in {role.arn for role in owner.roles}:
        raise CallRefused(f"{NO_CREDENTIALS}: role {wanted} is not associated with {owner.name}")
    return wanted


def _region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 6 and parts[0] == "arn" else ""
