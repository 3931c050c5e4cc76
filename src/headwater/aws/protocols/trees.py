"""Trees of JSON and CBOR: the two wires that carry a value as nested objects, and differ in their leaves only.

A wrong type is refused with the sentence of AWS's own JSON readers (SerializationException); null counts as absent, unknown
members are ignored. On the way out a member that the model does not know is our mistake, and loud.
"""

import binascii
import math
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Member, Shape
from headwater.aws.protocols import timestamps

Convert = Callable[[Any], Any]

# Where an output's members stand when not in the body. Labels and query strings mean nothing in an answer.
BOUND_OUT: Final = frozenset({"header", "headers", "statusCode"})

# What AWS's readers call the token they met. Source: answers quoted in public issue threads; the coral ones in recordings/ are alike.
_TOKENS: Final[dict[type, str]] = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


def malformed(message: str) -> Fault:
    return fault("SerializationException", message)


def _wrong_type(value: Any, wanted: str) -> Fault:
    if isinstance(value, dict):
        return malformed("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return malformed("Start of list found where not expected")
    if wanted == "List":
        return malformed("Expected list or null")
    if wanted in {"Structure", "Map"}:
        return malformed("Expected map or null" if wanted == "Map" else "Expected null")
    token = ("TRUE_VALUE" if value else "FALSE_VALUE") if isinstance(value, bool) else _TOKENS.get(type(value), "VALUE")
    return malformed(f"{token} can not be converted to {'an' if wanted[0] in 'AEIOU' else 'a'} {wanted}")


class TreeReader:
    """Compiles shapes into closures from a parsed tree to native values. `binary` is CBOR, whose leaves are native already."""

    def __init__(self, *, binary: bool = False) -> None:
        self._binary = binary
        self._tables: dict[str, Convert] = {}

    def member(self, member: Member) -> Convert:
        if member.jsonvalue and not self._binary:
            return _read_json_text
        return self.shape(member.shape)

    def shape(self, shape: Shape) -> Convert:
        if shape.document:
            return _as_it_is
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list":
            return self._list(shape)
        if shape.type == "map":
            return self._map(shape)
        return (_BINARY_LEAVES if self._binary else _TEXT_LEAVES)[shape.type]

    def _structure(self, shape: Shape) -> Convert:
        known = self._tables.get(shape.name)
        if known is not None:
            return known
        table: dict[str, tuple[str, Convert]] = {}

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise _wrong_type(value, "Structure")
            found = {}
            for key, inner in value.items():
                entry = table.get(key)
                if entry is not None and inner is not None:
                    found[entry[0]] = entry[1](inner)
            return found

        self._tables[shape.name] = read  # before its members: a shape may contain itself
        for name, member in shape.members.items():
            if member.location is None:
                table[member.wire_name] = (name, self.member(member))
        return read

    def _list(self, shape: Shape) -> Convert:
        convert = self.member(shape.element)

        def read(value: Any) -> list[Any]:
            if type(value) is not list:
                raise _wrong_type(value, "List")
            return [None if inner is None else convert(inner) for inner in value]

        return read

    def _map(self, shape: Shape) -> Convert:
        convert = self.member(shape.value)
        sparse = shape.sparse

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise _wrong_type(value, "Map")
            if sparse:
                return {key: None if inner is None else convert(inner) for key, inner in value.items()}
            return {key: convert(inner) for key, inner in value.items() if inner is not None}

        return read


def _as_it_is(value: Any) -> Any:
    return value


def _read_string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _wrong_type(value, "String")


def _read_integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float and math.isfinite(value):
        return int(value)  # AWS's "TruncatingBigNumber"
    raise _wrong_type(value, "Integer")


def _read_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    if value in {"NaN", "Infinity", "-Infinity"}:
        return float(value)
    raise _wrong_type(value, "Double")


def _read_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _wrong_type(value, "Boolean")


def _read_base64(value: Any) -> bytes:
    if type(value) is not str:
        raise _wrong_type(value, "Blob")
    try:
        return binascii.a2b_base64(value, strict_mode=True) if value else b""
    except ValueError as error:  # binascii.Error is one, and so is a character beyond ASCII
        raise malformed(f"'{value}' can not be converted to a Blob: Base64 decoding failed") from error


def _read_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise _wrong_type(value, "Blob")


def _read_moment(value: Any) -> datetime:
    try:
        if type(value) in {int, float}:
            return timestamps.from_epoch(value)
        if type(value) is str:
            return timestamps.moment(value)
    except ValueError as error:
        raise malformed(f"{value} can not be converted to a Timestamp") from error
    raise _wrong_type(value, "Timestamp")


def _read_cbor_moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else _read_moment(value)


def _read_json_text(value: Any) -> Any:
    try:
        return msgspec.json.decode(_read_string(value))
    except msgspec.DecodeError as error:
        raise malformed("the member is not valid JSON") from error


def read_base64_json(text: str) -> Any:
    """A `jsonvalue` in a header is base64 on top."""
    try:
        return msgspec.json.decode(b64decode(text, validate=True))
    except (msgspec.DecodeError, ValueError) as error:
        raise malformed("the header is not base64 of valid JSON") from error


_TEXT_LEAVES: Final[dict[str, Convert]] = {
    "string": _read_string,
    "character": _read_string,
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "blob": _read_base64,
    "timestamp": _read_moment,
}
_BINARY_LEAVES: Final[dict[str, Convert]] = {**_TEXT_LEAVES, "blob": _read_bytes, "timestamp": _read_cbor_moment}


class TreeWriter:
    """Compiles shapes into closures from native values to what msgspec (JSON) or cbor2 (`binary`) encodes.

    None as a converter means that the value goes out as it is; whole subtrees of strings and numbers cost nothing that way.
    """

    def __init__(self, *, binary: bool = False) -> None:
        self._binary = binary
        self._tables: dict[str, Convert] = {}

    def member(self, member: Member) -> Convert | None:
        if member.jsonvalue and not self._binary:
            return _write_json_text
        if member.shape.type == "timestamp":
            return self._moment(member.timestamp_format)
        return self.shape(member.shape)

    def shape(self, shape: Shape) -> Convert | None:
        if shape.document:
            return None
        compile_ = {"structure": self.structure, "list": self._list, "map": self._map}.get(shape.type)
        if compile_ is not None:
            return compile_(shape)
        if shape.type == "timestamp":
            return self._moment(shape.timestamp_format)
        # msgspec writes bytes as base64 and cbor2 as bytes: what is left needs no hand, but for JSON's missing numbers
        return _write_float if shape.type in {"float", "double"} and not self._binary else None

    def _moment(self, timestamp_format: str | None) -> Convert:
        if self._binary:
            return _write_tagged_moment
        return MOMENT_WRITERS[timestamp_format or "unixTimestamp"]

    def structure(self, shape: Shape) -> Convert:
        known = self._tables.get(shape.name)
        if known is not None:
            return known
        table: dict[str, tuple[str, Convert | None]] = {}
        elsewhere = {name for name, member in shape.members.items() if member.location in BOUND_OUT}

        def write(value: dict[str, Any]) -> dict[str, Any]:
            written = {}
            for key, inner in value.items():
                if inner is None:
                    continue
                entry = table.get(key)
                if entry is None:
                    assert key in elsewhere, f"{shape.name} has no member {key}"
                    continue
                written[entry[0]] = inner if entry[1] is None else entry[1](inner)
            return written

        self._tables[shape.name] = write
        for name, member in shape.members.items():
            if name not in elsewhere:
                table[name] = (member.wire_name, self.member(member))
        return write

    def _list(self, shape: Shape) -> Convert | None:
        convert = self.member(shape.element)
        if convert is None:
            return None
        if shape.sparse:
            return lambda value: [None if inner is None else convert(inner) for inner in value]
        return lambda value: [convert(inner) for inner in value if inner is not None]

    def _map(self, shape: Shape) -> Convert | None:
        convert = self.member(shape.value)
        if convert is None:
            return None
        if shape.sparse:
            return lambda value: {key: None if inner is None else convert(inner) for key, inner in value.items()}
        return lambda value: {key: convert(inner) for key, inner in value.items() if inner is not None}


def _write_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return float_text(value)


def float_text(value: float) -> str:
    """A float as text, with AWS's names for what is no number."""
    if math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _write_json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _write_tagged_moment(value: datetime) -> Any:
    from cbor2 import CBORTag  # only the few CBOR services need it

    return CBORTag(1, timestamps.epoch(value))


MOMENT_WRITERS: Final[dict[str, Convert]] = {
    "unixTimestamp": timestamps.epoch,
    "iso8601": timestamps.iso8601,
    "rfc822": timestamps.rfc822,
}
