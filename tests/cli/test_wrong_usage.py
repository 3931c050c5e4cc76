"""Wrong usage of the command line: a sentence and an exit code, never a traceback. Truth: our own promise."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def headwater(home: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Exit code, and all that was said."""
    places = {"HEADWATER_HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"} | environment
    command = [sys.executable, "-m", "headwater", *words]
    ended = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("words", "environment", "code", "says"),
    [
        (["up", "--port", "99999"], {}, 2, "is no port"),
        (["up"], {"HEADWATER_PORT": "abc"}, 2, "is no port"),
        (["up", "--det"], {}, 2, "unrecognized arguments"),
        (["up", "--host", "1.2.3.4", "--port", "0"], {}, 1, "cannot listen on 1.2.3.4"),
        (["up", "--home", "/proc/nowhere", "--port", "0"], {}, 1, "cannot be the home"),
        (["up", "--detach", "--home", "/proc/nowhere", "--port", "0"], {}, 1, "cannot be the home"),
        (["status"], {}, 1, "No Headwater runs"),
        (["status"], {"AWS_ENDPOINT_URL": "nonsense"}, 1, "no address"),
        (["status"], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "does not answer"),
        (["clock", "--advance", "soon"], {}, 2, "no duration"),
        (["clock", "--advance", "1e99d"], {}, 2, "no duration"),
        (["clock", "advance", "60"], {}, 2, "no duration"),
        (["clock", "set", "yesterday"], {}, 2, "no moment"),
        (["clock", "freeze"], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "does not answer"),
        (["coverage", "nothing"], {}, 1, "no room"),
        (["try", "nothing"], {}, 2, "There is no blueprint"),
        (["try", "sales-analytics", "--rows", "many"], {}, 2, "neither `all` nor a number"),
    ],
)
def test_wrong_usage_is_told_in_words(words: list[str], environment: dict[str, str], code: int, says: str, tmp_path: Path) -> None:
    ended, said = headwater(tmp_path / "home", *words, **environment)
    assert (ended, says in said) == (code, True), said


def test_a_home_in_use_is_not_served_twice_and_not_deleted(server: Any) -> None:
    home = server.home.path
    code, said = headwater(home, "up", "--port", "0")
    assert (code, "another Headwater runs" in said) == (1, True), said
    code, said = headwater(home, "reset", "--yes")
    assert (code, "headwater down" in said) == (1, True), said


def test_a_home_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("9")
    code, said = headwater(tmp_path, "up", "--port", "0")
    assert (code, "has format 9" in said) == (1, True), said


def test_time_is_not_advanced_backwards(server: Any) -> None:
    code, said = headwater(server.home.path, "clock", "--advance=-1h", AWS_ENDPOINT_URL=server.endpoint_url)
    assert (code, "time moves forward" in said) == (2, True), said
