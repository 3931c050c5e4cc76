"""A loopback address of one's own for each server, so that every database can have port 3306 as on AWS.

Linux answers on all of 127.0.0.0/8 without any set-up; macOS only on 127.0.0.1, and there the next free port must do and is
reported. The address comes from a hash of the server's name: it is the same after a restart on any day and on any
machine, which keeps connection strings in users' files valid.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Collection, Iterator
from typing import Final

ONLY: Final = "127.0.0.1"
TRIES_MAX: Final = 64
PORTS_MAX: Final = 200
RETURNS_TRIES: Final = 20
RETURNS_PAUSE_S: Final = 0.25


class NoAddress(Exception):
    """Neither an address nor a port is free."""


def free_address(seed: str, port: int, taken: Collection[str] = ()) -> tuple[str, int]:
    """The address for the server named `seed`, and its port: the one asked for wherever the machine has more than 127.0.0.1.

    `taken` are hosts promised to servers that do not run at the moment and so cannot be seen by trying.
    """
    if bindable("127.1.2.3", 0):
        for host in candidates(seed):
            if host not in taken and bindable(host, port):
                return host, port
        raise NoAddress(f"no loopback address has port {port} free")
    for shifted in range(port, min(port + PORTS_MAX, 65_536)):
        if f"{ONLY}:{shifted}" not in taken and bindable(ONLY, shifted):
            return ONLY, shifted
    raise NoAddress(f"no port from {port} to {port + PORTS_MAX - 1} is free on {ONLY}")


async def comes_free(host: str, port: int) -> bool:
    """Whether a server may listen at its own address again: at once, or soon, where an earlier life of it is still ending."""
    for _ in range(RETURNS_TRIES):
        if bindable(host, port):
            return True
        await asyncio.sleep(RETURNS_PAUSE_S)
    return False


def candidates(seed: str) -> Iterator[str]:
    """Addresses for a name, the same ones in the same order each time; never 127.0.x.y, where the system's own names live."""
    for number in range(TRIES_MAX):
        digest = hashlib.sha256(f"{seed}#{number}".encode()).digest()
        yield f"127.{1 + digest[0] % 254}.{digest[1]}.{1 + digest[2] % 254}"


def bindable(host: str, port: int) -> bool:
    """Whether a server could listen there now. Connections in TIME_WAIT do not count as taken, a listener on 0.0.0.0 does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
