"""DeleteObjects: up to a thousand at once, one after the other, each with its own outcome and its own transaction."""

from __future__ import annotations

from typing import Any, Final

from headwater.aws.faults import Fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires_nothing

from . import SERVICE
from .access import bucket_of, key_of
from .arns import bypasses, one_to_delete
from .attire import refuse_not_built
from .checksums import HEADERS
from .keeper import Keeper
from .refusals import access_denied, header_not_built, invalid_request, malformed_xml, no_such_version

OBJECTS_MAX: Final = 1000


@requires_nothing
async def delete_objects(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The call itself needs no leave: each object is asked about by itself, and one that may not go is an error among the others."""
    bucket = bucket_of(ctx, request)
    refuse_not_built(request)
    _check_summed(ctx)
    wanted = request["Delete"].get("Objects") or []
    if not 1 <= len(wanted) <= OBJECTS_MAX:
        raise malformed_xml()
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in wanted:
        try:
            _check_allowed(ctx, request, one)
            deleted.append(await _delete_one(ctx, bucket.name, one, bypasses(ctx, request)))
        except Fault as refusal:
            said = {"Key": one["Key"], "Code": refusal.code, "Message": refusal.message, "VersionId": one.get("VersionId")}
            errors.append(said)
    quiet = request["Delete"].get("Quiet", False)
    return {"Deleted": None if quiet else deleted or None, "Errors": errors or None}


def _check_summed(ctx: Context) -> None:
    """Raise for a list from the wire whose bytes nothing vouches for: of all requests AWS insists on it for this one."""
    named = ("content-md5", "x-amz-trailer")
    if ctx.headers and not any(name in named or name in HEADERS for name in ctx.headers):
        raise invalid_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")


def _check_allowed(ctx: Context, request: dict[str, Any], one: dict[str, Any]) -> None:
    action, resource = one_to_delete(request, one)
    actions = [action, "s3:BypassGovernanceRetention"] if bypasses(ctx, request) else [action]
    operation = SERVICE.model.operations["DeleteObjects"]
    if not all(ctx.home.authorization.allows(ctx, operation, request, each, resource) for each in actions):
        raise access_denied()


async def _delete_one(ctx: Context, bucket: str, one: dict[str, Any], bypass: bool) -> dict[str, Any]:
    keeper = Keeper.of(ctx)
    key = key_of(one)
    if "LastModifiedTime" in one or "Size" in one:
        raise header_not_built("x-amz-if-match-last-modified-time" if "LastModifiedTime" in one else "x-amz-if-match-size")
    conditions = {"IfMatch": one["ETag"]} if "ETag" in one else {}
    conditions |= {"BypassGovernanceRetention": bypass}
    version_id = one.get("VersionId")
    if version_id is None:
        marker = await keeper.delete(ctx, bucket, key, conditions)
        return {"Key": key} if marker is None else {"Key": key, "DeleteMarker": True, "DeleteMarkerVersionId": marker.version_id}
    gone = await keeper.delete_version(ctx, bucket, key, version_id, conditions)
    if gone is None:
        raise no_such_version(key, version_id)
    found = {"Key": key, "VersionId": version_id}
    return found | {"DeleteMarker": True, "DeleteMarkerVersionId": gone.version_id} if gone.marker else found
