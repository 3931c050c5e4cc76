"""STS's own condition keys: what a request to become a role says of itself, mostly asked by the role's trust policy.

Source: Service Authorization Reference, "Condition keys for AWS Security Token Service".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import SERVICE

if TYPE_CHECKING:
    from headwater.kernel.context import Context


@SERVICE.condition_key("sts:ExternalId")
def external_id(ctx: Context, request: dict[str, Any]) -> str | None:
    """What keeps a deputy from being confused: there only when the caller said it."""
    return request.get("ExternalId")


@SERVICE.condition_key("sts:RoleSessionName")
def role_session_name(ctx: Context, request: dict[str, Any]) -> str | None:
    return request.get("RoleSessionName")


@SERVICE.condition_key("sts:SourceIdentity")
def source_identity(ctx: Context, request: dict[str, Any]) -> str | None:
    """Asked for; or the one that the calling session has and that a chain of roles keeps."""
    session = ctx.principal.session
    carried = session.source_identity if session is not None else ""
    return request.get("SourceIdentity") or carried or None


@SERVICE.condition_key("sts:TransitiveTagKeys")
def transitive_tag_keys(ctx: Context, request: dict[str, Any]) -> list[str] | None:
    return request.get("TransitiveTagKeys") or None


@SERVICE.condition_key("sts:DurationSeconds")
def duration_seconds(ctx: Context, request: dict[str, Any]) -> str | None:
    return str(request["DurationSeconds"]) if "DurationSeconds" in request else None
