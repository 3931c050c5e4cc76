"""Keep a program up: start it, wait until it answers, start it again when it dies, and never leave it behind.

Every engine (a database, a warehouse, a worker) is a child process, and they all fail in the same few ways, so the
care for them stands here once. Three things are easy to get wrong:

* **An orphan holds locks.** A child must die with us, also when we die by `kill -9` and run no clean-up at all. Linux
  does that for us (PR_SET_PDEATHSIG), with two traps: the signal is sent when the *thread* that forked ends, so an
  event loop that starts engines must live on the main thread or on one that lives as long as the process; and a parent
  that died between fork and prctl is missed, hence the look at getppid afterwards. Other systems have nothing like it:
  there, and as a second line on Linux, the process id is kept in a file, and the next start ends what it names.
* **Listening is not answering.** A program is up when the adapter's own probe says so, not when its port is open.
* **A program that will not stay up is a state**, "lost", with its last words, not an exception: the keeper is a child of the
  program's one TaskGroup and must never end it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import platform
import signal
import subprocess
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Final, Literal

import structlog

log = structlog.get_logger()

LINUX: Final = platform.system() == "Linux"
DEATHS_MAX: Final = 5
DEATHS_S: Final = 60.0
POLL_S: Final = 0.02
BACKOFF_FIRST_S: Final = 0.1
LOG_BYTES_MAX: Final = 16 * 2**20
LAST_WORDS_BYTES: Final = 4_000
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

State = Literal["starting", "up", "lost", "stopped"]


class EngineLost(Exception):
    """A program does not stay up, or was stopped. The room turns it into an AWS fault that a client may retry."""


class Supervised:
    """One program that is kept up from `start` to `stop`.

    `answers` is the adapter's probe: true once the program serves; an OSError means "not yet". `sweep` runs before each start and
    removes what a crash left (stale sockets, pid files, shared memory).
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_path: Path,
        answers: Callable[[], Awaitable[bool]],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        sweep: Callable[[], None] | None = None,
        start_timeout: timedelta = timedelta(seconds=60),
        grace: timedelta = timedelta(seconds=10),
        stop_signal: signal.Signals = signal.SIGTERM,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self._env = env
        self._cwd = cwd
        self._log_path = log_path
        self._pid_path = log_path.with_name(log_path.name + ".pid")
        self._answers = answers
        self._sweep = sweep
        self._start_timeout_s = start_timeout.total_seconds()
        self._grace_s = grace.total_seconds()
        self._stop_signal = stop_signal
        self._pass_fds = tuple(pass_fds)
        self._state: State = "stopped"
        self._changed = asyncio.Event()
        self._why = "it was not started"
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        return self._state

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to keep the program up; `ready` tells when it answers. A running one is left alone, a lost one is tried again."""
        if self._keeper is not None and not self._keeper.done():
            return
        self._enter("starting")
        self._keeper = tasks.create_task(self._keep_up(), name=f"keep {self.name}")

    async def ready(self) -> None:
        """Wait until the program answers; EngineLost when it is lost or stopped."""
        while self._state == "starting":
            await self._changed.wait()
        if self._state != "up":
            raise EngineLost(f"{self.name} is {self._state}: {self._why}")

    async def stop(self) -> None:
        """Ask, wait for the grace, then kill. Safe to call twice, and on a program that never came up."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()  # first, or it takes the stop below for a death
            await asyncio.wait([keeper])
        self._why = "it was stopped"
        self._enter("stopped")
        if self._process is not None:
            await self._end(self._process)
            self._process = None
        self._pid_path.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The end of the program's log, and why it could not be started if it was not even that."""
        try:
            with self._log_path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_WORDS_BYTES))
                tail = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            tail = ""
        words = "".join(each if each.isprintable() or each in "\n\t" else " " for each in tail)  # programs ring bells and draw in colours
        return f"{words.strip()}\n{self._why}".strip()

    def _enter(self, state: State) -> None:
        self._state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_up(self) -> None:
        deaths: deque[float] = deque(maxlen=DEATHS_MAX)
        try:
            while True:
                await self._live_once()
                deaths.append(asyncio.get_running_loop().time())
                lost = len(deaths) == DEATHS_MAX and deaths[-1] - deaths[0] < DEATHS_S
                log.warning("engine died", engine=self.name, why=self._why, lost=lost)
                if lost:
                    self._enter("lost")
                    return
                self._enter("starting")
                recent = sum(1 for at in deaths if deaths[-1] - at < DEATHS_S)
                await asyncio.sleep(BACKOFF_FIRST_S * 2 ** (recent - 1))
        except asyncio.CancelledError:
            if self._keeper is not None and self._process is not None:  # not by `stop`: the house falls, and nobody will ask politely
                kill_session(self._process.pid)
            raise
        except Exception as error:  # a defect of one adapter must not end the whole program through the caller's TaskGroup
            self._why = f"{type(error).__name__}: {error}"
            log.exception("engine keeper failed", engine=self.name)
            self._enter("lost")
            if self._process is not None:
                await self._end(self._process)

    async def _live_once(self) -> None:
        """One life, from start to death. A start that hangs is killed and is a death like any other."""
        try:
            process = self._process = await self._spawn()
        except OSError as error:
            self._why = f"it could not be started: {error}"
            return
        if not await self._until_answers(process):
            await self._end(process)
            return
        self._enter("up")
        self._why = f"it ended with code {await process.wait()}"

    async def _spawn(self) -> asyncio.subprocess.Process:
        await end_leftover(self._pid_path, self.argv)
        if self._sweep is not None:
            self._sweep()
        with open_log(self._log_path) as output:
            process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._cwd,
                env=self._env,
                pass_fds=self._pass_fds,
                start_new_session=True,  # Ctrl-C in the terminal is ours to turn into an orderly stop
                preexec_fn=die_with_parent(),
            )
        self._pid_path.write_text(f"{process.pid}\n")
        return process

    async def _until_answers(self, process: asyncio.subprocess.Process) -> bool:
        try:
            async with asyncio.timeout(self._start_timeout_s):
                while process.returncode is None:
                    with contextlib.suppress(OSError):
                        if await self._answers():
                            return True
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            self._why = f"it did not answer within {self._start_timeout_s:g} s"
            return False
        self._why = f"it ended with code {process.returncode} before it answered"
        return False

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, self._stop_signal)  # asyncio's own send_signal may reap the child behind its watcher's back
            try:
                async with asyncio.timeout(self._grace_s):
                    await process.wait()
            except TimeoutError:
                log.warning("engine killed", engine=self.name, grace_s=self._grace_s)
        kill_session(process.pid)  # whatever it had started goes with it
        await process.wait()


def die_with_parent() -> Callable[[], None] | None:
    """What a child must do between fork and exec so that it dies with us, also by kill -9; None where the system cannot.

    For everybody who starts a process without `Supervised`: `subprocess.Popen(..., preexec_fn=die_with_parent())`.
    """
    if not LINUX:
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: the child may not import or allocate much
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:  # it died before the prctl: nobody will send the signal any more
            os.kill(os.getpid(), signal.SIGKILL)

    return arm


def kill_session(pid: int) -> None:
    """End a child that leads a session of its own, and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def open_log(path: Path) -> IO[bytes]:
    """Append to the log; begin a new one, keeping the last, once it has grown large."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


async def end_leftover(pid_path: Path, argv: Sequence[str], patience: timedelta = timedelta(seconds=10)) -> None:
    """End the process that an earlier life of Headwater left behind, and wait until it is gone, for it holds locks on the data.

    A process id can be reused, so only a process that still runs the same command is touched. (The end of the command is what
    counts: a wrapper such as `unshare` is replaced by what it runs.)
    """
    pid = read_pid(pid_path)
    if pid is None:
        return
    with contextlib.suppress(TimeoutError):  # what cannot be ended makes the new start fail with the program's own words
        async with asyncio.timeout(patience.total_seconds()):
            while runs(pid, argv):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(POLL_S)


def read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def runs(pid: int, argv: Sequence[str]) -> bool:
    """Whether the process lives and runs this command."""
    shown = command_line(pid)
    return shown != "" and " ".join(argv).endswith(shown)


def command_line(pid: int) -> str:
    """The command that a process runs, or nothing when there is no such process (a zombie runs none)."""
    if LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            return ""
    ps = ["ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  fixed words and a number
