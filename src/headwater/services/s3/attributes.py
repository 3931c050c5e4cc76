"""GetObjectAttributes: what is known of an object without its bytes. ETags stand here without quotes, composites without `-N`."""

from __future__ import annotations

from typing import Any, Final

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import attire, checksums, encryption
from .access import bucket_of, key_of
from .arns import OBJECT, versioned
from .keeper import Keeper
from .records import ObjectVersion
from .refusals import invalid_argument

ATTRIBUTES: Final = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
PARTS_MAX: Final = 1000


@requires(versioned("s3:GetObject"), OBJECT)
@requires(versioned("s3:GetObject", "Attributes"), OBJECT)
async def get_object_attributes(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    attire.refuse_not_built(request)
    wanted = request["ObjectAttributes"]
    for name in wanted:
        if name not in ATTRIBUTES:
            raise invalid_argument("Invalid attribute name specified", "x-amz-object-attributes", name)
    version = Keeper.of(ctx).find(ctx, bucket.name, key_of(request), request.get("VersionId"), "GET")
    encryption.check_key(version.encryption, request)
    if version.encryption is not None and "Checksum" in wanted:
        await encryption.opened(ctx, bucket, version.encryption, request)
    result: dict[str, Any] = {"LastModified": version.modified_at}
    if bucket.versioning:
        result["VersionId"] = version.version_id
    known = {
        "ETag": version.etag,
        "Checksum": _checksum(version),
        "ObjectParts": _parts(version, request) if version.parts and "ObjectParts" in wanted else None,
        "StorageClass": version.storage_class,
        "ObjectSize": version.size,
    }
    return result | {name: known[name] for name in wanted}


def _checksum(version: ObjectVersion) -> dict[str, str] | None:
    if not version.checksum:
        return None
    return {checksums.member(version.checksum_algorithm): version.checksum.split("-")[0], "ChecksumType": version.checksum_type}


def _parts(version: ObjectVersion, request: dict[str, Any]) -> dict[str, Any]:
    """Parts are listed only where each has a checksum of its own that matters: composite ones."""
    if version.checksum_type != checksums.COMPOSITE:
        return {"TotalPartsCount": len(version.parts)}
    limit = min(request.get("MaxParts", PARTS_MAX), PARTS_MAX)
    marker = int(request.get("PartNumberMarker", 0))
    following = [part for part in version.parts if part.number > marker]
    shown = following[:limit]
    member = checksums.member(version.checksum_algorithm)
    return {
        "TotalPartsCount": len(version.parts),
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(following) > limit,
        "Parts": [{"PartNumber": part.number, "Size": part.size, member: part.checksum} for part in shown] or None,
    }
