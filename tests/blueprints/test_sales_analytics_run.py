"""The blueprint as a user runs it: every check of its own holds, and the page with the charts is there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_blueprint_runs_to_its_end_and_every_check_holds(start_server: Callable[..., Any], tmp_path: Path) -> None:
    server = start_server()
    places = {"AWS_ENDPOINT_URL": server.endpoint_url, "HEADWATER_HOME": str(tmp_path / "charts-go-here"), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "blueprints" / "sales-analytics"), "--rows", "300"]
    ended = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Every check holds." in ended.stdout
    page = (tmp_path / "charts-go-here" / "charts" / "sales-analytics.html").read_text()
    for title in ("Total sales by season", "Total sales by weekday", "Total Sales $ by month"):
        assert title in page
