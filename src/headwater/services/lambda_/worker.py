"""One worker: a process that runs a function's code, its Runtime API, its output, its time and memory limits.

A worker's output and its answers come over different ways (a pipe and HTTP), and an answer must not overtake what was printed
before it: so the pipe is emptied whenever an answer arrives, before anything else happens. The runtime writes unbuffered.

The memory limit is watched, not enforced by the kernel: RLIMIT_AS counts what is mapped and not what is used, and cgroups are
not to be had everywhere. The watch looks ten times a second at runs that take that long; a limit on the data segment, far above
the function's, is the net below it.
"""

import asyncio
import base64
import contextlib
import functools
import os
import socket
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from headwater.engines import sandbox
from headwater.engines.process import die_with_parent

from .invocation import (
    RESPONSE_BYTES_MAX,
    TAIL_BYTES_MAX,
    UNHANDLED,
    Invocation,
    Outcome,
    exited,
    how_it_ended,
    not_started,
    out_of_memory,
    timed_out,
    too_large,
)
from .platform_log import Figures, Format, Json, Text
from .runtime_api import RuntimeConnection

INIT_S: Final = 10.0  # AWS's limit for the time before the first event is asked for; the function's own timeout comes on top
WATCH_S: Final = 0.1
PIPE_BYTES: Final = 65_536
LINE_BYTES_MAX: Final = 256 * 1024  # CloudWatch Logs' limit of an event
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MIB: Final = 2**20


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a worker of one version of one function. The address of its Runtime API and its log stream come later."""

    argv: tuple[str, ...]
    env: dict[str, str]
    view: sandbox.View | None  # None where the machine can't isolate
    cwd: Path | None
    function: str
    version: str
    timeout_s: int
    memory_mb: int
    json_log: bool = False
    notice: tuple[str, ...] = ()  # what the function's log has to say about this machine


Failure = Callable[[str], Outcome]  # what an invocation with this request id gets


class Log(Protocol):
    """Where a worker's lines go: one stream of CloudWatch Logs."""

    name: str

    def write(self, at: datetime, line: str) -> None: ...


class Owner(Protocol):
    """The pool, as its workers see it."""

    def is_free(self, worker: "Worker") -> None: ...
    def finished(self, invocation: Invocation) -> None: ...
    def has_ended(self, worker: "Worker", failure: "Failure | None") -> None: ...


class Worker:
    def __init__(
        self,
        launch: Launch,
        owner: Owner,
        log: Log,
        now: Callable[[], datetime],
        machine: Callable[[], float],
        tell: Callable[[float, Outcome], None] = lambda took_ms, outcome: None,
    ) -> None:
        self._launch = launch
        self._tell = tell  # of each run that has ended: its milliseconds and what it came to
        self._owner = owner
        self._log = log
        self._now = now
        self._is_text = not launch.json_log
        self._format: Format = Text() if self._is_text else Json()
        self._machine = machine  # seconds since 1970 by the machine's clock: the function compares deadlines with its own
        self._loop = asyncio.get_running_loop()
        self._process: asyncio.subprocess.Process | None = None
        self._connections: list[RuntimeConnection] = []
        self._connection: RuntimeConnection | None = None  # set while the worker waits for an event
        self._current: Invocation | None = None
        self._began = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._pipe = -1
        self._partial = b""
        self._tail: list[str] = []
        self._init_began = self._loop.time()
        self._init_ms: float | None = None
        self._init_error: bytes | None = None
        self._init_too_long = False
        self._peak_bytes = 0
        self._peak_at = 0.0
        self._doomed = False
        self.ready = False
        self.idle_since = 0.0

    async def live(self) -> None:
        """From start to end; the pool hears of the end in any case."""
        failure: Failure | None = None
        try:
            failure = await self._live()
        except OSError as error:
            failure = functools.partial(not_started, why=str(error))
        finally:
            self._cancel_timer()
            self._owner.has_ended(self, failure)

    def begin(self, invocation: Invocation) -> bool:
        """Hand the worker, which is free, its next event; false where it is found dead, and nothing has been handed over."""
        connection, self._connection = self._connection, None
        if connection is None or not connection.alive:
            self.stop()
            return False
        launch = self._launch
        now = self._loop.time()
        self._began = now
        self._deadline = now + launch.timeout_s
        self._current = invocation
        trace = os.urandom(20).hex()
        wall = self._machine()
        lineage = f";{invocation.lineage}" if invocation.lineage else ""
        headers = (
            f"Lambda-Runtime-Deadline-Ms: {int((wall + launch.timeout_s) * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {invocation.arn}\r\n"
            f"Lambda-Runtime-Trace-Id: Root=1-{int(wall):08x}-{trace[:24]};Parent={trace[24:]};Sampled=0{lineage}\r\n"
        )
        if invocation.client_context is not None:
            headers += f"Lambda-Runtime-Client-Context: {invocation.client_context}\r\n"
        invocation.headers = headers.encode()
        self._tail.clear()
        self._say(self._format.start(self._now(), invocation.request_id, launch.version))
        self._timer = self._loop.call_later(min(WATCH_S, launch.timeout_s), self._watch)
        connection.give(invocation)
        return True

    def stop(self) -> None:
        """Kill it, and all that it started. The end is reported through `live`."""
        self._doomed = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    # What the Runtime API calls.

    def asks_next(self, connection: RuntimeConnection) -> None:
        if self._doomed:
            return
        self._connection = connection
        if not self.ready:
            self.ready = True
            self._cancel_timer()
            self._init_ms = (self._loop.time() - self._init_began) * 1000
        self._owner.is_free(self)

    def responds(self, request_id: str, payload: bytes) -> bool:
        if len(payload) > RESPONSE_BYTES_MAX:
            return self._finish(request_id, too_large())
        return self._finish(request_id, Outcome(payload=payload))

    def fails(self, request_id: str, error: bytes) -> bool:
        return self._finish(request_id, Outcome(payload=error, error=UNHANDLED), "success" if self._is_text else "error")

    def fails_to_start(self, error: bytes) -> None:
        self._init_error = error

    def streams(self, connection: RuntimeConnection, request_id: str, content_type: str) -> Callable[[bytes], None] | None:
        """Where the pieces go; None where the caller takes the answer as a whole."""
        current = self._current
        if current is None or current.request_id != request_id or current.feed is None:
            return None
        current.feed.begin(content_type, connection.hold)
        return current.feed.put

    def has_streamed(self, request_id: str, error: bytes | None) -> bool:
        current = self._current
        if error is not None:
            return self.fails(request_id, base64.b64decode(error))
        if current is not None and current.feed is not None and current.feed.is_too_long:
            return self._finish(request_id, too_large())
        return self._finish(request_id, Outcome(payload=b""))

    # Its life.

    async def _live(self) -> Failure | None:
        launch = self._launch
        self._say(self._format.init_start(self._now(), launch.env.get("AWS_EXECUTION_ENV", "").removeprefix("AWS_Lambda_")))
        for sentence in launch.notice:
            self._say(sentence)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        server = await self._loop.create_server(self._connected, sock=listener)
        self._pipe, writing = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            try:
                self._process = await self._spawn(listener.getsockname()[1], writing)
            finally:
                os.close(writing)
            self._loop.add_reader(self._pipe, self._read)
            self._timer = self._loop.call_later(INIT_S + launch.timeout_s, self._init_took_too_long)
            code = await self._process.wait()
            self._read()
            return self._ended(code)
        finally:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            server.close()
            for connection in self._connections:
                connection.close()

    def _connected(self) -> RuntimeConnection:
        connection = RuntimeConnection(self)
        self._connections.append(connection)
        return connection

    async def _spawn(self, port: int, output: int) -> asyncio.subprocess.Process:
        launch = self._launch
        env = launch.env | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "AWS_LAMBDA_LOG_STREAM_NAME": self._log.name}
        data_kib = (2 * launch.memory_mb + 1024) * 1024
        argv = ("/bin/sh", "-c", 'ulimit -d "$0" 2>/dev/null; exec "$@"', str(data_kib), *launch.argv)
        start = functools.partial(
            asyncio.create_subprocess_exec, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        if launch.view is None:
            return await start(*argv, env=env, cwd=launch.cwd, preexec_fn=die_with_parent())
        with sandbox.arguments_file(launch.view, env) as fd:
            return await start(*sandbox.command(argv, fd), env={}, pass_fds=(fd,))

    def _ended(self, code: int) -> Failure | None:
        """What the invocation that ran gets; or, of a worker that never became ready, why: for those who wait for it."""
        current = self._current
        if current is not None:
            self._say(f"RequestId: {current.request_id} Error: {how_it_ended(code)}")
            self._finish(current.request_id, exited(current.request_id, code), "error")
            return None
        if self.ready:
            return None
        if self._init_too_long:
            return functools.partial(timed_out, timeout_s=self._launch.timeout_s)
        error = self._init_error
        if error is not None:
            return lambda _: Outcome(payload=error, error=UNHANDLED)
        return functools.partial(exited, code=code)

    def _init_took_too_long(self) -> None:
        self._say(f"INIT_REPORT Init Duration: {INIT_S * 1000:.2f} ms\tPhase: init\tStatus: timeout")
        self._init_too_long = True
        self.stop()

    # One run.

    def _finish(self, request_id: str, outcome: Outcome, status: str = "success") -> bool:
        current = self._current
        if current is None or current.request_id != request_id:
            return False
        self._read()
        self._cancel_timer()
        self._tell(self._report(current, status), outcome)
        self._current = None
        self._owner.finished(current)
        if current.tail:
            tail = "".join(line if line.endswith("\n") else line + "\n" for line in self._tail).encode()
            outcome = msgspec.structs.replace(outcome, tail=tail[-TAIL_BYTES_MAX:])
        current.done(current, outcome)
        return True

    def _report(self, current: Invocation, status: str) -> float:
        """Answers how many milliseconds it took."""
        now = self._loop.time()
        if now - self._peak_at > WATCH_S:
            self._measure()
        memory_mb = self._launch.memory_mb
        figures = Figures((now - self._began) * 1000, memory_mb, min(-(-self._peak_bytes // _MIB), memory_mb), self._init_ms)
        self._init_ms = None
        for line in self._format.report(self._now(), current.request_id, figures, status):
            self._say(line)
        return figures.duration_ms

    def _watch(self) -> None:
        """Ten times a second while a run lasts: has it used up its time, or its memory?"""
        current = self._current
        if current is None:
            return
        left = self._deadline - self._loop.time()
        if left <= 0:
            timeout_s = self._launch.timeout_s
            self._say(f"{self._now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {current.request_id} Task timed out after {timeout_s:.2f} seconds")
            self._finish(current.request_id, timed_out(current.request_id, timeout_s), "timeout")
            self.stop()
            return
        self._measure()
        if self._peak_bytes > self._launch.memory_mb * _MIB:
            self._say(f"RequestId: {current.request_id} Error: {how_it_ended(-9)}")
            self._finish(current.request_id, out_of_memory(current.request_id), "error")
            self.stop()
            return
        self._timer = self._loop.call_later(min(WATCH_S, left), self._watch)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _measure(self) -> None:
        """The most memory that the worker's processes have had in use."""
        self._peak_at = self._loop.time()
        if self._process is not None:
            self._peak_bytes = max(self._peak_bytes, resident_bytes(self._process.pid))

    # Its output.

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._pipe, PIPE_BYTES)
            except (BlockingIOError, OSError):
                return
            if not chunk:
                return
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            for line in lines:
                # The runtime writes an error and its trace as one event, with \r where a line ends.
                self._say(line.decode("utf-8", "replace").replace("\r", "\n"))
            if len(self._partial) > LINE_BYTES_MAX:
                self._say(self._partial.decode("utf-8", "replace"))
                self._partial = b""
            if len(chunk) < PIPE_BYTES:
                return

    def _say(self, line: str) -> None:
        self._log.write(self._now(), line)
        if self._current is not None and self._current.tail:
            self._tail.append(line)


def resident_bytes(pid: int) -> int:
    """The memory in use by a process and all that it started; 0 where the system does not say."""
    total = 0
    try:
        total = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
        children = Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()
    except OSError:
        return total
    return total + sum(resident_bytes(int(child)) for child in children)
