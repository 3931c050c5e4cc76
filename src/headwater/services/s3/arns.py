"""Which actions and which ARNs a request to S3 means, for the lines of `requires`.

An operation and the action that allows it often have different names (HeadObject needs s3:GetObject), and a version id makes
another action of it (s3:GetObjectVersion). Source: "Required permissions for Amazon S3 API operations" of the user guide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from headwater.kernel.context import Context

from .grants import OWNERS_ALONE, are_asked
from .ordering import ORDER_LENGTH
from .records import NULL, OBJECTS, VERSIONS, ObjectVersion, sortable

Request = dict[str, Any]

ALL_BUCKETS: Final = "arn:aws:s3:::*"
BUCKET: Final = "arn:aws:s3:::{Bucket}"
OBJECT: Final = "arn:aws:s3:::{Bucket}/{Key}"
LOGGER: Final = "logging.s3.amazonaws.com"
_VERSION_MARK: Final = "?versionId="


def versioned(action: str, about: str = "") -> Callable[[Context, Request], str]:
    """s3:GetObject, or s3:GetObjectVersion where a version is named; `about` is what follows: s3:GetObjectVersionTagging."""
    plain, of_version = f"{action}{about}", f"{action}Version{about}"
    return lambda ctx, request: of_version if request.get("VersionId") else plain


def of_source(action: str, about: str = "") -> Callable[[Context, Request], str]:
    """The same for the source of a copy."""
    plain, of_version = f"{action}{about}", f"{action}Version{about}"
    return lambda ctx, request: of_version if split_source(request["CopySource"])[2] else plain


def split_source(text: str) -> tuple[str, str, str | None]:
    """(bucket, key, version id) of an x-amz-copy-source, which is URL-encoded and may begin with a slash."""
    path, marked, version_id = text.partition(_VERSION_MARK)
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    return bucket, key, version_id if marked else None


def source_object(ctx: Context, request: Request) -> str:
    bucket, key, _ = split_source(request["CopySource"])
    return f"arn:aws:s3:::{bucket}/{key}"


def copies_tags(ctx: Context, request: Request) -> bool:
    """Reading the source's tags needs leave of its own, where there are any."""
    return request.get("TaggingDirective", "COPY") == "COPY" and bool(tags_of(ctx, *split_source(request["CopySource"])))


def copy_gets_tags(ctx: Context, request: Request) -> bool:
    return copies_tags(ctx, request) or bool(request.get("Tagging"))


def tags_of(ctx: Context, bucket: str, key: str, version_id: str | None) -> dict[str, str]:
    """An object's tags; of what is not there, none."""
    version = _version(ctx, bucket, key, version_id)
    return {} if version is None else version.tags


def sets_acl(ctx: Context, request: Request) -> bool:
    """A service that leaves an object to the bucket's owner needs no more than PutObject: so AWS's own policies for CloudTrail have it. The
    grants on access logs are the owner's own, who put them into the configuration.
    """
    if ctx.principal.kind == "service" and (request.get("ACL") == OWNERS_ALONE or ctx.principal.arn == LOGGER):
        return False
    return are_asked(request)


def bypasses(ctx: Context, request: Request) -> bool:
    """Whether a retention is to be passed over, where its mode lets itself be."""
    return bool(request.get("BypassGovernanceRetention"))


def tags_bucket(ctx: Context, request: Request) -> bool:
    return bool((request.get("CreateBucketConfiguration") or {}).get("Tags"))


def one_to_delete(request: Request, one: Request) -> tuple[str, str]:
    """The action and the ARN of one entry of a list of objects to delete."""
    action = "s3:DeleteObjectVersion" if one.get("VersionId") else "s3:DeleteObject"
    return action, f"arn:aws:s3:::{request['Bucket']}/{one['Key']}"


def _version(ctx: Context, bucket: str, key: str, version_id: str | None) -> ObjectVersion | None:
    current = ctx.store.get(OBJECTS, bucket, sortable(key))
    if version_id is None or current is None or current.version_id == version_id:
        return current
    order = current.null_order if version_id == NULL else version_id[:ORDER_LENGTH]
    found = ctx.store.get(VERSIONS, bucket, sortable(key), order) if order else None
    return found if found is not None and found.version_id == version_id else None
