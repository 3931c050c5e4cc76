"""The program that serves: one root TaskGroup, one home, one door."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.aws.wire import Request, Response
from headwater.gateway import house, logs
from headwater.gateway.door import serve
from headwater.gateway.guard import is_from_this_machine
from headwater.gateway.request_log import RequestLog
from headwater.gateway.walk import walk
from headwater.kernel.home import Home, HomeInUse, is_held
from headwater.kernel.settings import NotServed, Settings

RUN_FILE: Final = "run.json"
SWITCH_S: Final = 0.0005
"""So long may a thread behind the loop (the store's filler) keep the interpreter when the loop wants it; Python's 5 ms are many calls."""
COLLECT: Final = (10_000, 20, 20)
"""Python looks for dead cycles after so many new objects. Its own 700 are not ten requests, whose leavings are hardly ever cycles."""
DOOR_GRACE_S: Final = 10.0


class Stopped(Exception):
    """Raised inside the root group to end what still runs in it, once everything is closed."""


class RunFile(msgspec.Struct, frozen=True):
    """Where a running Headwater can be found; kept in its home while it runs."""

    pid: int
    endpoint: str


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    # The protocol is named, for asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        hint = "; `--port N` takes another port" if error.errno == errno.EADDRINUSE else ""
        raise NotServed(f"cannot listen on {host}:{port}: {error.strerror}{hint}") from None
    listener.listen(2048)
    listener.setblocking(False)
    return listener


async def run(settings: Settings, stop: asyncio.Event, ready: Callable[[Home], None] = lambda home: None) -> None:
    """Serve until `stop` is set. `ready` is called once requests are answered."""
    if is_held(settings.home):  # before the port, which that Headwater has as well
        raise HomeInUse(settings.home)
    listener = listen(settings.host, settings.port)
    refusal: NotServed | None = None
    try:
        settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
        async with asyncio.TaskGroup() as tasks:
            try:
                home = Home(settings, tasks)
            except NotServed as error:
                refusal = error  # told to the caller as it is, not as the group would wrap it
            else:
                await _live(home, listener, stop, ready)
            raise Stopped  # noqa: TRY301 - it ends the group, which is what is tried
    except* Stopped:
        pass
    finally:
        listener.close()
    if refusal is not None:
        raise refusal


async def _live(home: Home, listener: socket.socket, stop: asyncio.Event, ready: Callable[[Home], None]) -> None:
    request_log = RequestLog(home.path / "log" / "requests.jsonl", home.bus)
    try:
        await _serve(home, listener, stop, ready)
    finally:
        await home.close()
        request_log.close()


async def _serve(home: Home, listener: socket.socket, stop: asyncio.Event, ready: Callable[[Home], None]) -> None:
    run_file = home.path / RUN_FILE
    run_file.write_bytes(msgspec.json.encode(RunFile(os.getpid(), home.endpoint_url)))
    resuming = home.tasks.create_task(home.resume(), name="resume")

    def answer(request: Request, source: str) -> Coroutine[Any, Any, Response]:
        if request.path.startswith(house.PREFIX) and is_from_this_machine(request.headers):
            return house.answer(home, request)
        return walk(home, request, source)

    ready(home)
    try:
        await serve(answer, listener, stop)
    finally:
        resuming.cancel()
        run_file.unlink(missing_ok=True)


def main(settings: Settings, ready: Callable[[Home], None] = lambda home: None) -> None:
    """Run in the foreground until SIGINT or SIGTERM."""
    import uvloop

    logs.configure()

    async def program() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await run(settings, stop, ready)

    with contextlib.suppress(KeyboardInterrupt):
        sys.setswitchinterval(SWITCH_S)
        gc.set_threshold(*COLLECT)
        uvloop.run(program())


def running(home: Path) -> RunFile | None:
    """The Headwater that runs on this folder and answers, or is about to end."""
    if not is_held(home):
        return None
    try:
        found = msgspec.json.decode((home / RUN_FILE).read_bytes(), type=RunFile)
        os.kill(found.pid, 0)
    except (FileNotFoundError, ProcessLookupError, msgspec.DecodeError):
        return None  # it is starting, or ending
    return found
