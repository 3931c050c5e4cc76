"""A browser's form as it arrives: fields first, then the file, whose bytes stream on without being gathered.

What stands behind the file is never looked at. A part is the file by its name, `file`, never by having a filename; the fields before it
may be 20 KiB together. Source: "POST Object" of the API reference.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Final

import msgspec
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Request, Stream

from .refusals import PRECONDITION, invalid_argument

FORM_TYPE: Final = "multipart/form-data"
FILE: Final = "file"
FIELDS_BYTES_MAX: Final = 20_480
PART_HEADER_BYTES_MAX: Final = 8192
PARTS_MAX: Final = 1000
_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]+)"|([^;\s"]+))', re.IGNORECASE)
_FILENAME: Final = "${filename}"
Piece = Any
"""The beginning of a part, some of its bytes, or None for its end."""


class Form(msgspec.Struct):
    """`fields` by their names in lower case, `names` as they were written. `file` is whole where the request was."""

    fields: dict[str, str]
    names: dict[str, str]
    file: Stream


def read(request: Request) -> Awaitable[Form]:
    """The form up to its file; raises what S3 says of one that is none."""
    return _read(request)


async def _read(request: Request) -> Form:
    said = request.headers.get("content-type", "")
    if FORM_TYPE not in said.lower():
        raise fault("PreconditionFailed", PRECONDITION, Condition=f"Bucket POST must be of the enclosure-type {FORM_TYPE}")
    boundary = _BOUNDARY.search(said)
    if boundary is None:
        raise malformed()
    pieces = _Pieces(request.body, boundary[1] or boundary[2])
    names: dict[str, str] = {}
    fields: dict[str, str] = {}
    async for name, part, value in _fields(pieces):
        if name.lower() == FILE:
            filled = (
                {key: text.replace(_FILENAME, _base(part.filename)) for key, text in fields.items()}
                if part.filename is not None
                else fields
            )
            return Form(filled, names, await pieces.file(request.body))
        names[name.lower()] = name
        fields[name.lower()] = value.decode("utf-8", "replace")
    raise invalid_argument("POST requires exactly one file upload per request.", FILE, "0")


async def _fields(pieces: _Pieces) -> AsyncIterator[tuple[str, MultipartSegment, bytes]]:
    """Each part with its name and its value; the file as soon as it begins, without one."""
    size = 0
    part: MultipartSegment | None = None
    value = bytearray()
    async for piece in pieces:
        if isinstance(piece, MultipartSegment):
            part, value = piece, bytearray()
            size += len(part.name or "")
            if part.disposition == "form-data" and (part.name or "").lower() == FILE:
                yield part.name or "", part, b""
                return
        elif piece is None:
            assert part is not None
            yield part.name or "", part, bytes(value)
        else:
            size += len(piece)
            if size > FIELDS_BYTES_MAX:
                sentence = "Your POST request fields preceeding the upload file was too large."
                raise fault("MaxPostPreDataLengthExceeded", sentence, MaxPostPreDataLengthBytes=str(FIELDS_BYTES_MAX))
            value += piece


class _Pieces:
    """The parser's events, as the body arrives. What a piece of the body means is asked for one event at a time."""

    def __init__(self, body: bytes | Stream, boundary: str) -> None:
        self._body = aiter(body) if isinstance(body, Stream) else _once(body)
        self._parser = PushMultipartParser(boundary, max_header_size=PART_HEADER_BYTES_MAX, max_segment_count=PARTS_MAX)
        self._events: Iterator[Piece] = iter(())

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> Piece:
        try:
            while True:
                for event in self._events:
                    return event
                if self._parser.closed:
                    raise StopAsyncIteration
                self._events = iter(self._parser.parse(await anext(self._body, b"")))
        except MultipartError:
            raise malformed() from None

    async def file(self, body: bytes | Stream) -> Stream:
        """The bytes up to the end of the part that has just begun."""
        stream = Stream(self._rest_of_part())
        return stream if isinstance(body, Stream) else Stream.of(await stream.read())

    async def _rest_of_part(self) -> AsyncIterator[bytes]:
        async for piece in self:
            if piece is None:
                return
            assert not isinstance(piece, MultipartSegment)
            yield bytes(piece)
        raise malformed()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _base(filename: str) -> str:
    """Old browsers send the whole path."""
    return filename.rpartition("\\")[2].rpartition("/")[2]


def malformed() -> Fault:
    return fault("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
