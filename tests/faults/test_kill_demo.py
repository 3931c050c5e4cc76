"""Killed in the middle of the demonstration: it goes on where it stopped, and no acknowledged row is missing.

Truth: our own promise. Asynchronous invocation is at-least-once, as on AWS: after a kill every row that MariaDB acknowledged arrives in
S3 at least once, which `--continue` checks by itself, and exits non-zero where it does not hold.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pymysql
import pytest

from headwater.engines import mariadb

ROOT = Path(__file__).parents[2]
ROWS = 2000


def demonstrate(program: Any, *flags: str) -> "subprocess.Popen[str]":
    places = {"AWS_ENDPOINT_URL": program.endpoint_url, "HEADWATER_HOME": str(program.home), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "blueprints" / "sales-analytics"), "--rows", str(ROWS), "--keep", *flags]
    return subprocess.Popen(command, env=os.environ | places, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def rows_in_sales(program: Any) -> int:
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.session.Session().client("rds", endpoint_url=program.endpoint_url, **keys)
    with contextlib.closing(client) as rds:
        clusters = rds.describe_db_clusters()["DBClusters"]
    if not clusters:
        return 0
    login = {"user": "admin", "password": "Sales-and-Seasons-16", "database": "shop"}
    try:
        with pymysql.connect(host=clusters[0]["Endpoint"], port=clusters[0]["Port"], **login) as database, database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM Sales")
            return int(cursor.fetchone()[0])
    except pymysql.err.MySQLError:  # not up yet, or without the table
        return 0


def engines_of(home: Path) -> set[str]:
    """Commands, other than the server's, that name the home's folder."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(home) in command and "headwater\0up" not in command and int(folder.name) != os.getpid():
            found.add(command.replace("\0", " "))
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(mariadb.missing() is not None, reason="MariaDB is not installed")
def test_the_demonstration_goes_on_after_a_kill_and_no_acknowledged_row_is_missing(start_program: Callable[[], Any]) -> None:
    program = start_program()
    first = demonstrate(program)
    end = time.monotonic() + 120
    while (acknowledged := rows_in_sales(program)) < ROWS // 10:  # past the six golden rows, in the middle of the orders
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < end, "no rows come"
        time.sleep(0.05)
    program.kill()
    words, _ = first.communicate(timeout=60)
    assert first.returncode != 0, words
    end = time.monotonic() + 10
    while engines_of(program.home):
        assert time.monotonic() < end, f"orphaned: {engines_of(program.home)}"
        time.sleep(0.05)

    program.start()
    again = demonstrate(program, "--continue")
    words, _ = again.communicate(timeout=180)
    assert again.returncode == 0, words
    assert "Every check holds." in words
    before = int(words.split(" were acknowledged before")[0].split()[-1].replace(",", ""))
    assert acknowledged <= before < ROWS
    assert rows_in_sales(program) == ROWS

    program.stop()
    assert engines_of(program.home) == set()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(mariadb.missing() is not None, reason="MariaDB is not installed")
def test_a_demonstration_that_is_killed_while_it_builds_begins_anew(start_program: Callable[[], Any]) -> None:
    program = start_program()
    first = demonstrate(program)
    end = time.monotonic() + 60
    while not engines_of(program.home):
        assert time.monotonic() < end, "no engine starts"
        time.sleep(0.01)
    program.kill()
    words, _ = first.communicate(timeout=60)
    assert first.returncode != 0, words

    program.start()
    again = demonstrate(program, "--continue")
    words, _ = again.communicate(timeout=180)
    assert again.returncode == 0, words
    assert "starting from the beginning" in words
    assert rows_in_sales(program) == ROWS
