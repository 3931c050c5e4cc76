"""A Headwater as a process of its own, to be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class Program:
    """`headwater up` on a home; kill it, start it again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = "0"
        self.start()

    def start(self) -> None:
        log = (self.home.parent / "headwater.log").open("ab")
        command = [sys.executable, "-m", "headwater", "up", "--home", str(self.home), "--port", self.port]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "PYTHONPATH": "src"})
        log.close()
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert "answers on" in line, (self.home.parent / "headwater.log").read_text()
        self.endpoint_url = line.split("answers on ")[1].split()[0]
        self.port = self.endpoint_url.rsplit(":", 1)[1]

    def kill(self) -> None:
        """kill -9, and wait until the process is gone."""
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self._reap()

    def _reap(self) -> None:
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[[], Program]]:
    started: list[Program] = []

    def start() -> Program:
        started.append(Program(tmp_path / "home"))
        return started[-1]

    yield start
    for program in started:
        if program.process.poll() is None:
            program.stop()
