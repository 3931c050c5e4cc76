"""`/_headwater/clock` and `headwater clock`: AWS time shown and moved. Truth: issue 5, item 7."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture
def page(start_server: Callable[..., Any]) -> Callable[..., Any]:
    """The clock's page of a server of the test's own: others share theirs."""
    server = start_server()

    def ask(**body: Any) -> Any:
        content = json.dumps(body).encode() if body else None
        try:
            with urllib.request.urlopen(f"{server.endpoint_url}/_headwater/clock", content, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)["error"]

    ask.server = server  # type: ignore[attr-defined]
    return ask


def test_the_clock_is_moved_frozen_resumed_and_reset(page: Any) -> None:
    assert abs(page()["offset_s"]) < 1
    assert page(advance_s=60 * 86_400)["offset_s"] == 60 * 86_400
    stands = page(freeze=True)
    assert stands["frozen"]
    assert page()["now"] == stands["now"]
    assert page(set="2027-03-01T03:00:00Z")["now"] == "2027-03-01T03:00:00Z"
    assert page(set="2027-03-01T04:00:00+01:00")["now"] == "2027-03-01T03:00:00Z"
    assert page(resume=True)["frozen"] is False
    assert page(reset=True)["offset_s"] == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"advance_s": -1}, "`set` moves it back"),
        ({"advance_s": 1e12}, "100 years"),
        ({"advance_s": 1, "freeze": True}, "one of"),
        ({"freeze": False}, "Invalid"),
        ({"set": "tomorrow"}, "RFC3339"),
        ({"set": "1950-01-01T00:00:00Z"}, "between the years"),
        ({"set": "9999-01-01T00:00:00Z"}, "between the years"),
        ({"forward": 1}, "unknown field"),
    ],
)
def test_what_the_clock_cannot_do_is_said(page: Any, body: dict[str, Any], says: str) -> None:
    code, words = page(**body)
    assert (code, says in words) == (400, True), words


def test_the_verbs_of_the_command_line(page: Any) -> None:
    def headwater(*words: str) -> str:
        environment = os.environ | {"AWS_ENDPOINT_URL": page.server.endpoint_url, "PYTHONPATH": str(SOURCES), "COLUMNS": "200"}
        command = [sys.executable, "-m", "headwater", "clock", *words]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended.stdout

    assert "+0 s" in headwater() or "-0 s" in headwater("show")
    assert "+5184000 s" in headwater("advance", "60d")
    assert "+5227200 s" in headwater("--advance", "12h")
    assert "2027-03-01T03:00:" in headwater("set", "2027-03-01T03:00:00Z")
    assert "frozen" in headwater("freeze")
    now = page.server.home.clock.now()
    assert datetime(2027, 3, 1, 3, tzinfo=UTC) <= now < datetime(2027, 3, 1, 3, 1, tzinfo=UTC)
    headwater("advance", "1d12h")
    assert page.server.home.clock.now() == now + timedelta(days=1, hours=12)
    assert "frozen" not in headwater("resume")
    assert "+0 s" in headwater("reset")
