"""The PostgreSQL wire protocol, version 3, as a server speaks it: bytes to messages and messages to bytes, without I/O.

The easy thing to get wrong is the length: it counts itself but not the type byte before it, and the first message of a
connection (startup, SSL, cancel) has no type byte at all. Source: PostgreSQL documentation, "Message Formats".
DataRow is not here: rows.py makes runs of them from Arrow without touching a row.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

PROTOCOL_3: Final = 3 << 16
SSL_REQUEST: Final = 80877103
GSS_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102
STARTUP_BYTES_MAX: Final = 10_000  # PostgreSQL's own MAX_STARTUP_PACKET_LENGTH
MESSAGE_BYTES_MAX: Final = 64 << 20  # Redshift's SQL statements end at 16 MB; parameters may add to that

TEXT: Final = 0
BINARY: Final = 1


class ProtocolViolation(Exception):
    """The client said something that the protocol does not know; PostgreSQL answers 08P01 and hangs up."""


class Startup(Struct, frozen=True):
    minor: int
    parameters: dict[str, str]


class EncryptionRequest(Struct, frozen=True):
    tls: bool  # False: GSSAPI, which nobody offers


class CancelRequest(Struct, frozen=True):
    pid: int
    secret: int


class Query(Struct, frozen=True):
    sql: str


class Parse(Struct, frozen=True):
    name: str
    sql: str
    oids: list[int]


class Bind(Struct, frozen=True):
    portal: str
    statement: str
    formats: list[int]
    values: list[bytes | None]
    result_formats: list[int]


class Describe(Struct, frozen=True):
    kind: str  # "S" statement, "P" portal
    name: str


class Execute(Struct, frozen=True):
    portal: str
    rows_max: int  # 0: all


class Close(Struct, frozen=True):
    kind: str
    name: str


class Sync(Struct, frozen=True):
    pass


class Flush(Struct, frozen=True):
    pass


class Terminate(Struct, frozen=True):
    pass


class Password(Struct, frozen=True):
    text: bytes


class FunctionCall(Struct, frozen=True):
    """The old fast path, which nobody uses any more."""


class CopyLeftover(Struct, frozen=True):
    """What a client sends of a COPY that was refused; PostgreSQL drops it silently."""


Opening = Startup | EncryptionRequest | CancelRequest
Message = Query | Parse | Bind | Describe | Execute | Close | Sync | Flush | Terminate | Password | FunctionCall | CopyLeftover


class _Reader:
    """Walks over a message's body; anything that does not fit is a violation, never an IndexError."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise ProtocolViolation("invalid string in message")
        raw = self._body[self._at : end]
        self._at = end + 1
        try:
            return raw.decode()
        except UnicodeDecodeError as cause:
            raise ProtocolViolation('invalid byte sequence for encoding "UTF8"') from cause

    def int16(self) -> int:
        return int.from_bytes(self.take(2), signed=True)

    def int32(self) -> int:
        return int.from_bytes(self.take(4), signed=True)

    def count(self) -> int:
        number = self.int16()
        if number < 0:
            raise ProtocolViolation("invalid message format")
        return number

    def take(self, length: int) -> bytes:
        if length < 0 or self._at + length > len(self._body):
            raise ProtocolViolation("insufficient data left in message")
        self._at += length
        return self._body[self._at - length : self._at]

    def rest(self) -> bytes:
        return self._body[self._at :]

    def end(self) -> None:
        if self._at != len(self._body):
            raise ProtocolViolation("invalid message format")


def opening(body: bytes) -> Opening:
    """The first message of a connection, without its length."""
    reader = _Reader(body)
    code = reader.int32()
    if code == SSL_REQUEST:
        return EncryptionRequest(tls=True)
    if code == GSS_REQUEST:
        return EncryptionRequest(tls=False)
    if code == CANCEL_REQUEST:
        return CancelRequest(reader.int32(), reader.int32())
    if code >> 16 != 3:
        raise ProtocolViolation(f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0 to 3.0")
    parameters: dict[str, str] = {}
    while (name := reader.text()) != "":
        parameters[name] = reader.text()
    return Startup(code & 0xFFFF, parameters)


def message(kind: bytes, body: bytes) -> Message:
    """Any later message, from its type byte and its body."""
    decode = _DECODERS.get(kind)
    if decode is None:
        raise ProtocolViolation(f"invalid frontend message type {kind[0]}")
    reader = _Reader(body)
    decoded = decode(reader)
    reader.end()
    return decoded


def _parse(reader: _Reader) -> Parse:
    return Parse(reader.text(), reader.text(), [reader.int32() for _ in range(reader.count())])


def _bind(reader: _Reader) -> Bind:
    portal, statement = reader.text(), reader.text()
    formats = [reader.int16() for _ in range(reader.count())]
    values: list[bytes | None] = []
    for _ in range(reader.count()):
        length = reader.int32()
        values.append(None if length == -1 else reader.take(length))
    return Bind(portal, statement, formats, values, [reader.int16() for _ in range(reader.count())])


def _describe(reader: _Reader) -> Describe:
    return Describe(_statement_or_portal(reader), reader.text())


def _close(reader: _Reader) -> Close:
    return Close(_statement_or_portal(reader), reader.text())


def _statement_or_portal(reader: _Reader) -> str:
    kind = reader.take(1)
    if kind not in {b"S", b"P"}:
        raise ProtocolViolation("invalid message subtype")
    return kind.decode()


def _whole(made: Callable[[bytes], Message]) -> Callable[[_Reader], Message]:
    return lambda reader: made(reader.take(len(reader.rest())))


_DECODERS: Final[Mapping[bytes, Callable[[_Reader], Message]]] = {
    b"Q": lambda reader: Query(reader.text()),
    b"P": _parse,
    b"B": _bind,
    b"D": _describe,
    b"E": lambda reader: Execute(reader.text(), reader.int32()),
    b"C": _close,
    b"S": lambda reader: Sync(),
    b"H": lambda reader: Flush(),
    b"X": lambda reader: Terminate(),
    b"p": _whole(Password),
    b"F": _whole(lambda _: FunctionCall()),
    b"d": _whole(lambda _: CopyLeftover()),
    b"c": _whole(lambda _: CopyLeftover()),
    b"f": _whole(lambda _: CopyLeftover()),
}


class Field(Struct, frozen=True):
    """A column as RowDescription names it."""

    name: str
    oid: int
    typmod: int = -1
    typlen: int = -1
    format: int = TEXT


def _framed(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


def _zero_ended(text: str) -> bytes:
    return text.encode() + b"\0"


AUTHENTICATION_OK: Final = _framed(b"R", (0).to_bytes(4))
AUTHENTICATION_CLEARTEXT: Final = _framed(b"R", (3).to_bytes(4))
PARSE_COMPLETE: Final = _framed(b"1", b"")
BIND_COMPLETE: Final = _framed(b"2", b"")
CLOSE_COMPLETE: Final = _framed(b"3", b"")
NO_DATA: Final = _framed(b"n", b"")
EMPTY_QUERY: Final = _framed(b"I", b"")
PORTAL_SUSPENDED: Final = _framed(b"s", b"")


def authentication_md5(salt: bytes) -> bytes:
    return _framed(b"R", (5).to_bytes(4) + salt)


def parameter_status(name: str, value: str) -> bytes:
    return _framed(b"S", _zero_ended(name) + _zero_ended(value))


def backend_key(pid: int, secret: int) -> bytes:
    return _framed(b"K", struct.pack("!ii", pid, secret))


def negotiated(options: Sequence[str]) -> bytes:
    """We speak 3.0 and know none of these options; sent to a client that asked for more."""
    return _framed(b"v", struct.pack("!ii", PROTOCOL_3, len(options)) + b"".join(map(_zero_ended, options)))


def ready(transaction_status: str) -> bytes:
    return _framed(b"Z", transaction_status.encode())


def row_description(fields: Sequence[Field]) -> bytes:
    described = (
        _zero_ended(field.name) + struct.pack("!IHIhih", 0, 0, field.oid, field.typlen, field.typmod, field.format) for field in fields
    )
    return _framed(b"T", len(fields).to_bytes(2) + b"".join(described))


def parameter_description(oids: Sequence[int]) -> bytes:
    return _framed(b"t", struct.pack(f"!H{len(oids)}I", len(oids), *oids))


def command_complete(tag: str) -> bytes:
    return _framed(b"C", _zero_ended(tag))


def error(
    sqlstate: str, text: str, *, detail: str | None = None, hint: str | None = None, position: int | None = None, severity: str = "ERROR"
) -> bytes:
    """`position` counts characters of the statement from 1."""
    return _framed(b"E", _report(severity, sqlstate, text, detail, hint, position))


def notice(text: str, *, severity: str = "INFO", sqlstate: str = "00000") -> bytes:
    return _framed(b"N", _report(severity, sqlstate, text, None, None, None))


def _report(severity: str, sqlstate: str, text: str, detail: str | None, hint: str | None, position: int | None) -> bytes:
    fields = {"S": severity, "C": sqlstate, "M": text, "D": detail, "H": hint, "P": position}
    said = b"".join(_zero_ended(f"{key}{value}".replace("\0", "")) for key, value in fields.items() if value is not None)
    return said + b"\0"
