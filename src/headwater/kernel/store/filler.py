"""The filler: the one thread that writes SQLite, in batches, behind the acknowledgements.

It sleeps until there is something, lingers a little so that batches grow, and hurries when a range read waits for it.
A failure to write ends the program: crashing beats acknowledging what can no longer be kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final

from headwater.kernel.store.journal import Change
from headwater.kernel.store.shelf import Shelf

Place = tuple[str, str, bytes]
"""Service, table and key of a record."""
LINGER_S: Final = 0.25
BACKLOG_BYTES_MAX: Final = 64 * 1024 * 1024


def raise_flag(flag: threading.Event) -> None:
    """Asking is cheap, setting takes a lock; and most of the time the other thread knows already."""
    if not flag.is_set():
        flag.set()


class Filler:
    """Takes changes in journal order; `carried(position, records)` is called in its thread after each batch."""

    def __init__(
        self, shelf: Callable[[str], Shelf], carried: Callable[[int, Iterable[Place]], None], failed: Callable[[BaseException], None]
    ) -> None:
        self._shelf = shelf
        self._carried = carried
        self._failed = failed
        self._lock = threading.Lock()
        self._waiting: list[Change] = []
        self._position = 0
        self._some = threading.Event()
        self._hurry = threading.Event()
        self._stopped = False
        self.backlog_bytes = 0
        self._thread = threading.Thread(target=self._run, name="store-filler", daemon=True)
        self._thread.start()

    def add(self, changes: list[Change], position: int, size: int) -> None:
        with self._lock:
            self._waiting.extend(changes)
            self._position = position
            self.backlog_bytes += size
        raise_flag(self._some)

    def hurry(self) -> None:
        """Somebody waits: do not linger."""
        self._hurry.set()

    def stop(self) -> None:
        """Carry over what is left and end the thread."""
        self._stopped = True
        self._hurry.set()
        self._some.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._some.wait():
                if not self._stopped:
                    self._hurry.wait(LINGER_S)
                self._hurry.clear()
                self._some.clear()
                self._carry()
                if self._stopped and not self._waiting:
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the owner, who ends the program
            self._failed(error)

    def _carry(self) -> None:
        with self._lock:
            batch, position = self._waiting, self._position
            self._waiting = []
            self.backlog_bytes = 0
        if not batch:
            return
        last = {(service, table, key): value for service, table, key, value in batch}  # of changes to one record the last one stands
        of_service: dict[str, list[tuple[str, bytes, bytes | None]]] = {}
        for (service, table, key), value in last.items():
            of_service.setdefault(service, []).append((table, key, value))
        for service, changes in of_service.items():
            self._shelf(service).fill(changes, position)
        self._carried(position, last)
