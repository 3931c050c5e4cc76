"""Tables and their keys: what a record is called on disk, and in which order records stand.

A key is a tuple of texts. On disk it is their UTF-8 with a zero byte after each, so that byte order is the order of
the components and every run of leading components is a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import msgspec

RecordType = TypeVar("RecordType", bound="Record")
KEYS_MAX: Final = 8192
"""Keys that are kept encoded: the same few are asked for at every request."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that is stored."""


@lru_cache(KEYS_MAX)
def encode_key(components: tuple[str, ...]) -> bytes:
    """The key's bytes. A component that holds a zero byte could be taken for two, so it is refused."""
    text = "\0".join(components)
    if text.count("\0") != len(components) - 1 and components:
        raise ValueError("a key's component holds a zero byte")
    return text.encode("utf-8", "surrogatepass") + b"\0" if components else b""


class Table(Generic[RecordType]):
    """A declaration: which service keeps which records under which key.

    `version` stands in front of each stored record. When a layout changes, raise it and give `migrate` one entry for
    each old version: the frozen old type and the function that turns it into today's.
    """

    def __init__(
        self,
        service: str,
        name: str,
        record: type[RecordType],
        *,
        key: Callable[[RecordType], tuple[str, ...]],
        version: int = 1,
        big: bool = False,
        migrate: Mapping[int, tuple[type[Any], Callable[[Any], RecordType]]] | None = None,
    ) -> None:
        self.service = service
        self.name = name
        self.record = record
        self.key = key
        self.version = version
        self.big = big
        self._mark = bytes([version])
        self._encoder = msgspec.msgpack.Encoder()
        self._decode: dict[int, Callable[[bytes], RecordType]] = {version: msgspec.msgpack.Decoder(record).decode}
        for old, (old_type, upgrade) in (migrate or {}).items():
            self._decode[old] = _migrating(msgspec.msgpack.Decoder(old_type), upgrade)

    def encode(self, record: RecordType) -> bytes:
        return self._mark + self._encoder.encode(record)

    def decode(self, stored: bytes) -> RecordType:
        return self._decode[stored[0]](stored[1:])


def _migrating(decoder: msgspec.msgpack.Decoder[Any], upgrade: Callable[[Any], RecordType]) -> Callable[[bytes], RecordType]:
    return lambda payload: upgrade(decoder.decode(payload))
