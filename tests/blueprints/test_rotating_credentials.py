"""Post 4 as a user runs it: the application that logs in 50 times a second never notices that its credential rotates.

Truth: scenario S4.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.engines import mariadb, postgres

ROOT = Path(__file__).parents[2]
missing = mariadb.missing() or postgres.missing()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(missing is not None, reason=str(missing))
def test_no_request_fails_while_the_credential_rotates(start_server: Callable[..., Any], tmp_path: Path) -> None:
    """MySQL with a single user and PostgreSQL with alternating ones, then the post's other promises."""
    server = start_server()
    places = {"AWS_ENDPOINT_URL": server.endpoint_url, "HEADWATER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    command = [sys.executable, str(ROOT / "blueprints" / "rotating-credentials")]
    ended = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Every check holds." in ended.stdout
    assert "✗" not in ended.stdout
    assert len(re.findall(r"requests failed: 0 of \d", ended.stdout)) == 2
    assert "logins refused: 0" in ended.stdout
    assert "<circle" in (tmp_path / "charts" / "rotating-credentials.html").read_text()
