"""The type numbers of PostgreSQL and Redshift that the wire has to know, and their binary forms as parameters.

Source: pg_type; SUPER, VARBYTE and the interval halves as redshift_connector lists them.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Final

from headwater.engines.warehouse.protocol import ProtocolViolation
from headwater.engines.warehouse.sql.errors import SqlError

EPOCH: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a TIMESTAMP has no zone


class Oid(IntEnum):
    BOOL = 16
    BYTEA = 17
    CHAR = 18
    NAME = 19
    INT8 = 20
    INT2 = 21
    INT4 = 23
    TEXT = 25
    OID = 26
    FLOAT4 = 700
    FLOAT8 = 701
    UNKNOWN = 705
    BPCHAR = 1042
    VARCHAR = 1043
    DATE = 1082
    TIME = 1083
    TIMESTAMP = 1114
    TIMESTAMPTZ = 1184
    INTERVAL = 1186
    TIMETZ = 1266
    NUMERIC = 1700
    SUPER = 4000
    VARBYTE = 6551


def parameter_text(value: bytes, oid: int) -> bytes:
    """A parameter sent in binary, as its type would print it."""
    read = _BINARY_READERS.get(oid)
    if read is None:
        raise SqlError("42883", f"no binary input function available for type {oid}")
    try:
        return read(value).encode()
    except (struct.error, ValueError, OverflowError) as cause:
        raise ProtocolViolation("incorrect binary data format in bind parameter") from cause


def _number(form: str) -> Callable[[bytes], str]:
    return lambda value: repr(struct.unpack(form, value)[0])


def _boolean(value: bytes) -> str:
    return "t" if struct.unpack("!?", value)[0] else "f"


def _date(value: bytes) -> str:
    return (date(2000, 1, 1) + timedelta(days=struct.unpack("!i", value)[0])).isoformat()


def _time(value: bytes) -> str:
    return (EPOCH + timedelta(microseconds=struct.unpack("!q", value)[0])).time().isoformat()


def _timestamp(value: bytes) -> str:
    return (EPOCH + timedelta(microseconds=struct.unpack("!q", value)[0])).isoformat(" ")


def _interval(value: bytes) -> str:
    microseconds, days, months = struct.unpack("!qii", value)
    return f"{months} months {days} days {microseconds} microseconds"


def _numeric(value: bytes) -> str:
    count, weight, sign, scale = struct.unpack_from("!hhHH", value)
    groups = struct.unpack_from(f"!{count}H", value, 8)
    if sign == 0xC000:
        return "NaN"
    whole = "".join(f"{groups[at]:04}" if at < count else "0000" for at in range(weight + 1)) or "0"
    after = "0000" * max(0, -weight - 1) + "".join(f"{group:04}" for group in groups[max(0, weight + 1) :])
    text = (whole.lstrip("0") or "0") + ("." + after.ljust(scale, "0")[:scale] if scale else "")
    return "-" + text if sign == 0x4000 else text


_BINARY_READERS: Final[Mapping[int, Callable[[bytes], str]]] = {
    Oid.BOOL: _boolean,
    Oid.INT2: _number("!h"),
    Oid.INT4: _number("!i"),
    Oid.INT8: _number("!q"),
    Oid.OID: _number("!I"),
    Oid.FLOAT4: _number("!f"),
    Oid.FLOAT8: _number("!d"),
    Oid.DATE: _date,
    Oid.TIME: _time,
    Oid.TIMESTAMP: _timestamp,
    Oid.TIMESTAMPTZ: lambda value: _timestamp(value) + "+00",
    Oid.INTERVAL: _interval,
    Oid.NUMERIC: _numeric,
    Oid.BYTEA: bytes.hex,
    Oid.VARBYTE: bytes.hex,
    **dict.fromkeys((0, Oid.TEXT, Oid.VARCHAR, Oid.BPCHAR, Oid.CHAR, Oid.NAME, Oid.UNKNOWN), bytes.decode),
}
