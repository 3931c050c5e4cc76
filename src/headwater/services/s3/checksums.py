"""What the checksums of an object mean: which one it has, and how those of parts become one of the whole.

Pure. An object has exactly one checksum: what the request gave (header or trailer), else CRC64NVME computed here, as AWS does
since 2024. FULL_OBJECT checksums of parts are joined arithmetically (CRCs only); COMPOSITE ones are the checksum of the parts'
checksums, with `-N` behind. The algorithms and what is said of wrong ones are in `aws/checksums.py`; here they have the names of
the API's members, in capitals. Source: "Checking object integrity" in the S3 user guide, and recorded answers of AWS.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from headwater.aws.checksums import SIZES as WIRE_SIZES
from headwater.aws.checksums import check_form, checksum, malformed_trailer, md5_of, mismatch
from headwater.aws.checksums import check_md5 as check_md5_of
from headwater.aws.wire import Stream

from .refusals import invalid_request

DEFAULT: Final = "CRC64NVME"
FULL_OBJECT: Final = "FULL_OBJECT"
COMPOSITE: Final = "COMPOSITE"
SIZES: Final = {name.upper(): size for name, size in WIRE_SIZES.items()}
MEMBERS: Final = {f"Checksum{algorithm}": algorithm for algorithm in SIZES}
MEMBER_NAMES: Final = frozenset(MEMBERS)
HEADERS: Final = {f"x-amz-checksum-{algorithm.lower()}": algorithm for algorithm in SIZES}
_CRCS: Final = frozenset({"CRC32", "CRC32C", "CRC64NVME"})


@cache
def _crt() -> Any:
    """awscrt's checksums: 35 ms and 9 MB, so not before somebody needs them."""
    from awscrt import checksums

    return checksums


def member(algorithm: str) -> str:
    return f"Checksum{algorithm}"


# -- what a request says ---------------------------------------------------------------------------------------------------


def asked(request: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[str, str]:
    """The algorithm that a request uses, and the value it gave in a header ("" when it comes in the trailer or not at all)."""
    given = MEMBER_NAMES.intersection(request)
    if not given:
        trailer = HEADERS.get(headers.get("x-amz-trailer", "").strip().lower())
        return (trailer or "", "")
    if len(given) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    (name,) = given
    algorithm, value = MEMBERS[name], request[name]
    check_form(algorithm, value)
    return algorithm, value


def check_sum(algorithm: str, given: str, calculated: str, body: Stream | bytes | None) -> None:
    """Raise unless what the request said of its body, in a header or behind the body, is what was calculated."""
    if algorithm and not given and isinstance(body, Stream):
        given = body.trailers.get(f"x-amz-checksum-{algorithm.lower()}", "")
        if not given:
            raise malformed_trailer()
        check_form(algorithm, given)
    if given and given != calculated:
        raise mismatch(algorithm)


def check_md5(given: str | None, etag: str) -> None:
    """Raise unless Content-MD5, where there is one, is that of the body, whose MD5 in hex is `etag`."""
    if given is not None:
        check_md5_of(md5_of(given), bytes.fromhex(etag))


# -- parts and the whole ---------------------------------------------------------------------------------------------------


def type_for(algorithm: str, asked_type: str | None) -> str:
    """The checksum type of an upload; raises where algorithm and type do not go together."""
    if not algorithm:
        if asked_type:
            raise invalid_request("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
        return ""
    if algorithm not in SIZES:
        raise invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        )
    if asked_type is None:
        return FULL_OBJECT if algorithm == "CRC64NVME" else COMPOSITE
    if (asked_type == FULL_OBJECT and algorithm not in _CRCS) or (asked_type == COMPOSITE and algorithm == "CRC64NVME"):
        raise invalid_request(f"The {asked_type} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.")
    return asked_type


def composite(algorithm: str, parts: list[str]) -> str:
    """The checksum of checksums, `-N` included."""
    return f"{checksum(algorithm, b''.join(b64decode(part) for part in parts))}-{len(parts)}"


def joined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The CRC of the whole from the CRC and the size of each part, without reading anything again."""
    combine = getattr(_crt(), f"combine_{algorithm.lower()}")
    value = 0
    for of_part, size in parts:
        value = combine(value, int.from_bytes(b64decode(of_part), "big"), size)
    return b64encode(value.to_bytes(SIZES[algorithm], "big")).decode("ascii")


def etag_of_parts(etags: list[str]) -> str:
    """The ETag of a multipart object: the MD5 of the parts' MD5s, `-N` behind."""
    md5 = hashlib.md5(b"".join(bytes.fromhex(etag) for etag in etags), usedforsecurity=False)
    return f"{md5.hexdigest()}-{len(etags)}"
