"""Build the shipped libraries again: `python -m headwater.engines.mariadb_lambda.build`.

They are cross-compiled by the compiler in the `ziglang` wheel (411 MB, so it is a tool of ours and not of the user's), against
an old glibc, so that they load on every distribution that has MariaDB 10.6 or later. The same source and wheel give the same bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from headwater.engines.mariadb_lambda.library import FLAGS, MACHINES, SOURCE, shipped

GLIBC: Final = "2.17"


def build(machine: str) -> Path:
    target = shipped(machine)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-gnu.{GLIBC}", "-s", *FLAGS, SOURCE.name, "-o"]
        subprocess.run([*command, f"{folder}/{target.name}"], cwd=SOURCE.parent, check=True, env=os.environ | {"ZERO_AR_DATE": "1"})  # noqa: S603  a tool for builders, with our own words
        target.write_bytes((Path(folder) / target.name).read_bytes())
    return target


if __name__ == "__main__":
    for machine in MACHINES:
        built = build(machine)
        sys.stdout.write(f"{built} {built.stat().st_size} bytes\n")
