"""Temporary database users: a password that is good for some minutes, for whoever may ask IAM instead of knowing one.

Easy to get wrong: the name that logs in (`IAM:analyst`, `IAMA:` when it may be created) is not the database user it becomes.
Source: docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
"""

import re
import secrets
import string
from datetime import datetime, timedelta
from typing import Any, Final

from headwater.aws.faults import fault
from headwater.engines.warehouse.authentication import verifier
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import arns
from .clusters import find
from .model import Cluster, TemporaryLogin, invalid, invalid_state, temporary_logins
from .warehouses import warehouses_of

SECONDS: Final = range(900, 3601)
PASSWORD_LETTERS: Final = string.ascii_letters + string.digits
PASSWORD_LENGTH: Final = 64
_USER: Final = re.compile(r"[a-z_][a-z0-9_+.@-]{0,63}")


@requires("redshift:GetClusterCredentials", arns.db_user)
@requires("redshift:GetClusterCredentials", arns.database, when="DbName")
@requires("redshift:CreateClusterUser", arns.db_user, when=arns.creates_user)
@requires("redshift:JoinGroup", arns.db_groups, when="DbGroups")
async def get_cluster_credentials(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The user of that name; with AutoCreate one is made at its first login."""
    cluster = _find(ctx, request)
    db_user = request["DbUser"]
    if not _USER.fullmatch(db_user) or db_user == "public":
        raise invalid(f"Invalid DbUser: {db_user}")
    creates = request.get("AutoCreate", False)
    name = f"IAMA:{db_user}" if creates else f"IAM:{db_user}"
    password, expires_at = await _issue(
        ctx, cluster, name, db_user, request.get("DurationSeconds", SECONDS[0]), creates=creates, groups=request.get("DbGroups", [])
    )
    return {"DbUser": name, "DbPassword": password, "Expiration": expires_at}


@requires("redshift:GetClusterCredentialsWithIAM", arns.database)
async def get_cluster_credentials_with_iam(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The user that stands for the caller: `IAM:name` for an IAM user, `IAMR:name` for a role."""
    cluster = _find(ctx, request)
    duration_s = request.get("DurationSeconds", SECONDS[0])
    name = db_user_of(ctx)
    password, expires_at = await _issue(ctx, cluster, name, name, duration_s, creates=True, groups=[])
    refresh = ctx.clock.now() + timedelta(seconds=duration_s // 2)
    return {"DbUser": name, "DbPassword": password, "Expiration": expires_at, "NextRefreshTime": refresh}


def db_user_of(ctx: Context) -> str:
    principal = ctx.principal
    match principal.kind:
        case "user":
            return "IAM:" + principal.arn.rsplit("/", 1)[-1]
        case "role":
            return "IAMR:" + principal.arn.split("/")[1]
        case "root":
            return "IAM:root"
        case _:
            raise fault("UnsupportedOperation", f"There is no database user for {principal.arn}.")


def _find(ctx: Context, request: dict[str, Any]) -> Cluster:
    if "ClusterIdentifier" not in request:
        raise fault("UnsupportedOperation", "Custom domain names are not built: name the cluster.")
    cluster = find(ctx, request["ClusterIdentifier"])
    if cluster.status == "deleting":
        raise invalid_state(cluster.identifier, cluster.status)
    return cluster


async def _issue(
    ctx: Context, cluster: Cluster, name: str, db_user: str, duration_s: int, *, creates: bool, groups: list[str]
) -> tuple[str, datetime]:
    if duration_s not in SECONDS:
        raise invalid(f"DurationSeconds must be between {SECONDS[0]} and {SECONDS[-1]}.")
    password = "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PASSWORD_LENGTH))
    now, serial = ctx.clock.now(), ctx.new_id()
    login = TemporaryLogin(
        account=ctx.account,
        region=ctx.region,
        identifier=cluster.identifier,
        user=name,
        serial=serial,
        db_user=db_user,
        sealed_verifier=ctx.home.vault.seal(verifier(name, password).encode(), serial),
        expires_at=now + timedelta(seconds=duration_s),
        auto_create=creates,
        groups=tuple(groups),
    )
    ended = [one for one in ctx.store.scan(temporary_logins, ctx.account, ctx.region, cluster.identifier) if one.expires_at <= now]
    async with ctx.store.transaction() as tx:
        for one in ended:
            tx.delete(temporary_logins, one.account, one.region, one.identifier, one.user, one.serial)
        tx.put(temporary_logins, login)
    await warehouses_of(ctx.home).inform(cluster)
    return password, login.expires_at
