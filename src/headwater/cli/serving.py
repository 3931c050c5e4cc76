"""The server that a blueprint runs against: the one that is there, or one of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from rich.console import Console

from headwater.cli.up import default_home
from headwater.gateway.server import running
from headwater.kernel.settings import DEFAULT_PORT

say = Console(highlight=False)


def ensure_server() -> bool:
    """Use the server that runs, or start one; True when it is the caller's to end. Sets AWS_ENDPOINT_URL."""
    if os.environ.get("AWS_ENDPOINT_URL"):
        return False
    found = running(default_home())
    if found is not None:
        os.environ["AWS_ENDPOINT_URL"] = found.endpoint
        return False
    started = subprocess.run([sys.executable, "-m", "headwater", "up", "--detach", *_port()], check=False)  # noqa: S603 - our own program
    if started.returncode:
        sys.exit(started.returncode)  # it has said why
    found = running(default_home())
    assert found is not None
    os.environ["AWS_ENDPOINT_URL"] = found.endpoint
    return True


def end_server() -> None:
    """End the server that `ensure_server` started."""
    subprocess.run([sys.executable, "-m", "headwater", "down"], check=True)


def _port() -> list[str]:
    """No flag where the usual port is free; another one where somebody else has it."""
    if os.environ.get("HEADWATER_PORT"):
        return []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            say.print(f"Port {DEFAULT_PORT} is taken by another program: using a free one.")
            return ["--port", "0"]
    return []
