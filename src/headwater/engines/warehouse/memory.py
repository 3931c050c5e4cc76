"""The ceiling of a warehouse's process: a query that eats all memory ends itself or this process, never the machine.

DuckDB keeps to its own `memory_limit` and spills to disk. What it does not count (Arrow batches, Python, third-party code) is held
by the system's limit on private writable memory: an allocation above it fails, which ends the statement where the
allocator's caller can say so and the process where it can't. RLIMIT_AS would also count what is only reserved, of which
allocators take gigabytes. Where the system has no such limit (macOS ignores it) DuckDB's stands alone.
"""

import os
import resource
from typing import Final

BEYOND_DUCKDB_BYTES: Final = 1 << 30  # threads' stacks, Arrow, the interpreter, sqlglot's trees
LEAST_BYTES: Final = 256 << 20
MOST_BYTES: Final = 2 << 30


def warehouse_bytes() -> int:
    """DuckDB's share on this machine: a quarter, at least enough to work and at most what leaves room for the other engines."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(MOST_BYTES, max(LEAST_BYTES, machine // 4))


def hold(duckdb_bytes: int) -> None:
    """Limit this process for good."""
    ceiling = duckdb_bytes + BEYOND_DUCKDB_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard not in {resource.RLIM_INFINITY, -1}:
        ceiling = min(ceiling, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling, hard))
