"""`headwater up`: run the server, in the foreground or detached."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.kernel.settings import DEFAULT_PORT, NotServed, Settings

if TYPE_CHECKING:
    from headwater.kernel.home import Home


def default_home() -> Path:
    """HEADWATER_HOME, or ~/.headwater."""
    return Path(os.environ.get("HEADWATER_HOME") or Path.home() / ".headwater").expanduser().absolute()


def parser() -> argparse.ArgumentParser:
    """The flags of `headwater up`."""
    flags = argparse.ArgumentParser(prog="headwater up", description="Run Headwater on this machine.", allow_abbrev=False)
    flags.add_argument("--detach", action="store_true", help="go on in the background; `headwater down` ends it")
    flags.add_argument(
        "--port",
        type=port,
        default=os.environ.get("HEADWATER_PORT") or DEFAULT_PORT,
        help="the gateway's port (default HEADWATER_PORT or 4566; 0 takes a free one)",
    )
    flags.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: loopback alone)")
    flags.add_argument(
        "--home", type=Path, default=default_home(), help="the folder of everything (default HEADWATER_HOME or ~/.headwater)"
    )
    flags.add_argument(
        "--fsync",
        choices=["batched", "always"],
        default="batched",
        help="always: an answer waits for the disk, so that even a power cut costs nothing",
    )
    flags.add_argument("--strict", action="store_true", help="refuse access keys that Headwater did not issue")
    flags.add_argument(
        "--iam",
        choices=["enforce", "audit"],
        default="enforce",
        help="audit: what policies refuse passes all the same, and `headwater policy refused` lists it",
    )
    flags.add_argument("--firehose-records-per-second", type=int, default=500_000, help="Direct PUT's quota for each delivery stream")
    flags.add_argument("--trail-delivery-seconds", type=int, default=15, help="how long CloudTrail gathers events for a file (AWS: 300)")
    return flags


def port(text: str) -> int:
    """A port's number, as a flag or HEADWATER_PORT gives it."""
    if not (text.isascii() and text.isdecimal() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def up(arguments: list[str]) -> None:
    """Start; answers when the server ends or, detached, when it answers requests."""
    options = parser().parse_args(arguments)
    if options.detach:
        _detach([argument for argument in arguments if argument != "--detach"], options.home.expanduser().absolute())
        return
    _import_structlog_alone()
    from headwater.gateway.server import main

    settings = Settings(
        home=options.home.expanduser().absolute(),
        host=options.host,
        port=options.port,
        fsync_always=options.fsync == "always",
        strict=options.strict,
        iam=options.iam,
        firehose_records_per_second_max=options.firehose_records_per_second,
        trail_delivery_s=options.trail_delivery_seconds,
    )
    try:
        main(settings, _say_ready)
    except NotServed as error:
        sys.exit(f"headwater: {error}")


def _import_structlog_alone() -> None:
    """structlog imports Rich wherever it is installed, for tracebacks in colour: 20 ms of the start, and nothing that a server needs."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's own way to say: not now
    try:
        import structlog  # noqa: F401 - for what comes after
    finally:
        del sys.modules["rich"]


def _say_ready(home: Home) -> None:
    print(f"Headwater answers on {home.endpoint_url}  (home {home.path})", flush=True)  # noqa: T201 - a command line speaks


def _detach(arguments: list[str], home: Path) -> None:
    """Start a child in a session of its own and wait until it says that it answers."""
    log_path = home / "log" / "headwater.log"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        log_path.parent.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        sys.exit(f"headwater: {home} cannot be the home: {error.strerror}")
    with log_path.open("ab") as log:
        command = [sys.executable, "-m", "headwater", "up", "--home", str(home), *arguments]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True)  # noqa: S603 - our own program
    assert child.stdout is not None
    line = child.stdout.readline().decode()
    if not line:
        words = log_path.read_text(errors="replace").strip().splitlines()[-1:] or ["no word was left"]
        sys.exit(f"headwater: did not start: {words[0].removeprefix('headwater: ')}")
    sys.stdout.write(line)
