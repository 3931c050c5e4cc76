"""The request log: one line of JSON for each call, written behind the requests in batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.kernel.bus import Bus

LOG_BYTES_MAX: Final = 64 * 1024 * 1024
"""At this size the file is set aside (one old file is kept)."""


class RequestLog:
    """Appends every "request" fact of the bus to a file."""

    def __init__(self, path: Path, bus: Bus) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()
        bus.subscribe("request", self._write)

    def _write(self, records: list[Any]) -> None:
        self._file.write(self._encoder.encode_lines(records))
        if self._file.tell() > LOG_BYTES_MAX:
            self._file.close()
            self._path.replace(self._path.with_suffix(".old"))
            self._file = self._path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()
