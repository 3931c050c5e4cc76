"""Logging in at a cluster as a client does: its endpoint and temporary credentials are asked of the Redshift room."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.models import service_model
from headwater.kernel.context import Context

from .model import refused

if TYPE_CHECKING:
    import psycopg

CONNECT_S: Final = 20
CREDENTIALS_S: Final = 3600
RENEW_BEFORE: Final = timedelta(minutes=5)


class Target(msgspec.Struct, frozen=True):
    """Where and as whom a statement runs."""

    cluster: str
    database: str
    db_user: str
    secret_arn: str


class Login(msgspec.Struct, frozen=True):
    host: str
    port: int
    user: str
    password: str
    expires_at: datetime | None


def target_of(request: dict[str, Any]) -> Target:
    if "WorkgroupName" in request:
        raise refused("Headwater has not built Redshift Serverless: name a ClusterIdentifier.")
    if "ClusterIdentifier" not in request:
        raise refused("ClusterIdentifier or WorkgroupName must be provided.")
    database = request.get("ConnectedDatabase") or request.get("Database")
    if not database:
        raise refused("Database is a required parameter when connecting to a cluster.")
    if "DbUser" in request and "SecretArn" in request:
        raise refused("DbUser and SecretArn cannot both be provided.")
    return Target(request["ClusterIdentifier"], database, request.get("DbUser", ""), request.get("SecretArn", ""))


class Logins:
    """Temporary credentials, kept while they are good: one login serves many statements."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Login] = {}

    async def of(self, ctx: Context, target: Target) -> Login:
        """Also of a login that is kept the caller must have the permission now."""
        key = (ctx.account, ctx.region, ctx.principal.arn, *msgspec.structs.astuple(target))
        cluster = await _described(ctx, target.cluster)
        endpoint = cluster.get("Endpoint")
        if endpoint is None:
            raise refused(f"Redshift cluster {target.cluster} is not available.")
        login = self._known.get(key)
        try:
            if login is None or (login.expires_at is not None and login.expires_at - RENEW_BEFORE <= ctx.clock.now()):
                login = await self._asked(ctx, target, endpoint)
            else:
                await _check(ctx, *_wanted(target))
        except Fault as refusal:
            raise _here(refusal) from refusal
        if login.expires_at is not None:
            self._known[key] = login
        return msgspec.structs.replace(login, host=endpoint["Address"], port=endpoint["Port"])

    def forget(self) -> None:
        self._known.clear()

    async def _asked(self, ctx: Context, target: Target, endpoint: dict[str, Any]) -> Login:
        host, port = endpoint["Address"], endpoint["Port"]
        if target.secret_arn:
            return await _secret_login(ctx, target.secret_arn, host, port)
        operation, request = _wanted(target)
        redshift = ctx.client("redshift")
        ask = redshift.get_cluster_credentials if operation == "GetClusterCredentials" else redshift.get_cluster_credentials_with_iam
        answer = await ask(**request)
        return Login(host, port, answer["DbUser"], answer["DbPassword"], answer["Expiration"])


def _wanted(target: Target) -> tuple[str, dict[str, Any]]:
    """Redshift's operation that gives the login, and what it is asked."""
    request = {"ClusterIdentifier": target.cluster, "DbName": target.database, "DurationSeconds": CREDENTIALS_S}
    if target.db_user:
        return "GetClusterCredentials", request | {"DbUser": target.db_user}
    return "GetClusterCredentialsWithIAM", request


async def _check(ctx: Context, operation: str, request: dict[str, Any]) -> None:
    via = (*ctx.called_via, ctx.service)
    there = Context(ctx.home, account=ctx.account, region=ctx.region, principal=ctx.principal, service="redshift", called_via=via)
    await ctx.home.authorization.authorize(there, service_model("redshift").operations[operation], request)


async def _secret_login(ctx: Context, secret: str, host: str, port: int) -> Login:
    answer = await ctx.client("secretsmanager").get_secret_value(SecretId=secret)
    try:
        content = msgspec.json.decode(answer["SecretString"])
        return Login(host, port, content["username"], content["password"], None)
    except (msgspec.DecodeError, KeyError, TypeError):
        raise refused("The secret must hold a JSON object with username and password.") from None


def _here(refusal: Fault) -> Fault:
    """What the caller may not do at Redshift or Secrets Manager, in this API's spelling of it."""
    return fault("AccessDeniedException", refusal.message) if refusal.code == "AccessDenied" else refusal


async def _described(ctx: Context, identifier: str) -> dict[str, Any]:
    """The endpoint is looked up by the API itself, as on AWS: the caller needs no permission to describe clusters."""
    try:
        own = ctx.home.context(account=ctx.account, region=ctx.region, service="redshift-data")
        answer = await own.client("redshift").describe_clusters(ClusterIdentifier=identifier)
    except Fault as missing:
        if missing.code == "ClusterNotFound":
            raise refused("Redshift endpoint doesn't exist in this region.") from missing
        raise
    cluster: dict[str, Any] = answer["Clusters"][0]
    return cluster


async def _connect(login: Login, database: str) -> "psycopg.AsyncConnection":
    import psycopg

    async with asyncio.timeout(CONNECT_S):
        return await psycopg.AsyncConnection.connect(
            host=login.host,
            port=login.port,
            user=login.user,
            password=login.password,
            dbname=database,
            sslmode="disable",  # never leaves the machine
            autocommit=True,
            application_name="redshift-data",
            prepare_threshold=None,
        )
