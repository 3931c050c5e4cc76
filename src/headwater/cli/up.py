"""`headwater up`: run the server, in the foreground or detached."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.kernel.settings import DEFAULT_PORT, Settings

if TYPE_CHECKING:
    from headwater.kernel.home import Home

START_S: Final = 30


def default_home() -> Path:
    """HEADWATER_HOME, or ~/.headwater."""
    return Path(os.environ.get("HEADWATER_HOME") or Path.home() / ".headwater").expanduser().absolute()


def parser() -> argparse.ArgumentParser:
    """The flags of `headwater up`."""
    flags = argparse.ArgumentParser(prog="headwater up", description="Run Headwater on this machine.")
    flags.add_argument("--detach", action="store_true", help="go on in the background; `headwater down` ends it")
    flags.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("HEADWATER_PORT", DEFAULT_PORT)),
        help="the gateway's port (default 4566; 0 takes a free one)",
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
    flags.add_argument("--firehose-records-per-second", type=int, default=500_000, help="Direct PUT's quota for each delivery stream")
    return flags


def up(arguments: list[str]) -> None:
    """Start; answers when the server ends or, detached, when it answers requests."""
    options = parser().parse_args(arguments)
    if options.detach:
        _detach([argument for argument in arguments if argument != "--detach"], options.home.expanduser().absolute())
        return
    _import_structlog_alone()
    from headwater.gateway.server import main
    from headwater.kernel.home import HomeInUse

    settings = Settings(
        home=options.home.expanduser().absolute(),
        host=options.host,
        port=options.port,
        fsync_always=options.fsync == "always",
        strict=options.strict,
        firehose_records_per_second_max=options.firehose_records_per_second,
    )
    try:
        main(settings, _say_ready)
    except HomeInUse as error:
        sys.exit(f"headwater: {error}. `headwater status` shows it, `headwater down` ends it.")
    except OSError as error:
        sys.exit(f"headwater: cannot listen on {options.host}:{options.port}: {error.strerror}. Another port: --port N.")


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
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "log").mkdir(exist_ok=True, mode=0o700)
    log_path = home / "log" / "headwater.log"
    with log_path.open("ab") as log:
        command = [sys.executable, "-m", "headwater", "up", "--home", str(home), *arguments]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True)  # noqa: S603 - our own program
    assert child.stdout is not None
    line = child.stdout.readline().decode()
    if not line:
        words = log_path.read_text(errors="replace").strip().splitlines()[-1:] or ["no word was left"]
        sys.exit(f"headwater: did not start: {words[0]}")
    sys.stdout.write(line)
