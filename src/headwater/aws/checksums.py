"""The checksums that S3 knows, computed as bytes pass and compared with what the client said.

CRC32 comes from zlib, the digests from hashlib; CRC32C, CRC64NVME and the XXHASH family from awscrt, AWS's own library, which is
only imported (50 ms) when a client asks for one of them. Sentences as in recordings/s3.json (grep "checksum").
"""

import binascii
import hashlib
import zlib
from base64 import b64decode, b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any, Final, Protocol

from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Request

PREFIX: Final = "x-amz-checksum-"
_NOT_ALGORITHMS: Final = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"})
SIZES: Final = {
    "crc32": 4,
    "crc32c": 4,
    "crc64nvme": 8,
    "sha1": 20,
    "sha256": 32,
    "sha512": 64,
    "md5": 16,
    "xxhash64": 8,
    "xxhash3": 8,
    "xxhash128": 16,
}
_XXHASHES: Final = {"xxhash64": "new_xxhash64", "xxhash3": "new_xxhash3_64", "xxhash128": "new_xxhash3_128"}


class Hasher(Protocol):
    def update(self, data: bytes, /) -> Any: ...
    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    def __init__(self, state: Any) -> None:
        self._state = state

    def update(self, data: bytes, /) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        digest: bytes = self._state.finalize()
        return digest


def hasher(algorithm: str) -> Hasher:
    """A hasher for one of SIZES, in lower case."""
    if algorithm == "crc32":
        return _Crc(zlib.crc32, 4)
    if algorithm in {"crc32c", "crc64nvme"}:
        from awscrt import checksums  # see above

        return _Crc(getattr(checksums, algorithm), SIZES[algorithm])
    if algorithm in _XXHASHES:
        from awscrt import checksums  # see above

        return _XxHash(getattr(checksums.XXHash, _XXHASHES[algorithm])(0))
    return hashlib.new(algorithm, usedforsecurity=False)


def checksum(algorithm: str, content: bytes) -> str:
    """The checksum of `content` as S3 shows it: base64 of the big-endian value. `algorithm` in any case of letters."""
    if algorithm == "CRC32":  # what SDKs send by themselves
        return b2a_base64(zlib.crc32(content).to_bytes(4, "big"), newline=False).decode("ascii")
    computing = hasher(algorithm.lower())
    computing.update(content)
    return text_of(computing)


def text_of(computed: Hasher) -> str:
    return b64encode(computed.digest()).decode("ascii")


def check_form(algorithm: str, value: str, where: str = "header") -> None:
    """Raise unless `value` is base64 of the algorithm's length."""
    if not _is_base64_of(value, SIZES[algorithm.lower()]):
        raise fault("InvalidRequest", f"Value for {PREFIX}{algorithm.lower()} {where} is invalid.")


def mismatch(algorithm: str) -> Fault:
    return fault("BadDigest", f"The {algorithm.upper()} you specified did not match the calculated checksum.")


def md5_of(header: str) -> bytes:
    """The digest that a Content-MD5 says."""
    if not _is_base64_of(header, SIZES["md5"]):
        raise fault("InvalidDigest", "The Content-MD5 you specified was invalid.", **{"Content-MD5": header})
    return b64decode(header)


def check_md5(wanted: bytes, found: bytes) -> None:
    """Raise unless the body has the MD5 that Content-MD5 said."""
    if wanted != found:
        members = {"ExpectedDigest": wanted.hex(), "CalculatedDigest": b64encode(found).decode()}
        raise fault("BadDigest", "The Content-MD5 you specified did not match what we received.", **members)


class Checks:
    """Everything that a request says of its own body's bytes, in order to hold it against them.

    Raises at once where a header cannot be right whatever follows. `trailer` is the checksum that will only be known at the end.
    Without `of_body`, x-amz-checksum- headers speak of something else (CompleteMultipartUpload's: of the object).
    """

    def __init__(self, request: Request, *, of_body: bool = True) -> None:
        headers = request.headers
        self._hashers: dict[str, Hasher] = {}
        self._wanted: dict[str, str] = {}  # by algorithm, base64
        self.trailer = _announced(headers.get("x-amz-trailer", ""))
        named = [name for name in headers if of_body and name.startswith(PREFIX) and name not in _NOT_ALGORITHMS]
        if len(named) > 1 or (named and self.trailer):
            raise fault("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        for name in named:
            self._expect(name.removeprefix(PREFIX), headers[name])
        if self.trailer is not None:
            self._hashers[self.trailer] = hasher(self.trailer)
        self._md5 = md5_of(headers["content-md5"]) if "content-md5" in headers else None
        said = headers.get("x-amz-content-sha256", "")
        self._sha256 = said.lower() if len(said) == 64 else None
        if self._md5 is not None:
            self._hashers["md5"] = hasher("md5")
        if self._sha256 is not None:
            self._hashers.setdefault("sha256", hasher("sha256"))

    def _expect(self, algorithm: str, value: str) -> None:
        if algorithm not in SIZES:
            supported = ", ".join(name.upper() for name in SIZES)
            raise fault(
                "InvalidRequest",
                f"Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{supported}]",
            )
        check_form(algorithm, value)
        self._hashers[algorithm] = hasher(algorithm)
        self._wanted[algorithm] = value

    def __bool__(self) -> bool:
        return bool(self._hashers)

    def update(self, data: bytes) -> None:
        for computing in self._hashers.values():
            computing.update(data)

    def finish(self, trailers: dict[str, str]) -> dict[str, str]:
        """Raises what does not hold; returns the checksums that the body has been found to have, by header name."""
        found = {algorithm: computing.digest() for algorithm, computing in self._hashers.items()}
        if self._sha256 is not None and found["sha256"].hex() != self._sha256:
            members = {"ClientComputedContentSHA256": self._sha256, "S3ComputedContentSHA256": found["sha256"].hex()}
            raise fault(
                "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", **members
            )
        if self._md5 is not None:
            check_md5(self._md5, found["md5"])
        if self.trailer is not None:
            self._wanted[self.trailer] = _trailing(self.trailer, trailers)
        for algorithm, wanted in self._wanted.items():
            if b64decode(wanted) != found[algorithm]:
                raise mismatch(algorithm)
        return {f"{PREFIX}{algorithm}": value for algorithm, value in self._wanted.items()}


def _announced(text: str) -> str | None:
    """The checksum that an X-Amz-Trailer header promises."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if not names:
        return None
    algorithm = names[0].removeprefix(PREFIX)
    if len(names) > 1 or not names[0].startswith(PREFIX) or algorithm not in SIZES:
        raise fault("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
    return algorithm


def _trailing(algorithm: str, trailers: dict[str, str]) -> str:
    value = trailers.get(f"{PREFIX}{algorithm}")
    if value is None:
        raise malformed_trailer()
    check_form(algorithm, value, "trailing header")
    return value


def malformed_trailer() -> Fault:
    sentence = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return fault("MalformedTrailerError", sentence)


def _is_base64_of(value: str, size: int) -> bool:
    try:
        return len(a2b_base64(value, strict_mode=True)) == size
    except binascii.Error:
        return False
