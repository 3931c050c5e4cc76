"""ListMultipartUploads: by key, then by age, rolled up at a delimiter like any listing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .listing import PAGE_MAX, Page, Seek, encoded, rolled_up, walked
from .multipart import described
from .records import UPLOADS, Upload, sortable
from .refusals import invalid_argument


class _Row(NamedTuple):
    key: str
    order: str
    upload: Upload


@requires("s3:ListBucketMultipartUploads", BUCKET)
async def list_multipart_uploads(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    prefix, delimiter, encoding = request.get("Prefix", ""), request.get("Delimiter", ""), request.get("EncodingType")
    if encoding not in {None, "url"}:
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    limit = min(request.get("MaxUploads", PAGE_MAX), PAGE_MAX)
    key_marker = request.get("KeyMarker", "")
    upload_marker = request.get("UploadIdMarker", "") if key_marker else ""
    if upload_marker and ctx.store.get(UPLOADS, bucket.name, sortable(key_marker), upload_marker) is None:
        raise invalid_argument("Invalid uploadId marker", "upload-id-marker", upload_marker)
    rows = [_Row(upload.key, upload.upload_id, upload) for upload in ctx.store.scan(UPLOADS, bucket.name)]
    page = _page(rows, prefix, delimiter, limit, key_marker, upload_marker)
    return {
        "Bucket": bucket.name,
        "Prefix": encoded(prefix, encoding) if prefix else None,
        "Delimiter": encoded(delimiter, encoding) if delimiter else None,
        "KeyMarker": encoded(key_marker, encoding),
        "UploadIdMarker": upload_marker,
        "NextKeyMarker": encoded(page.last, encoding),
        "NextUploadIdMarker": page.last_order,
        "MaxUploads": limit,
        "IsTruncated": page.truncated,
        "EncodingType": encoding,
        "Uploads": [described(row.upload, bucket, encoding) for row in page.rows] or None,
        "CommonPrefixes": [{"Prefix": encoded(common, encoding)} for common in page.prefixes] or None,
    }


def _page(rows: list[_Row], prefix: str, delimiter: str, limit: int, key_marker: str, upload_marker: str) -> Page[_Row]:
    """One page out of all: uploads under way are few and in memory."""
    beyond = rolled_up(key_marker, prefix, delimiter) if key_marker.startswith(prefix) else ""
    walk: Generator[Seek, tuple[list[_Row], bool], Page[_Row]] = walked(
        prefix=prefix, delimiter=delimiter, limit=limit, after=key_marker, order=upload_marker, beyond=beyond, shows=lambda _row: True
    )
    try:
        seek = next(walk)
        while True:
            found = [row for row in rows if _is_behind(row, seek)]
            seek = walk.send((found[: seek.limit], len(found) > seek.limit))
    except StopIteration as end:
        page: Page[_Row] = end.value
        return page


def _is_behind(row: _Row, seek: Seek) -> bool:
    if not row.key.startswith(seek.prefix):
        return False
    if seek.beyond is not None and (row.key.startswith(seek.beyond) or row.key < seek.beyond):
        return False
    if seek.after is None:
        return True
    return row.key > seek.after or (bool(seek.order) and row.key == seek.after and row.order > seek.order)
