"""Service-specific credentials: a name and a password for CodeCommit or Keyspaces, or a key for Bedrock and CloudWatch Logs.

The password is shown when it is made or made anew; at rest it is sealed.
Source: API reference of CreateServiceSpecificCredential; recorded answers.
"""

from __future__ import annotations

import base64
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from . import arns
from .model import GLOBAL, User, calling_user, find_user, users
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

WITH_PASSWORD: Final = frozenset({"codecommit.amazonaws.com", "cassandra.amazonaws.com"})
WITH_KEY: Final = frozenset({"bedrock.amazonaws.com", "logs.amazonaws.com"})
"""Their credential is an alias and a secret, and may end by itself."""
PER_SERVICE_MAX: Final = 2
SECRET_BYTES: Final = 32
CREDENTIAL_ID: Final = re.compile(r"\w+")


class ServiceCredential(Record, frozen=True, kw_only=True):
    account: str
    user_id: str
    credential_id: str
    service: str
    name: str
    sealed_secret: bytes
    active: bool
    created_at: datetime
    expires_at: datetime | None = None


service_credentials: Final = Table(
    "iam", "service_credentials", ServiceCredential, key=lambda one: (one.account, GLOBAL, one.user_id, one.credential_id)
)


def _status(credential: ServiceCredential, now: datetime) -> str:
    if credential.expires_at is not None and credential.expires_at <= now:
        return "Expired"
    return "Active" if credential.active else "Inactive"


def _described(ctx: Context, user: str, credential: ServiceCredential, secret: str | None = None) -> dict[str, Any]:
    with_key = credential.service in WITH_KEY
    return {
        "CreateDate": credential.created_at,
        "ExpirationDate": credential.expires_at,
        "ServiceName": credential.service,
        "ServiceUserName": None if with_key else credential.name,
        "ServiceCredentialAlias": credential.name if with_key else None,
        "ServicePassword": None if with_key else secret,
        "ServiceCredentialSecret": secret if with_key else None,
        "ServiceSpecificCredentialId": credential.credential_id,
        "UserName": user,
        "Status": _status(credential, ctx.clock.now()),
    }


def _find(ctx: Context, request: dict[str, Any]) -> tuple[User, ServiceCredential]:
    credential_id = request["ServiceSpecificCredentialId"]
    if CREDENTIAL_ID.fullmatch(credential_id) is None:
        where = "1 validation error detected: Value at 'serviceSpecificCredentialId' failed to satisfy constraint"
        raise fault("ValidationError", f"{where}: Member must satisfy regular expression pattern: [\\w]+")
    user = calling_user(ctx, request.get("UserName"))
    credential = ctx.store.get(service_credentials, user.account, GLOBAL, user.unique_id, credential_id)
    if credential is None:
        raise fault("NoSuchEntity", f"No such credential {credential_id} exists")
    return user, credential


@requires("iam:CreateServiceSpecificCredential", arns.user)
async def create_service_specific_credential(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A new one; its secret is in this answer and in no other."""
    user = find_user(ctx, request["UserName"])
    service = request["ServiceName"]
    if service not in WITH_PASSWORD | WITH_KEY:
        raise fault("NoSuchEntity", f"No such service {service} is supported for Service Specific Credentials")
    held = ctx.store.scan(service_credentials, user.account, GLOBAL, user.unique_id)
    same = sum(one.service == service for one in held)
    if same >= PER_SERVICE_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {PER_SERVICE_MAX}")
    credential_id, secret, now = new_unique_id("ACCA"), _secret(), ctx.clock.now().replace(microsecond=0)
    days = request.get("CredentialAgeDays")
    credential = ServiceCredential(
        account=user.account,
        user_id=user.unique_id,
        credential_id=credential_id,
        service=service,
        name=f"{user.name}{f'+{same}' if same else ''}-at-{user.account}",
        sealed_secret=ctx.home.vault.seal(secret.encode(), credential_id),
        active=True,
        created_at=now,
        expires_at=None if days is None else now + timedelta(days=days),
    )
    async with ctx.store.transaction() as tx:
        tx.put(service_credentials, credential)
    return {"ServiceSpecificCredential": _described(ctx, user.name, credential, secret)}


def _secret() -> str:
    return base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


@requires("iam:ListServiceSpecificCredentials", arns.user)
async def list_service_specific_credentials(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Those of a user, or of everybody, without secrets."""
    if request.get("AllUsers"):
        owners = {user.unique_id: user for user in ctx.store.scan(users, ctx.account, GLOBAL)}
    else:
        user = calling_user(ctx, request.get("UserName"))
        owners = {user.unique_id: user}
    found = [one for one in ctx.store.scan(service_credentials, ctx.account, GLOBAL) if one.user_id in owners]
    found = [one for one in found if one.service == request.get("ServiceName", one.service)]
    shown, more = page(found, request, lambda one: one.credential_id)
    listed = [_described(ctx, owners[one.user_id].name, one) for one in shown]
    told = more if more["IsTruncated"] or request.get("AllUsers") else {}  # recorded: one user's answer says nothing of pages
    return {"ServiceSpecificCredentials": listed, **told}


@requires("iam:UpdateServiceSpecificCredential", arns.user)
async def update_service_specific_credential(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let it count, or not."""
    _, credential = _find(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.put(service_credentials, msgspec.structs.replace(credential, active=request["Status"] == "Active"))
    return {}


@requires("iam:ResetServiceSpecificCredential", arns.user)
async def reset_service_specific_credential(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another secret; the one before is worth nothing."""
    user, credential = _find(ctx, request)
    secret = _secret()
    changed = msgspec.structs.replace(credential, sealed_secret=ctx.home.vault.seal(secret.encode(), credential.credential_id))
    async with ctx.store.transaction() as tx:
        tx.put(service_credentials, changed)
    return {"ServiceSpecificCredential": _described(ctx, user.name, changed, secret)}


@requires("iam:DeleteServiceSpecificCredential", arns.user)
async def delete_service_specific_credential(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Forget it."""
    user, credential = _find(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.delete(service_credentials, user.account, GLOBAL, user.unique_id, credential.credential_id)
    return {}
