"""The Range header, as S3 reads it: one range or none. What it cannot read it ignores, and only a range beyond the end is refused.

Pure. Source: recorded answers of AWS (TestS3ObjectCRUD::test_get_object_range): `bytes=1-0`, `bytes=-1-`, several ranges and
nonsense all give the whole object with 200; `bytes=-0` and a start behind the end give 416.
"""

from __future__ import annotations

import re
from typing import Final

from .refusals import invalid_argument, invalid_range

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


def asked(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte asked for, both included; None for the whole object."""
    found = _RANGE.fullmatch(header) if header else None
    if header is None or found is None:
        return None
    first, last = found.groups()
    if first:
        if last and int(last) < int(first):
            return None
        if int(first) >= size:
            raise invalid_range(header, size)
        return int(first), min(int(last), size - 1) if last else size - 1
    if not last:
        return None
    if int(last) == 0 or size == 0:
        raise invalid_range(header, size)
    return max(0, size - int(last)), size - 1


def of_source(header: str, size: int) -> tuple[int, int]:
    """x-amz-copy-source-range, which must be exact: both ends named and inside the source."""
    found = _RANGE.fullmatch(header)
    if found is None or not all(found.groups()) or int(found[1]) > int(found[2]):
        raise invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based "
            "offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )
    if int(found[2]) >= size:
        raise invalid_argument(f"Range specified is not valid for source object of size: {size}", "x-amz-copy-source-range", header)
    return int(found[1]), int(found[2])
