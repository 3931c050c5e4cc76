"""`application/vnd.amazon.eventstream`: messages with typed headers, each with a checksum of its own, one behind the other.

A message is its length, the length of its headers and a CRC of those two, the headers, the payload, a CRC of all. An operation whose
answer is such a stream returns the messages as a Stream under the member's name.
Source: "Amazon Transcribe: event stream encoding", which describes it for all services.
"""

import struct
import zlib
from typing import Final

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
TEXT: Final = 7
OVERHEAD_BYTES: Final = 16


def message(headers: dict[str, str], payload: bytes) -> bytes:
    described = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", OVERHEAD_BYTES + len(described) + len(payload), len(described))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + described + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind: str, payload: bytes, content_type: str) -> bytes:
    """One event of the stream; `kind` is the member of the union that it is."""
    return message({":event-type": kind, ":content-type": content_type, ":message-type": "event"}, payload)


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", TEXT, len(text)) + text
