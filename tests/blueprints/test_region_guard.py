"""Post 2 as a user runs it: every call of its matrix is answered as AWS answers it.

Truth: scenario S2's matrix and operators; the sentence of a refusal from "Troubleshoot access denied error messages" of the IAM user guide.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_developers_read_everywhere_and_write_in_frankfurt_alone(start_server: Callable[..., Any], tmp_path: Path) -> None:
    server = start_server()
    places = {"AWS_ENDPOINT_URL": server.endpoint_url, "HEADWATER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    for _ in range(2):  # it finds and deletes what it left
        command = [sys.executable, str(ROOT / "blueprints" / "region-guard"), "--keep"]
        ended = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, timeout=100, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "Every check holds." in ended.stdout
        assert "✗" not in ended.stdout
