"""Checksums: S3's ten algorithms, running or at once, and how those of parts become one of the whole.

Pure. An object has exactly one checksum: what the request gave (header or trailer), else CRC64NVME computed here, as AWS does
since 2024. FULL_OBJECT checksums of parts are joined arithmetically (CRCs only); COMPOSITE ones are the checksum of the parts'
checksums, with `-N` behind. The algorithms themselves are those of `aws/checksums.py`. Source: "Checking object integrity" in the
S3 user guide; sentences from recorded answers of AWS (TestS3PutObjectChecksum).
"""

from __future__ import annotations

import binascii
import hashlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

from headwater.aws.checksums import SIZES as WIRE_SIZES
from headwater.aws.checksums import Hasher, hasher
from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Stream

from .refusals import invalid_request

DEFAULT: Final = "CRC64NVME"
FULL_OBJECT: Final = "FULL_OBJECT"
COMPOSITE: Final = "COMPOSITE"
SIZES: Final = {name.upper(): size for name, size in WIRE_SIZES.items()}
MEMBERS: Final = {f"Checksum{algorithm}": algorithm for algorithm in SIZES}
MEMBER_NAMES: Final = frozenset(MEMBERS)
HEADERS: Final = {f"x-amz-checksum-{algorithm.lower()}": algorithm for algorithm in SIZES}
_CRCS: Final = {"CRC32": "crc32", "CRC32C": "crc32c", "CRC64NVME": "crc64nvme"}


@cache
def _crt() -> Any:
    """awscrt's checksums: 35 ms and 9 MB, so not before somebody needs them."""
    from awscrt import checksums

    return checksums


@cache
def _crc(algorithm: str) -> Callable[[bytes, int], int]:
    advance: Callable[[bytes, int], int] = zlib.crc32 if algorithm == "CRC32" else getattr(_crt(), _CRCS[algorithm])
    return advance


def running(algorithm: str) -> Hasher:
    """A checksum that grows with the body."""
    return hasher(algorithm.lower())


def of(algorithm: str, body: bytes) -> str:
    """The checksum of `body`, as the wire shows it."""
    if algorithm in _CRCS:
        return _text(_crc(algorithm)(body, 0).to_bytes(SIZES[algorithm], "big"))
    state = running(algorithm)
    state.update(body)
    return _text(state.digest())


def _text(digest: bytes) -> str:
    return b64encode(digest).decode("ascii")


def text_of(state: Hasher) -> str:
    return _text(state.digest())


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


def check_form(algorithm: str, value: str) -> None:
    """Raise unless `value` is base64 of the algorithm's length."""
    try:
        size = len(b64decode(value, validate=True))
    except binascii.Error:
        size = -1
    if size != SIZES[algorithm]:
        raise invalid_request(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")


def check_sum(algorithm: str, given: str, calculated: str, body: Stream | bytes | None) -> None:
    """Raise unless what the request said of its body, in a header or behind the body, is what was calculated."""
    if algorithm and not given and isinstance(body, Stream):
        given = body.trailers.get(f"x-amz-checksum-{algorithm.lower()}", "")
        if not given:
            sentence = "The request contained trailing data that was not well-formed or did not conform to our published schema."
            raise fault("MalformedTrailerError", sentence)
        check_form(algorithm, given)
    if given and given != calculated:
        raise mismatch(algorithm)


def mismatch(algorithm: str) -> Fault:
    return fault("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def check_md5(given: str | None, etag: str) -> None:
    """Raise unless Content-MD5, where there is one, is that of the body, whose MD5 in hex is `etag`."""
    if given is None:
        return
    try:
        digest = b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != SIZES["MD5"]:
        raise fault("InvalidDigest", "The Content-MD5 you specified was invalid.", **{"Content-MD5": given})
    if digest.hex() != etag:
        raise fault(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            ExpectedDigest=digest.hex(),
            CalculatedDigest=_text(bytes.fromhex(etag)),
        )


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
    return f"{of(algorithm, b''.join(b64decode(part) for part in parts))}-{len(parts)}"


def joined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The CRC of the whole from the CRC and the size of each part, without reading anything again."""
    combine = getattr(_crt(), f"combine_{_CRCS[algorithm]}")
    value = 0
    for checksum, size in parts:
        value = combine(value, int.from_bytes(b64decode(checksum), "big"), size)
    return _text(value.to_bytes(SIZES[algorithm], "big"))


def etag_of_parts(etags: list[str]) -> str:
    """The ETag of a multipart object: the MD5 of the parts' MD5s, `-N` behind."""
    md5 = hashlib.md5(b"".join(bytes.fromhex(etag) for etag in etags), usedforsecurity=False)
    return f"{md5.hexdigest()}-{len(etags)}"
