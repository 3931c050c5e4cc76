"""Who am I, become a role, and sessions for those who have long-lived keys.

Whether the role's trust policy lets the caller in is decided where every other permission is decided, at the gateway. Here stands
what the request itself must satisfy. Source: the API reference of AWS STS; sts.json of the recordings for tags.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import ACCESS_KEYS, Credentials, Principal, role_session
from headwater.kernel.permissions import requires, requires_nothing

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ROLE_ARN: Final = re.compile(r"arn:aws:iam::(\d{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})")
ASSUMED_S: Final = 3600
CHAINED_S_MAX: Final = 3600
SESSION_S: Final = 43_200
ROOT_SESSION_S: Final = 3600
PACKED_BYTES: Final = 2048
"""What AWS lets session policies and tags take in their packed form: PackedPolicySize is a percentage of it."""


FEDERATED_USER: Final = "arn:aws:sts::{account}:federated-user/{Name}"


def _has_source_identity(ctx: Context, request: dict[str, Any]) -> bool:
    """Asked for, or carried along from the session that assumes: a chain keeps it."""
    session = ctx.principal.session
    return "SourceIdentity" in request or (session is not None and bool(session.source_identity))


@requires_nothing
async def get_caller_identity(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Needs no permission at all."""
    return {"UserId": ctx.principal.user_id, "Account": ctx.principal.account, "Arn": ctx.principal.arn}


@requires("sts:AssumeRole", "{RoleArn}")
@requires("sts:TagSession", "{RoleArn}", when="Tags")
@requires("sts:SetSourceIdentity", "{RoleArn}", when=_has_source_identity)
async def assume_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Become a session of the role."""
    arn = request["RoleArn"]
    _check_tags(request.get("Tags", []), request.get("TransitiveTagKeys", []))
    _check_policy(request.get("Policy"))
    role = await _role(ctx, arn)
    duration_s = request.get("DurationSeconds", ASSUMED_S)
    if ctx.principal.kind == "role" and duration_s > CHAINED_S_MAX:
        raise fault("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    if duration_s > role.get("MaxSessionDuration", ASSUMED_S):
        raise fault("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")

    session = role_session(arn, request["RoleSessionName"], role_id=role["RoleId"])
    return {
        "Credentials": _issued(ctx, session, duration_s),
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "PackedPolicySize": _packed_size(request),
        "SourceIdentity": request.get("SourceIdentity"),
    }


@requires_nothing
async def get_session_token(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Temporary credentials of the caller itself, who must have come with long-lived ones."""
    if "SerialNumber" in request or "TokenCode" in request:
        raise fault("NotImplemented", "Headwater has not built MFA devices yet.")
    _refuse_sessions(ctx, "GetSessionToken")
    duration_s = request.get("DurationSeconds", ROOT_SESSION_S if ctx.principal.kind == "root" else SESSION_S)
    if ctx.principal.kind == "root":
        duration_s = min(duration_s, ROOT_SESSION_S)
    return {"Credentials": _issued(ctx, ctx.principal, duration_s)}


@requires("sts:GetFederationToken", FEDERATED_USER)
@requires("sts:TagSession", FEDERATED_USER, when="Tags")
async def get_federation_token(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Temporary credentials for somebody whom the caller vouches for."""
    _check_tags(request.get("Tags", []), [])
    _check_policy(request.get("Policy"))
    _refuse_sessions(ctx, "GetFederationToken")
    account, name = ctx.principal.account, request["Name"]
    federated = Principal(
        arn=f"arn:aws:sts::{account}:federated-user/{name}", account=account, kind="federated", user_id=f"{account}:{name}"
    )
    duration_s = request.get("DurationSeconds", SESSION_S)
    if ctx.principal.kind == "root":
        duration_s = min(duration_s, ROOT_SESSION_S)
    return {
        "Credentials": _issued(ctx, federated, duration_s),
        "FederatedUser": {"FederatedUserId": federated.user_id, "Arn": federated.arn},
        "PackedPolicySize": _packed_size(request),
    }


@requires("sts:GetAccessKeyInfo")
async def get_access_key_info(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The account of a key that IAM issued. A temporary key's id says nothing without its token."""
    key = ctx.store.get(ACCESS_KEYS, request["AccessKeyId"])
    if key is None:
        raise fault("ValidationError", f"The access key id {request['AccessKeyId']} is not known.")
    return {"Account": key.account}


def _denied(ctx: Context, role_arn: str) -> Fault:
    return fault("AccessDenied", f"User: {ctx.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")


async def _role(ctx: Context, arn: str) -> dict[str, Any]:
    """The role as IAM describes it. AWS doesn't tell a stranger whether a role exists: both are AccessDenied."""
    parts = ROLE_ARN.fullmatch(arn)
    if parts is None:
        raise fault("ValidationError", f"{arn} is invalid")
    account, name = parts.groups()
    iam = ctx.home.context(account=account, region=ctx.region, service="sts").client("iam")
    try:
        role: dict[str, Any] = (await iam.get_role(RoleName=name))["Role"]
    except Fault as refusal:
        if refusal.code != "NoSuchEntity":
            raise
        raise _denied(ctx, arn) from None
    if role["Arn"] != arn:
        raise _denied(ctx, arn)
    return role


def _refuse_sessions(ctx: Context, operation: str) -> None:
    if ctx.principal.kind in {"role", "federated"} or ctx.principal.access_key_id.startswith("ASIA"):
        raise fault("AccessDenied", f"Cannot call {operation} with session credentials")


def _issued(ctx: Context, principal: Principal, duration_s: int) -> dict[str, Any]:
    expiration = ctx.clock.now().replace(microsecond=0) + timedelta(seconds=duration_s)
    credentials: Credentials = ctx.home.issue_credentials(principal, expiration)
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": expiration,
    }


def _check_tags(tags: list[dict[str, str]], transitive: list[str]) -> None:
    keys = [tag["Key"].lower() for tag in tags]
    if len(set(keys)) != len(keys):
        raise fault("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower() not in keys for key in transitive):
        raise fault("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")


def _check_policy(document: str | None) -> None:
    if document is None:
        return
    try:
        parsed = json.loads(document)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict) or "Statement" not in parsed:
        raise fault("MalformedPolicyDocument", "The policy is not in the valid JSON format.")


def _packed_size(request: dict[str, Any]) -> int | None:
    """A percentage, where there is anything to pack. AWS's packing is its own; ours is the plain size."""
    size = len(request.get("Policy", ""))
    size += sum(len(tag["Key"]) + len(tag["Value"]) for tag in request.get("Tags", []))
    size += sum(len(policy["arn"]) for policy in request.get("PolicyArns", []))
    if size == 0:
        return None
    percent = -(-100 * size // PACKED_BYTES)
    if percent > 100:
        raise fault("PackedPolicyTooLarge", f"Packed policy consumes {percent}% of allotted space, please use smaller policy.")
    return percent
