"""The README's own lines run as they stand. Truth: the README is what a new user tries first."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.engines import mariadb

ROOT = Path(__file__).parents[1]


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def exported() -> dict[str, str]:
    """What the README tells the user to export, but for the endpoint, which is the session's here."""
    lines = re.findall(r"^\$ export (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return dict(each.split("=", 1) for line in lines for each in line.split())


@pytest.mark.slow
@pytest.mark.skipif(mariadb.missing() is not None, reason="MariaDB is not installed")
def test_the_python_block_runs_as_it_stands(server: Any) -> None:
    asked = "\nwith db.cursor() as cursor:\n    cursor.execute('SELECT version(), database()')\n    print(cursor.fetchone())"
    end = "\nrds.delete_db_instance(DBInstanceIdentifier='shop', SkipFinalSnapshot=True)"
    environment = os.environ | exported() | {"AWS_ENDPOINT_URL": server.endpoint_url}
    command = [sys.executable, "-c", block("python") + asked + end]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "MariaDB" in ended.stdout
    assert "'shop'" in ended.stdout
