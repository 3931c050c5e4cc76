"""What a running program uses, read off /proc where the system has one: processor time, connections to its port, memory that is left.

Nothing is measured before somebody asks. Elsewhere than on Linux nothing is known, and nothing is said.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_ESTABLISHED: Final = "01"
_TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def processor_seconds(pid: int) -> float | None:
    """What the process and those that it has started have used so far."""
    total = _seconds_of(pid)
    if total is None:
        return None
    try:
        children = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        children = []
    return total + sum(_seconds_of(int(child)) or 0.0 for child in children)


def _seconds_of(pid: int) -> float | None:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def connections(host: str, port: int) -> int | None:
    """How many clients are connected to this IPv4 address and port."""
    try:
        lines = (_PROC / "net" / "tcp").read_text().splitlines()[1:]
    except OSError:
        return None
    here = f"{struct.unpack('=I', socket.inet_aton(host))[0]:08X}:{port:04X}"
    return sum(1 for line in lines if (fields := line.split())[1] == here and fields[3] == _ESTABLISHED)


def memory_available() -> int | None:
    """Bytes that programs can still have without swapping."""
    try:
        lines = (_PROC / "meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def processors() -> int:
    return os.cpu_count() or 1
