"""What policies may ask of a request for a session, mostly the trust policy of the role: the keys of STS.

Source: "Actions, resources, and condition keys for AWS Security Token Service" of the Service Authorization Reference; "Pass
session tags in AWS STS" of IAM's user guide, for the tags that come from elsewhere than the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import SERVICE

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]


@SERVICE.condition_key("sts:ExternalId")
def external_id(ctx: Context, request: Request) -> str | None:
    """What keeps a service that acts for many customers from being turned against one of them."""
    return request.get("ExternalId")


@SERVICE.condition_key("sts:RoleSessionName")
def session_name(ctx: Context, request: Request) -> str | None:
    return request.get("RoleSessionName")


@SERVICE.condition_key("sts:SourceIdentity")
def source_identity(ctx: Context, request: Request) -> str | None:
    """What the new session will have: once set, it goes down the chain of roles."""
    session = ctx.principal.session
    return (session.source_identity if session is not None else "") or request.get("SourceIdentity")


@SERVICE.condition_key("sts:TransitiveTagKeys")
def transitive_tag_keys(ctx: Context, request: Request) -> list[str] | None:
    """Those that the new session will have, the inherited ones first."""
    session = ctx.principal.session
    inherited = session.transitive_tag_keys if session is not None else ()
    return [*inherited, *request.get("TransitiveTagKeys", [])] or None


@SERVICE.condition_key("sts:DurationSeconds")
def duration(ctx: Context, request: Request) -> str | None:
    return str(request["DurationSeconds"]) if "DurationSeconds" in request else None


@SERVICE.condition_key("aws:RequestTag/")
def request_tag(ctx: Context, request: Request) -> str | None:
    """The tag that the new session will have under this key."""
    wanted = request["{key}"].lower()
    return next((value for key, value in session_tags(ctx, request).items() if key.lower() == wanted), None)


@SERVICE.condition_key("aws:TagKeys")
def tag_keys(ctx: Context, request: Request) -> list[str] | None:
    return list(session_tags(ctx, request)) or None


def session_tags(ctx: Context, request: Request) -> dict[str, str]:
    """The new session's tags, before they are checked: those of the identity token, the inherited ones, the request's."""
    session = ctx.principal.session
    if session is None:
        inherited = {}
    elif session.provider and ctx.principal.kind == "federated":
        inherited = session.tags
    else:
        inherited = {key: session.tags[key] for key in session.transitive_tag_keys}
    return inherited | {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}


def has_tags(ctx: Context, request: Request) -> bool:
    """Whether sts:TagSession is needed."""
    return bool(session_tags(ctx, request))


def has_source_identity(ctx: Context, request: Request) -> bool:
    """Whether sts:SetSourceIdentity is needed."""
    return bool(source_identity(ctx, request))
