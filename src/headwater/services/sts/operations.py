"""Who am I, become a role, and sessions for those who have long-lived keys.

Whether the role's trust policy lets the caller in is decided where every other permission is decided, before the operation. Here
stands what the request itself must satisfy, and what the session carries from then on. Source: the API reference of AWS STS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.authorization_message import decode_message
from headwater.kernel.identity import ACCESS_KEYS, Principal, Session, role_session
from headwater.kernel.permissions import requires, requires_nothing

from .condition_keys import has_source_identity, has_tags
from .directory import Directory, account_of
from .sessions import issued, packed_size, session_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ASSUMED_S: Final = 3600
CHAINED_S_MAX: Final = 3600
SESSION_S: Final = 43_200
ROOT_SESSION_S: Final = 3600
FEDERATED_USER: Final = "arn:aws:sts::{account}:federated-user/{Name}"


@requires_nothing
async def get_caller_identity(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Needs no permission at all."""
    return {"UserId": ctx.principal.user_id, "Account": ctx.principal.account, "Arn": ctx.principal.arn}


@requires("sts:AssumeRole", "{RoleArn}")
@requires("sts:TagSession", "{RoleArn}", when=has_tags)
@requires("sts:SetSourceIdentity", "{RoleArn}", when=has_source_identity)
async def assume_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Become a session of the role."""
    arn = request["RoleArn"]
    directory = Directory(ctx, account_of(arn))
    caller = ctx.principal.session if ctx.principal.kind == "role" else None
    session = session_of(ctx, request, caller=caller)
    if "ProvidedContexts" in request:
        raise fault("NotImplemented", "Headwater has not built trusted identity propagation (ProvidedContexts).")
    if ctx.principal.kind == "federated":
        raise fault("AccessDenied", "Cannot call AssumeRole with federation credentials")
    role = await directory.role(arn)
    if role is None:
        raise _denied(ctx, "sts:AssumeRole", arn)
    if session.source_identity != request.get("SourceIdentity", session.source_identity):
        raise _denied(ctx, "sts:SetSourceIdentity", arn)  # once set, it cannot be changed
    duration_s = request.get("DurationSeconds", ASSUMED_S)
    if ctx.principal.kind == "role" and duration_s > CHAINED_S_MAX:
        raise fault("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    check_duration(role, duration_s)
    await directory.check_policies(session.policy_arns)
    return assumed(ctx, request, role, session, duration_s)


@requires_nothing
async def get_session_token(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Temporary credentials of the caller itself, who must have come with long-lived ones."""
    _refuse_sessions(ctx, "GetSessionToken")
    proven = ctx.principal.session or Session()  # with the second factor, where the request had one
    session = msgspec.structs.replace(proven, issued_at=ctx.clock.now().replace(microsecond=0))
    return issued(ctx, msgspec.structs.replace(ctx.principal, session=session), _duration_s(ctx, request), request)


@requires("sts:GetFederationToken", FEDERATED_USER)
@requires("sts:TagSession", FEDERATED_USER, when="Tags")
async def get_federation_token(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Temporary credentials for somebody whom the caller vouches for: with no policy of its own it may do nothing."""
    _refuse_sessions(ctx, "GetFederationToken")
    account, name = ctx.principal.account, request["Name"]
    session = session_of(ctx, request)
    await Directory(ctx, account).check_policies(session.policy_arns)
    federated = Principal(
        arn=f"arn:aws:sts::{account}:federated-user/{name}",
        account=account,
        kind="federated",
        user_id=f"{account}:{name}",
        role_arn=ctx.principal.arn,  # whose policies the session's are cut with
        session=msgspec.structs.replace(session, vouched_by=ctx.principal.user_id),
    )
    return {
        **issued(ctx, federated, _duration_s(ctx, request), request),
        "FederatedUser": {"FederatedUserId": federated.user_id, "Arn": federated.arn},
        "PackedPolicySize": packed_size(session),
    }


@requires("sts:GetAccessKeyInfo")
async def get_access_key_info(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The account of a key that IAM issued. A temporary key's id says nothing without its token."""
    key = ctx.store.get(ACCESS_KEYS, request["AccessKeyId"])
    if key is None:
        raise fault("ValidationError", f"The access key id {request['AccessKeyId']} is not known.")
    return {"Account": key.account}


@requires("sts:DecodeAuthorizationMessage")
async def decode_authorization_message(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Why a call of this account was refused, as the refusal says it in sealed form."""
    message = decode_message(ctx.home.vault, ctx.account, request["EncodedMessage"])
    if message is None:
        raise fault("InvalidAuthorizationMessageException", "Message is not valid")
    return {"DecodedMessage": message}


def check_duration(role: dict[str, Any], duration_s: int) -> None:
    if duration_s > role.get("MaxSessionDuration", ASSUMED_S):
        raise fault("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def assumed(ctx: Context, request: dict[str, Any], role: dict[str, Any], session: Session, duration_s: int) -> dict[str, Any]:
    """The answer of every AssumeRole…: the session, and credentials of it."""
    principal = role_session(role["Arn"], request["RoleSessionName"], role_id=role["RoleId"])
    size = packed_size(session)
    return {
        **issued(ctx, msgspec.structs.replace(principal, session=session), duration_s, request),
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": size,
        "SourceIdentity": session.source_identity or None,
    }


def _denied(ctx: Context, action: str, role_arn: str) -> Fault:
    return fault("AccessDenied", f"User: {ctx.principal.arn} is not authorized to perform: {action} on resource: {role_arn}")


def _duration_s(ctx: Context, request: dict[str, Any]) -> int:
    longest = ROOT_SESSION_S if ctx.principal.kind == "root" else SESSION_S
    duration_s: int = request.get("DurationSeconds", longest)
    return min(duration_s, ROOT_SESSION_S) if ctx.principal.kind == "root" else duration_s


def _refuse_sessions(ctx: Context, operation: str) -> None:
    if ctx.principal.kind in {"role", "federated"} or ctx.principal.access_key_id.startswith("ASIA"):
        raise fault("AccessDenied", f"Cannot call {operation} with session credentials")
