"""Real database servers for the engines' tests: one of each kind a module, on its own address and in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.engines import mariadb


@pytest.fixture(scope="session")
def cache() -> Path:
    """The user's own cache: making it anew for each run would measure apt and initdb."""
    return Path.home() / ".cache" / "headwater"


@pytest.fixture(scope="session")
def mariadb_cache(cache: Path) -> Path:
    sentence = mariadb.missing(cache)
    if sentence is not None:
        pytest.skip(sentence)
    return cache
