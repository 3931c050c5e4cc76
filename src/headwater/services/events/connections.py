"""Connections: how EventBridge proves to somebody else's API who is calling.

Those that need no token are AUTHORIZED as soon as they are there; for one of OAuth a token is fetched first (oauth.py). The sentences are
those of the recordings of TestEventBridgeConnections, and of API destinations, whose room has the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from .arns import CONNECTION
from .connection_secrets import ConnectionSecrets
from .credentials import OAUTH, Document, document_of, shown_of
from .model import CONNECTIONS, Connection
from .oauth import AUTHORIZED, AUTHORIZING, DEAUTHORIZED, due_of
from .outgoing import may_be_called
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store, Transaction

CONNECTIONS_MAX: Final = 3000
_ARN: Final = re.compile(r"arn:aws:events:([a-z0-9-]+):(\d{12}):connection/([.\-_A-Za-z0-9]+)/([\-A-Za-z0-9]+)")


class CredentialsDropped(Job, frozen=True, kw_only=True, tag="events/credentials-dropped/1"):
    """A connection no longer has the secret `subject`."""


def describe(connection: Connection) -> dict[str, Any]:
    """As ListConnections has it."""
    return _dated(connection) | {
        "Name": connection.name,
        "AuthorizationType": connection.kind,
        "LastAuthorizedTime": connection.authorized_at,
        "StateReason": connection.reason,
    }


def _dated(connection: Connection) -> dict[str, Any]:
    return {
        "ConnectionArn": connection.arn,
        "ConnectionState": connection.state,
        "CreationTime": connection.created_at,
        "LastModifiedTime": connection.modified_at,
    }


def _changed(connection: Connection, state: str) -> dict[str, Any]:
    return _dated(connection) | {"ConnectionState": state, "LastAuthorizedTime": connection.authorized_at}


def connection_at(store: Store, arn: str) -> Connection | None:
    """That one, and no other that has its name now."""
    found = _ARN.fullmatch(arn)
    connection = None if found is None else store.get(CONNECTIONS, found[2], found[1], found[3])
    return connection if connection is not None and connection.arn == arn else None


def _find(ctx: Context, name: str) -> Connection:
    connection = ctx.store.get(CONNECTIONS, ctx.account, ctx.region, name)
    if connection is None:
        raise fault("ResourceNotFoundException", f"Failed to describe the connection(s). Connection '{name}' does not exist.")
    return connection


def _checked(request: dict[str, Any], document: Document) -> Document:
    auth = request.get("AuthParameters", {})
    if "InvocationConnectivityParameters" in request or "ConnectivityParameters" in auth:
        raise fault("NotImplemented", "Headwater has not built private connectivity of connections.")
    endpoint = document.get("authorization_endpoint")
    if endpoint is not None and not may_be_called(endpoint):
        raise not_callable("AuthorizationEndpoint")
    return document


def not_callable(member: str) -> Fault:
    return fault("ValidationException", f"Parameter {member} is not valid. Reason: Must be an HTTPS endpoint.")


@requires("events:CreateConnection", CONNECTION)
async def create_connection(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, kind = request["Name"], request["AuthorizationType"]
    _check_free(ctx, name)
    if len(ctx.store.scan(CONNECTIONS, ctx.account, ctx.region)) >= CONNECTIONS_MAX:
        raise fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    document = _checked(request, document_of(kind, request["AuthParameters"]))
    kms_key = request.get("KmsKeyIdentifier") or None
    secret_arn = await ConnectionSecrets(ctx).keep(name, kms_key, document)
    now = ctx.clock.now()
    connection = Connection(
        account=ctx.account,
        region=ctx.region,
        name=name,
        id=ctx.new_id(),
        kind=kind,
        state=AUTHORIZING if kind == OAUTH else AUTHORIZED,
        created_at=now,
        modified_at=now,
        authorized_at=now,
        revision=ctx.new_id(),
        shown=shown_of(kind, document),
        secret_arn=secret_arn,
        description=request.get("Description"),
        kms_key=kms_key,
    )
    try:
        _check_free(ctx, name)  # it was waited for the secret
    except Fault:
        await ConnectionSecrets(ctx).throw_away(secret_arn)
        raise
    await _keep(ctx, connection)
    return _dated(connection)


def _check_free(ctx: Context, name: str) -> None:
    if ctx.store.get(CONNECTIONS, ctx.account, ctx.region, name) is not None:
        raise fault("ResourceAlreadyExistsException", f"Connection {name} already exists.")


async def _keep(ctx: Context, connection: Connection) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(CONNECTIONS, connection)
        if connection.state == AUTHORIZING:
            tx.owe(due_of(connection))


@requires("events:UpdateConnection", CONNECTION)
async def update_connection(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What is not said stays as it is. Another kind of authorization needs all of its parameters."""
    connection = _find(ctx, request["Name"])
    kind = request.get("AuthorizationType", connection.kind)
    changes: dict[str, Any] = {"modified_at": ctx.clock.now()}
    if "Description" in request:
        changes["description"] = request["Description"]
    if "KmsKeyIdentifier" in request:
        changes["kms_key"] = request["KmsKeyIdentifier"] or None
    kms_key = changes.get("kms_key", connection.kms_key)
    if "AuthParameters" in request or kind != connection.kind or kms_key != connection.kms_key:
        secrets = ConnectionSecrets(ctx)
        before = await secrets.read(connection.secret_arn) if connection.secret_arn is not None and kind == connection.kind else None
        document = _checked(request, document_of(kind, request.get("AuthParameters", {}), before))
        if connection.secret_arn is None:
            changes["secret_arn"] = await secrets.keep(connection.name, kms_key, document)
        else:
            await secrets.rewrite(connection.secret_arn, kms_key, document)
        changes |= {
            "kind": kind,
            "state": AUTHORIZING if kind == OAUTH else AUTHORIZED,
            "reason": None,
            "shown": shown_of(kind, document),
            "revision": ctx.new_id(),
        }
        if kind != OAUTH:
            changes["authorized_at"] = changes["modified_at"]
    connection = msgspec.structs.replace(_find(ctx, request["Name"]), **changes)
    await _keep(ctx, connection)
    return _changed(connection, connection.state)


@requires("events:DescribeConnection", CONNECTION)
async def describe_connection(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    connection = _find(ctx, request["Name"])
    return describe(connection) | {
        "AuthParameters": connection.shown,
        "SecretArn": connection.secret_arn,
        "Description": connection.description,
        "KmsKeyIdentifier": connection.kms_key,
    }


@requires("events:ListConnections")
async def list_connections(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    found = [
        connection
        for connection in ctx.store.scan(CONNECTIONS, ctx.account, ctx.region)
        if connection.name.startswith(request.get("NamePrefix", ""))
        and request.get("ConnectionState", connection.state) == connection.state
    ]
    shown, more = page(found, request, lambda connection: connection.name)
    return {"Connections": [describe(connection) for connection in shown], **more}


@requires("events:DeauthorizeConnection", CONNECTION)
async def deauthorize_connection(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Its credentials are thrown away; the connection stays, and may get new ones."""
    connection = _find(ctx, request["Name"])
    changes = {"state": DEAUTHORIZED, "shown": None, "secret_arn": None, "revision": ctx.new_id(), "modified_at": ctx.clock.now()}
    changed = msgspec.structs.replace(connection, **changes)
    async with ctx.store.transaction() as tx:
        tx.put(CONNECTIONS, changed)
        _drop(ctx, tx, connection)
    return _changed(changed, "DEAUTHORIZING")


@requires("events:DeleteConnection", CONNECTION)
async def delete_connection(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """API destinations that have it stay, and are INACTIVE."""
    connection = _find(ctx, request["Name"])
    async with ctx.store.transaction() as tx:
        tx.delete(CONNECTIONS, connection.account, connection.region, connection.name)
        _drop(ctx, tx, connection)
    return _changed(connection, "DELETING")


def _drop(ctx: Context, tx: Transaction, connection: Connection) -> None:
    if connection.secret_arn is not None:
        tx.owe(CredentialsDropped(account=ctx.account, region=ctx.region, subject=connection.secret_arn, at=ctx.clock.now()))


@handles(CredentialsDropped)
async def _throw_away(ctx: Context, due: CredentialsDropped) -> None:
    await ConnectionSecrets(ctx).throw_away(due.subject)
