"""What there is: secrets and their versions, described and listed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.permissions import requires

from .filters import holds
from .finding import find, secret_arn
from .model import Secret, describe, describe_replicas, describe_stages, describe_version, secrets
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PAGE: Final = 100


def matching(ctx: Context, filters: list[dict[str, Any]], *, deleted_too: bool = False) -> list[Secret]:
    """The caller's secrets that pass the filters."""
    found = ctx.store.scan(secrets, ctx.account, ctx.region)
    return [secret for secret in found if (deleted_too or secret.deletion_at is None) and holds(secret, filters)]


@requires("secretsmanager:DescribeSecret", secret_arn)
async def describe_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All but the value; also of a secret that is to be deleted."""
    secret = find(ctx, request["SecretId"])
    copies = [ctx.store.get(secrets, secret.account, replica.region, secret.name) for replica in secret.replicas]
    accessed = {copy.region: copy.accessed_on for copy in copies if copy is not None}
    return describe(secret) | {"VersionIdsToStages": describe_stages(secret), "ReplicationStatus": describe_replicas(secret, accessed)}


@requires("secretsmanager:ListSecrets")
async def list_secrets(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """In the order asked for; where none is, the oldest first."""
    found = matching(ctx, request.get("Filters", []), deleted_too=request.get("IncludePlannedDeletion", False))
    by = _ORDERS[request.get("SortBy", "created-date")]
    descending = request.get("SortOrder", "asc") == "desc"
    shown, more = page(found, request, lambda secret: (by(secret), secret.name), PAGE, descending=descending)
    return {"SecretList": [describe(secret) | {"SecretVersionsToStages": describe_stages(secret)} for secret in shown]} | more


@requires("secretsmanager:ListSecretVersionIds", secret_arn)
async def list_secret_version_ids(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Versions that have a value, the oldest first; those without a label only if asked for."""
    secret = find(ctx, request["SecretId"])
    everything = request.get("IncludeDeprecated", False)
    found = [version for version in secret.versions if version.has_value and (everything or version.stages)]
    shown, more = page(found, request, lambda version: (_text(version.created_at), version.version_id), PAGE)
    return {"ARN": secret.arn, "Name": secret.name, "Versions": [describe_version(version) for version in shown]} | more


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="microseconds")


_ORDERS: Final[dict[str, Callable[[Secret], str]]] = {
    "name": lambda secret: secret.name,
    "created-date": lambda secret: _text(secret.created_at),
    "last-accessed-date": lambda secret: _text(secret.accessed_on),
    "last-changed-date": lambda secret: _text(secret.changed_at),
}
