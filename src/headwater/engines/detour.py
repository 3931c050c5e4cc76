"""Lead the connections of one program, and of all that it starts, elsewhere: without root, and without touching the machine.

Linux lets a process hand its `connect` calls to a supervisor before it becomes another program (seccomp's user notifications, Linux 5.6).
The supervisor reads where the call wants to go, and either lets the kernel go on with it, or takes a copy of the socket, connects it to
another place and reports the outcome. The program cannot tell, be it Python, Node, Java or a static Go binary: it needs no proxy setting
and no preloaded library. Everything else that it does is not looked at.

What is easy to get wrong: a call must be answered whatever happens, or the program hangs; a thread's id is no process id (pidfd_open
wants the process); and a signal must not restart a call that was answered (WAIT_KILLABLE_RECV, Linux 5.19: Go sends itself many).
Sources: seccomp_unotify(2), pidfd_getfd(2), linux/seccomp.h, linux/audit.h.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import functools
import os
import platform
import select
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

Place = tuple[str, int]
Lead = Callable[[socket.SocketKind, str, int], Place | None]
"""Where a socket of this kind that wants to go to this address and port goes instead; None: where it wants."""

PROBE_S: Final = 2.0
PROBED: Final = ("192.0.2.1", 443)  # TEST-NET-1: nobody is there
SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CONNECT: Final = {"x86_64": 42, "aarch64": 203}
PIDFD_GETFD: Final = 438
PR_SET_NO_NEW_PRIVS: Final = 38
PR_SET_CHILD_SUBREAPER: Final = 36
SET_MODE_FILTER: Final = 1
NEW_LISTENER: Final = 1 << 3
WAIT_KILLABLE_RECV: Final = 1 << 5
NOTIF_RECV: Final = 0xC0502100
NOTIF_SEND: Final = 0xC0182101
LET_GO_ON: Final = 1
NOTIFICATION: Final = struct.Struct("=QIIiIQ6Q")  # id, pid, flags, and of the call: number, architecture, instruction pointer, arguments
ANSWER: Final = struct.Struct("=QqiI")  # id, value, -errno, flags
ADDRESS_BYTES_MAX: Final = 128
RESOLVERS: Final = (b"/var/run/nscd/", b"/run/nscd/", b"/run/systemd/resolve/io.systemd.")
"""Programs that answer names for others, outside this process. Who finds them gone asks the name servers by itself."""


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class Detour:
    """For one program: `arm` is what it does between fork and exec, `watch` serves its calls on the running loop."""

    def __init__(self, lead: Lead) -> None:
        self._lead = lead
        self._ours, self._theirs = socket.socketpair()
        self._listener = -1
        self._libc = ctypes.CDLL(None, use_errno=True)

    def arm(self) -> None:
        """Runs in the child. Raises OSError where the kernel refuses."""
        listener = _install(self._libc)
        socket.send_fds(self._theirs, [b"!"], [listener])
        os.close(listener)

    def watch(self) -> None:
        """The child is armed; call it once it has been started."""
        self._receive()
        asyncio.get_running_loop().add_reader(self._listener, self._serve)

    def close(self) -> None:
        """From now on the program's connections fail."""
        if self._listener >= 0:
            asyncio.get_running_loop().remove_reader(self._listener)
            os.close(self._listener)
            self._listener = -1
        self._ours.close()
        self._theirs.close()

    def works(self) -> bool:
        """Try it: let a child of this process connect to PROBED, where nobody is."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                self.arm()
                with socket.socket() as connection:
                    connection.settimeout(PROBE_S)  # where the call is let go on, packets to PROBED may just vanish
                    code = connection.connect_ex(PROBED)
            finally:
                os._exit(code & 0xFF)
        self._theirs.close()  # a child that could not arm itself then leaves an end to which nobody writes
        try:
            self._receive()
            if select.select([self._listener], [], [], PROBE_S)[0]:
                self.answer()
            os.close(self._listener)
        except OSError:
            os.kill(child, signal.SIGKILL)  # it may wait for an answer that nobody can give
        self._ours.close()
        return os.waitpid(child, 0)[1] == 0

    def _receive(self) -> None:
        _, found, _, _ = socket.recv_fds(self._ours, 1, 1)
        if not found:
            raise OSError("the program could not hand its connections over")
        self._listener = found[0]

    def _serve(self) -> None:
        if not self.answer() and select.select([self._listener], [], [], 0)[0]:
            asyncio.get_running_loop().remove_reader(self._listener)  # all processes are gone: it would be readable for ever

    def answer(self) -> bool:
        """Answer the call that waits; False if there was none."""
        note = bytearray(NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, NOTIF_RECV, note)
        except OSError:  # whoever called has ended meanwhile
            return False
        number, pid, _, _, _, _, fd, pointer, length, *_ = NOTIFICATION.unpack(note)
        try:
            outcome = self._connect(pid, fd, pointer, length)
        except (OSError, ValueError):  # its memory or its socket are out of reach: as it would have been without us
            outcome = None
        answer = (number, 0, 0, LET_GO_ON) if outcome is None else (number, 0, -outcome, 0)
        try:
            fcntl.ioctl(self._listener, NOTIF_SEND, bytearray(ANSWER.pack(*answer)))
        except OSError:
            return False
        return True

    def _connect(self, pid: int, fd: int, pointer: int, length: int) -> int | None:
        """The errno of the connection that was made instead (0: it stands), or None to let the call go on."""
        family, host, port = _address(pid, pointer, length)
        if family == socket.AF_UNIX:
            return errno.ENOENT if host.encode().startswith(RESOLVERS) else None
        if family not in {socket.AF_INET, socket.AF_INET6}:
            return None
        with socket.socket(fileno=self._copy(pid, fd)) as copy:
            place = self._lead(copy.type, host.removeprefix("::ffff:"), port)
            if place is None:
                return None
            if family == socket.AF_INET6:
                return copy.connect_ex((f"::ffff:{place[0]}", place[1]))
            return copy.connect_ex(place)

    def _copy(self, pid: int, fd: int) -> int:
        """The socket itself, under a descriptor of ours."""
        process = os.pidfd_open(_process_of(pid))
        try:
            copy = self._libc.syscall(PIDFD_GETFD, process, ctypes.c_int(fd & 0xFFFFFFFF), 0)
        finally:
            os.close(process)
        if copy < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return int(copy)


def adopt_orphans() -> None:
    """Let what a program leaves behind stay a descendant of this process: many systems let nobody else look into it (Yama)."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _install(libc: ctypes.CDLL) -> int:
    """Hand this process's `connect` calls over; the descriptor on which they arrive."""
    machine = platform.machine()
    program = b"".join(
        struct.pack("=HBBI", *line)
        for line in (
            (0x20, 0, 0, 4),  # the architecture
            (0x15, 0, 3, AUDIT_ARCH[machine]),
            (0x20, 0, 0, 0),  # the call's number
            (0x15, 0, 1, CONNECT[machine]),
            (0x06, 0, 0, 0x7FC00000),  # SECCOMP_RET_USER_NOTIF
            (0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
        )
    )
    kept = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.cast(kept, ctypes.c_void_p))
    for unprivileged in (False, True):
        if unprivileged:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  # the price of doing it without root: set-uid programs gain nothing inside
        for flags in (NEW_LISTENER | WAIT_KILLABLE_RECV, NEW_LISTENER):
            listener = int(libc.syscall(SECCOMP[machine], SET_MODE_FILTER, flags, ctypes.byref(described)))
            if listener >= 0:
                return listener
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


def _address(pid: int, pointer: int, length: int) -> tuple[int, str, int]:
    """(family, address or path, port) as they stand in the caller's memory."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        raw = os.pread(memory, min(length, ADDRESS_BYTES_MAX), pointer)
    finally:
        os.close(memory)
    if len(raw) < 2:
        raise ValueError("no address")
    family = int.from_bytes(raw[:2], "little")
    if family == socket.AF_INET and len(raw) >= 8:
        return family, socket.inet_ntop(socket.AF_INET, raw[4:8]), int.from_bytes(raw[2:4], "big")
    if family == socket.AF_INET6 and len(raw) >= 24:
        return family, socket.inet_ntop(socket.AF_INET6, raw[8:24]), int.from_bytes(raw[2:4], "big")
    return family, raw[2:].split(b"\0", 1)[0].decode(errors="replace"), 0


def _process_of(thread: int) -> int:
    for line in Path(f"/proc/{thread}/status").read_text().splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    raise ValueError("no such process")


@functools.cache
def missing() -> str | None:
    """Why connections cannot be led elsewhere on this machine; None where they can. Found out by doing it."""
    if platform.system() != "Linux" or platform.machine() not in CONNECT:
        return f"only Linux on {' and '.join(CONNECT)} can lead a program's connections elsewhere"
    with socket.create_server(("127.0.0.1", 0)) as door:
        place: Place = door.getsockname()
        if Detour(lambda kind, host, port: place if (host, port) == PROBED else None).works():
            return None
    return "this system does not let a program's connections be led elsewhere (seccomp's notifications are refused)"
