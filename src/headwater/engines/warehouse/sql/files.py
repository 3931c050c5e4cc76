"""S3 objects as DuckDB reads them: which are left out, how they are packed, and lines of text as rows.

A line is read whole and split by a list function, not by the CSV reader: Hive's text has no quotes, takes lines with too
few and too many fields, and costs no more this way. What DuckDB cannot unpack itself is unpacked beside the data first.
"""

import bz2
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from headwater.engines.warehouse.sql.catalog import text
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.lake import Lake, LakeError, LakeFile, RoleRefused

IGNORED: Final = ("_", ".", "#")
PACKINGS: Final = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bzip2", ".snappy": "snappy"}
LINE_LENGTH_MAX: Final = 4 * 1024 * 1024  # as COPY's and Spectrum's own limit
READ_BUFFER: Final = 2 * LINE_LENGTH_MAX  # DuckDB's default is 32 lines: half a cluster's memory
BLOCK: Final = 1 << 20


class S3Url(msgspec.Struct, frozen=True):
    bucket: str
    key: str


def s3_url(url: str) -> S3Url:
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme.lower() not in ("s3", "s3a", "s3n") or not bucket:
        raise SqlError("22023", f"The S3 location '{url}' is not valid; it has the form s3://bucket/prefix")
    return S3Url(bucket, key)


def shown(file: LakeFile) -> bool:
    """Whether a scan sees the file: not a folder's marker, nor a name that Hive calls hidden."""
    name = file.key.rpartition("/")[2]
    return bool(name) and not name.startswith(IGNORED) and not name.endswith("~") and file.size > 0


def folder(lake: Lake, location: str, role: str) -> list[LakeFile]:
    """The data files at or under an external table's location."""
    url = s3_url(location)
    prefix = url.key.rstrip("/")
    found = asked(lake, url.bucket, prefix, role)
    inside = prefix + "/" if prefix else ""
    return [file for file in found if shown(file) and (file.key.startswith(inside) or file.key == prefix)]


def asked(lake: Lake, bucket: str, prefix: str, role: str) -> Sequence[LakeFile]:
    try:
        return lake.files(bucket, prefix, role)
    except LakeError as error:
        raise s3_error(error) from error


def at_hand(files: Iterable[LakeFile], spool: "Spool") -> list[LakeFile]:
    """The files, each on the disk until the statement ends."""
    return [file if file.fetch is None else _fetched(file, file.fetch, spool) for file in files]


def _fetched(file: LakeFile, fetch: Callable[[Path], None], spool: "Spool") -> LakeFile:
    path = spool.path(".fetched")
    try:
        fetch(path)
    except LakeError as error:
        raise s3_error(error) from error
    return LakeFile(path=path, key=file.key, size=file.size)


def s3_error(error: LakeError) -> SqlError:
    """S3's refusal, as Redshift reports it: one message with the service's own answer inside."""
    if isinstance(error, RoleRefused):
        return SqlError("XX000", error.message)
    reason = {"AccessDenied": "Access Denied", "NoSuchBucket": "The specified bucket does not exist"}.get(error.code, error.message)
    status = {"AccessDenied": 403, "NoSuchBucket": 404, "NoSuchKey": 404}.get(error.code, error.status)
    return SqlError(
        "XX000",
        f"S3ServiceException:{reason},Status {status},Error {error.code},Rid {error.request_id or '-'},ExtRid -,CanRetry 1",
        detail=error.message,
    )


def packing(file: LakeFile) -> str:
    return PACKINGS.get(Path(file.key).suffix.lower(), "none")


class Spool:
    """A folder for what has to be unpacked before DuckDB can read it; it goes when the statement ends."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def path(self, suffix: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="spool-", dir=self._parent)
        self._count += 1
        return Path(self._folder.name) / f"{self._count}{suffix}"

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def unpacked(file: LakeFile, how: str, spool: Spool) -> tuple[Path, str]:
    """The file as DuckDB can read it, and the compression it still has."""
    if how == "bzip2":
        return written(spool, lambda: bunzipped(file.path)), "none"
    if how == "snappy":
        return written(spool, lambda: unsnapped(file.path)), "none"
    return file.path, how


def written(spool: Spool, blocks: Callable[[], Iterable[bytes]]) -> Path:
    path = spool.path(".txt")
    with path.open("wb") as target:
        for block in blocks():
            target.write(block)
    return path


def bunzipped(path: Path) -> Iterable[bytes]:
    try:
        with bz2.open(path) as source:
            while block := source.read(BLOCK):
                yield block
    except OSError as error:
        raise SqlError("XX000", f"the file {path.name} is not a bzip2 file") from error


def unsnapped(path: Path) -> Iterable[bytes]:
    """Hadoop's snappy: blocks of (length, then chunks of (length, bytes)), all lengths big-endian."""
    import pyarrow as pa

    codec = pa.Codec("snappy")
    with path.open("rb") as source:
        while head := source.read(4):
            left = int.from_bytes(head, "big")
            while left > 0:
                chunk = source.read(int.from_bytes(source.read(4), "big"))
                size = varint(chunk)
                yield codec.decompress(chunk, decompressed_size=size, asbytes=True)
                left -= size


def varint(chunk: bytes) -> int:
    """Snappy's own header: the length of what comes out."""
    size = 0
    for shift, byte in enumerate(chunk[:5]):
        size |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return size
    raise SqlError("XX000", "the file is not a snappy file")


def path_list(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(text(str(path)) for path in paths) + "]"


def lines(paths: Iterable[Path], compression: str, skip: int = 0) -> str:
    """A DuckDB relation of (line, filename)."""
    return (
        f"read_csv({path_list(paths)}, auto_detect=false, header=false, delim='\x01\x02\x03\x04', quote='', escape='', "
        f"columns={{'line': 'VARCHAR'}}, max_line_size={LINE_LENGTH_MAX}, buffer_size={READ_BUFFER}, "
        f"compression={text(compression)}, filename=true, skip={skip})"
    )
