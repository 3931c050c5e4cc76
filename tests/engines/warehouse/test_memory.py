"""The ceiling holds: an allocation beyond it fails in that process, whoever makes it."""

import subprocess
import sys

import pytest

from headwater.engines.warehouse import memory

GREEDY = """
from headwater.engines.warehouse import memory
memory.hold(64 << 20)
bytearray(512 << 20)
print("below", flush=True)
try:
    bytearray(2 << 30)
except MemoryError:
    print("above")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on private memory is Linux's")
def test_an_allocation_above_the_ceiling_fails() -> None:
    ran = subprocess.run([sys.executable, "-c", GREEDY], capture_output=True, text=True, timeout=30, env={"PYTHONPATH": "src"}, check=False)
    assert ran.stdout.split() == ["below", "above"], ran.stderr


def test_duckdb_s_share_leaves_room_for_the_others() -> None:
    assert memory.LEAST_BYTES <= memory.warehouse_bytes() <= memory.MOST_BYTES
