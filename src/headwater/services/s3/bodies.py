"""Bodies: bytes that arrive are written and summed as they come; bytes that leave are read a block at a time.

A body of up to INLINE_BYTES_MAX stands in its object's record and costs no file. A longer one is a plain file of its own under a
name that was never used before: whole and on the disk before its record is committed, unchanged ever after, removed when the
record is gone. So a record never names a file that is not whole, a copy can be a hard link, and an engine may read a file in
place. A body that is encrypted (`sealing`) is sealed on its way in and opened on its way out, in the same threads; engines are told
of no such file. A crash may leave files that no record names; the keeper sweeps them. Blocking work runs in the pool `files`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from headwater.aws.checksums import Hasher, checksum, hasher, text_of
from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Stream

from .refusals import too_large
from .sealing import Keys, SealedReader, SealedWriter, sealed

INLINE_BYTES_MAX: Final = 16 * 1024
ONE_READ_BYTES_MAX: Final = 256 * 1024
"""Up to here a body is read at once on the event loop: some 50 µs from the page cache, less than a thread's round trip."""
BLOCK_BYTES: Final = 1024 * 1024
SINGLE_PUT_BYTES_MAX: Final = 5 * 1024**3
HANDED_OUT_GRACE_S: Final = 300.0
"""How long a file that an engine was told of outlives its object: it may not have been opened yet."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Arrived:
    """A body that is here: in `inline`, or in `file`, whole and on the disk."""

    size: int
    etag: str
    inline: bytes = b""
    file: str = ""


@dataclass(slots=True)
class _Arriving:
    """A long body while it is written. Used by one thread at a time."""

    path: Path
    handle: Any
    md5: Any
    sums: list[Hasher] = field(default_factory=list)
    sealing: SealedWriter | None = None
    size: int = 0

    def absorb(self, pieces: list[bytes]) -> None:
        write = self.handle.write if self.sealing is None else self.sealing.write
        for piece in pieces:
            write(piece)
            self.md5.update(piece)
            for state in self.sums:
                state.update(piece)
            self.size += len(piece)


class Bodies:
    """The folder of bodies. One for the room, made when it opens."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self._bodies = folder / "bodies"
        self._in_place = folder / "in-place"
        self._pool = pool
        self._handed_out_at: float | None = None
        """When an engine was last told of a file, by the loop's time."""
        self._waiting: set[Path] = set()
        """Files whose records are gone and that go themselves a little later."""
        self.left_behind = False
        """Whether a caller went while a thread worked for it: there may be a file that no record names."""
        shutil.rmtree(self._in_place, ignore_errors=True)  # made anew when asked for
        self._bodies.mkdir(parents=True, exist_ok=True)
        self._in_place.mkdir()

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        except asyncio.CancelledError:
            self.left_behind = True
            raise

    def path(self, file: str) -> Path:
        return self._bodies / file[:2] / file

    # -- arriving ------------------------------------------------------------------------------------------------------

    async def take(
        self, body: Stream | bytes | None, algorithms: Iterable[str], *, inline: bool = True, keys: Keys = ()
    ) -> tuple[Arrived, list[str]]:
        """Read `body` to its end and keep it, sealed with `keys` if there are any; also its checksums, one for each of `algorithms`.

        Nothing is kept if the stream raises.
        """
        said = None
        if isinstance(body, Stream):
            said = body.length
            _check_size(said or 0)
            if body.whole is not None:
                body = body.whole
            elif said is not None and said <= INLINE_BYTES_MAX:
                body = await body.read()
            else:
                return await self._take_stream(body, list(algorithms), inline, keys)
        body = body or b""
        _check_complete(len(body), said)
        if inline and len(body) <= INLINE_BYTES_MAX:
            return _summed(body, algorithms, keys)
        return await self._run(self._write_whole, body, list(algorithms), keys)

    def _write_whole(self, body: bytes, algorithms: list[str], keys: Keys) -> tuple[Arrived, list[str]]:
        arrived, sums = _summed(body, algorithms, keys)
        path = self._new_path()
        with path.open("xb") as handle:
            handle.write(arrived.inline)
            handle.flush()
            os.fdatasync(handle.fileno())
        arrived.inline, arrived.file = b"", path.name
        return arrived, sums

    def _new_path(self) -> Path:
        path = self.path(uuid.uuid4().hex)
        path.parent.mkdir(exist_ok=True)
        return path

    async def _take_stream(self, body: Stream, algorithms: list[str], inline: bool, keys: Keys) -> tuple[Arrived, list[str]]:
        arriving = await self._run(self._begin, algorithms, keys)
        try:
            gathered: list[bytes] = []
            size = 0
            async for piece in body:
                gathered.append(piece)
                size += len(piece)
                if size >= BLOCK_BYTES:
                    await self._run(arriving.absorb, gathered)
                    gathered, size = [], 0
                    _check_size(arriving.size)
            _check_complete(arriving.size + size, body.length)
            if inline and arriving.size == 0 and size <= INLINE_BYTES_MAX:
                self._abandon(arriving)
                return _summed(b"".join(gathered), algorithms, keys)
            file = await self._run(self._finish, arriving, gathered)
        except BaseException:
            self._abandon(arriving)
            raise
        arrived = Arrived(arriving.size, arriving.md5.hexdigest(), file=file)
        return arrived, [text_of(state) for state in arriving.sums]

    def _begin(self, algorithms: list[str], keys: Keys) -> _Arriving:
        path = self._new_path()
        sums = [hasher(algorithm.lower()) for algorithm in algorithms]
        handle = path.open("xb")
        sealing = SealedWriter(keys, handle.write) if keys else None
        return _Arriving(path, handle, hashlib.md5(usedforsecurity=False), sums, sealing)

    @staticmethod
    def _finish(arriving: _Arriving, last: list[bytes]) -> str:
        arriving.absorb(last)
        if arriving.sealing is not None:
            arriving.sealing.finish()
        arriving.handle.flush()
        os.fdatasync(arriving.handle.fileno())
        arriving.handle.close()
        return arriving.path.name

    @staticmethod
    def _abandon(arriving: _Arriving) -> None:
        arriving.handle.close()
        arriving.path.unlink(missing_ok=True)

    async def join(self, files: list[str]) -> str:
        """One file of the bytes of `files`, in order; they stay."""
        return await self._run(self._join, files)

    def _join(self, files: list[str]) -> str:
        path = self._new_path()
        try:
            with path.open("xb") as target:
                for file in files:
                    with self.path(file).open("rb") as source:
                        shutil.copyfileobj(source, target, BLOCK_BYTES)
                target.flush()
                os.fdatasync(target.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path.name

    async def twin(self, file: str) -> str | None:
        """A hard link of a body, which is a body of its own; None where the file system has no more of them."""
        path = self._new_path()
        try:
            os.link(self.path(file), path)  # at once, in the loop: `file` may be gone after the next await
        except OSError:
            return None
        await self._run(_sync_folder, path.parent)
        return path.name

    # -- leaving -------------------------------------------------------------------------------------------------------

    def read(self, inline: bytes, file: str, first: int, length: int) -> bytes | Stream:
        """`length` bytes from `first` on. The file is opened now, so that its removal does not matter to this reader."""
        if not file:
            return inline if length == len(inline) else inline[first : first + length]
        descriptor = os.open(self.path(file), os.O_RDONLY | os.O_CLOEXEC)
        if length <= ONE_READ_BYTES_MAX:
            try:
                return os.pread(descriptor, length, first)
            finally:
                os.close(descriptor)
        return Stream(_Blocks(_File(descriptor).read, first, length, self._pool), length)

    def stored(self, inline: bytes, file: str) -> Stored:
        """The bytes as they stand on the disk or in the record. The file is opened now."""
        return _File(os.open(self.path(file), os.O_RDONLY | os.O_CLOEXEC)) if file else _Inline(inline)

    def opened(self, reader: SealedReader, first: int, length: int) -> bytes | Stream:
        """As `read`, of a sealed body."""
        if length <= ONE_READ_BYTES_MAX:
            return reader.read_all(length, first)
        return Stream(_Blocks(reader.read, first, length, self._pool), length)

    def source(self, inline: bytes, file: str, first: int, length: int) -> Stream:
        """As `read`, always as a stream: for a body that is to be taken again."""
        found = self.read(inline, file, first, length)
        return found if isinstance(found, Stream) else Stream.of(found)

    async def in_place(self, order: str, inline: bytes, file: str) -> Path:
        """A plain file that holds exactly the body; made now for a body that stands in its record."""
        self._handed_out_at = asyncio.get_running_loop().time()
        if file:
            return self.path(file)
        path = self._in_place / order
        await self._run(self._materialise, path, inline)
        return path

    @staticmethod
    def _materialise(path: Path, inline: bytes) -> None:
        if not path.exists():
            temporary = path.with_name(uuid.uuid4().hex)
            temporary.write_bytes(inline)
            temporary.rename(path)

    # -- removal -------------------------------------------------------------------------------------------------------

    def remove(self, order: str, file: str) -> None:
        """The body's record is gone: its file goes too; a little later while an engine may be about to read it."""
        if not file and self._handed_out_at is None:
            return
        path = self.path(file) if file else self._in_place / order
        loop = asyncio.get_running_loop()
        if self._handed_out_at is not None and loop.time() < self._handed_out_at + HANDED_OUT_GRACE_S:
            self._waiting.add(path)
            loop.call_later(HANDED_OUT_GRACE_S, self._remove_late, path)
        else:
            self._pool.submit(path.unlink, missing_ok=True)

    def _remove_late(self, path: Path) -> None:
        if path in self._waiting:
            self._waiting.discard(path)
            self._pool.submit(path.unlink, missing_ok=True)

    @property
    def no_engine_reads(self) -> bool:
        """Whether no engine was told of any file in this life: then bodies that stand in records have no files anywhere."""
        return self._handed_out_at is None

    def unless_refused(self, file: str) -> _UnlessRefused:
        """A block in which the body that just arrived may yet be refused: a Fault inside it takes its file away again."""
        return _UnlessRefused(self, file)

    async def files(self) -> set[str]:
        """Every body's file."""
        return await self._run(self._list)

    def _list(self) -> set[str]:
        return {entry.name for folder in self._bodies.iterdir() for entry in folder.iterdir()}

    async def remove_all(self, files: Iterable[str]) -> None:
        await self._run(_unlink, [self.path(file) for file in files])

    def close(self) -> None:
        _unlink(self._waiting)
        self._waiting.clear()


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _summed(body: bytes, algorithms: Iterable[str], keys: Keys) -> tuple[Arrived, list[str]]:
    sums = [checksum(algorithm, body) for algorithm in algorithms]
    kept = sealed(keys, body) if keys else body
    return Arrived(len(body), hashlib.md5(body, usedforsecurity=False).hexdigest(), inline=kept), sums


def _check_complete(size: int, said: int | None) -> None:
    if said is not None and size != said:
        raise fault("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")


def _check_size(size: int) -> None:
    if size > SINGLE_PUT_BYTES_MAX:
        raise too_large(size, SINGLE_PUT_BYTES_MAX)


class _UnlessRefused:
    __slots__ = ("_bodies", "_file")

    def __init__(self, bodies: Bodies, file: str) -> None:
        self._bodies = bodies
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file and isinstance(error, Fault):
            self._bodies.remove("", self._file)


class Stored(Protocol):
    """Bytes at rest, read from anywhere."""

    def read(self, count: int, at: int) -> bytes: ...


class _Inline:
    """Of a body that stands in its record."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, count: int, at: int) -> bytes:
        return self._body[at : at + count]


class _File:
    """Of a file. Owns the descriptor, also when nobody ever reads."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, count: int, at: int) -> bytes:
        return os.pread(self._descriptor, count, at)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


class _Blocks:
    """A body, a block at a time."""

    def __init__(self, read: Callable[[int, int], bytes], first: int, length: int, pool: ThreadPoolExecutor) -> None:
        self._read = read
        self._first = first
        self._length = length
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        at, end = self._first, self._first + self._length
        while at < end:
            block = await loop.run_in_executor(self._pool, self._read, min(BLOCK_BYTES, end - at), at)
            assert block, "a body's file is shorter than its record says"
            at += len(block)
            yield block
