"""`headwater run -- python app.py`: start a program whose calls to AWS's own endpoints reach Headwater.

The program is a child of ours: it has our terminal, gets our signals, and its end is ours. Two ways lead its connections here. Where the
system allows it (Linux) the kernel asks us at each `connect` (engines/detour.py): names of AWS's are answered with an address that nobody
has, and connections to it are made to our door instead. Elsewhere a proxy in the environment must do, for programs that heed HTTPS_PROXY.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer
from rich.console import Console

from headwater.cli.asking import HomeOption, ask, endpoint_of
from headwater.cli.run.doors import Certificates, Gateway, proxy_door, tls_door
from headwater.cli.run.names import DOOR, NameServers
from headwater.cli.run.surroundings import environment, write_trust
from headwater.engines import detour
from headwater.engines.process import die_with_parent
from headwater.kernel.certificates import authority_path
from headwater.kernel.clock import Clock
from headwater.kernel.home import is_held

NAMES_PORT: Final = 53
FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGWINCH)
OF_THE_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)
"""The terminal sends these to the program as well as to us."""
NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126

whisper = Console(stderr=True, highlight=False)


class Folder(msgspec.Struct, frozen=True):
    """Where the authority stands: the home of the server that runs, or a folder of this run alone."""

    path: Path
    clock: Clock


def run(
    context: typer.Context,
    home: HomeOption,
    way: Annotated[
        str | None, typer.Option("--by", help="`kernel` or `proxy`: how its connections are led here (the first that works).")
    ] = None,
) -> None:
    """Start a program whose calls to AWS's own endpoints reach Headwater; nothing else on the machine is changed."""
    words = context.args
    if not words:
        raise typer.BadParameter("a program is missing: headwater run -- python app.py")
    if way not in {None, "kernel", "proxy"}:
        raise typer.BadParameter(f"{way} is no way: kernel or proxy")
    endpoint = endpoint_of(home)
    ask(endpoint, "status")
    refused = None if way == "proxy" else detour.missing()
    if refused is not None and way == "kernel":
        whisper.print(f"headwater run: {refused}.")
        raise typer.Exit(1)
    by_proxy = way == "proxy" or refused is not None
    how = "through HTTPS_PROXY, for programs that heed it" if by_proxy else "by the kernel, connection by connection"
    why = f" ({refused})" if refused is not None else ""
    whisper.print(f"[dim]headwater run: AWS's endpoints lead to {endpoint}, {how}{why}.[/]", soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="headwater-run-") as work:
        folder = Folder(home if is_held(home) else Path(work), Clock())
        code = asyncio.run(_run(words, endpoint, folder, Path(work), by_proxy=by_proxy))
    _end_as(code)


async def _run(words: list[str], endpoint: str, folder: Folder, work: Path, *, by_proxy: bool) -> int:
    gateway = Gateway(endpoint)
    write_trust(os.environ, authority_path(folder), work)
    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as doors:
        tls_port = await doors.enter_async_context(tls_door(Certificates(folder), gateway))
        if by_proxy:
            proxy_port = await doors.enter_async_context(
                proxy_door(tls_port, os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY"))
            )
            return await _program(words, environment(os.environ, endpoint, work, proxy_port), die_with_parent())
        detour.adopt_orphans()
        names = NameServers(tasks)
        doors.callback(names.close)
        led = detour.Detour(_lead(names, tls_port, gateway))
        doors.callback(led.close)
        return await _program(words, environment(os.environ, endpoint, work, None), _both(led.arm, die_with_parent()), led.watch)


def _lead(names: NameServers, tls_port: int, gateway: Gateway) -> detour.Lead:
    """Names are asked of us, and behind the address that we give there are TLS and, where the gateway speaks it, HTTP."""
    places = {443: ("127.0.0.1", tls_port)}
    if not gateway.tls:
        places[80] = (socket.gethostbyname(gateway.host), gateway.port)

    def lead(kind: socket.SocketKind, host: str, port: int) -> detour.Place | None:
        if port == NAMES_PORT and kind == socket.SOCK_DGRAM:
            return names.instead_of(host, port)
        return places.get(port) if host == DOOR else None

    return lead


def _both(first: Callable[[], None], second: Callable[[], None] | None) -> Callable[[], None]:
    def arm() -> None:
        if second is not None:
            second()
        first()

    return arm


async def _program(
    words: list[str], surroundings: Mapping[str, str], arm: Callable[[], None] | None, started: Callable[[], None] = lambda: None
) -> int:
    """The exit code of the program, or minus the signal that ended it."""
    try:
        process = await asyncio.create_subprocess_exec(*words, env=surroundings, preexec_fn=arm)
    except FileNotFoundError:
        whisper.print(f"headwater run: {words[0]} is not found.")
        return NOT_FOUND
    except PermissionError:
        whisper.print(f"headwater run: {words[0]} cannot be executed.")
        return NOT_EXECUTABLE
    started()
    loop = asyncio.get_running_loop()
    for number in FORWARDED:
        loop.add_signal_handler(number, process.send_signal, number)
    for number in OF_THE_TERMINAL:
        loop.add_signal_handler(number, _forward_unless_heard, process, number)
    return await process.wait()


def _forward_unless_heard(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if not _has_terminal():
        process.send_signal(number)


def _has_terminal() -> bool:
    """Whether we stand in the foreground of a terminal."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _end_as(code: int) -> NoReturn:
    """End as the program did, also by the same signal: a shell tells the two apart."""
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has but one meaning
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    raise typer.Exit(code)
