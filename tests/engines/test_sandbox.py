"""The file-system view of a program, looked at from inside. Truth: our own promise, which is the issue's ("Lambda isolation")."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headwater.engines import sandbox
from headwater.engines.sandbox import View

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=str(sandbox.missing()))

PYTHON = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
PREFIX = sandbox.interpreter_binds(Path(sys.base_prefix).resolve())


def run(view: View, source: str, env: dict[str, str] | None = None) -> Any:
    """What a Python program prints as JSON inside the view."""
    with sandbox.arguments_file(view, env or {}) as fd:
        command = sandbox.command((str(PYTHON), "-c", f"import json, os\nprint(json.dumps({source}))"), fd)
        done = subprocess.run(command, capture_output=True, check=False, pass_fds=(fd,), env={})
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_only_what_is_bound_is_there(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "file").write_text("x")
    view = View(binds=(*PREFIX, (tmp_path / "code", "/var/task")), cwd="/var/task")
    assert run(view, "os.listdir('.')") == ["file"]
    assert run(view, f"os.path.exists({str(tmp_path)!r})") is False
    assert run(view, "os.path.exists('/etc/shadow')") is False
    assert run(view, "sorted(os.listdir('/tmp'))") == []


def test_nothing_but_tmp_can_be_written(tmp_path: Path) -> None:
    view = View(binds=(*PREFIX, (tmp_path, "/var/task")))
    writable = "[path for path in ('/', '/usr', '/etc', '/var', '/var/task', '/tmp') if os.access(path, os.W_OK)]"
    assert run(view, writable) == ["/tmp"]
    assert list(tmp_path.iterdir()) == []


def test_tmp_has_its_limit() -> None:
    assert run(View(binds=PREFIX, tmp_bytes=8 * 2**20), "os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize") == 8 * 2**20


def test_the_environment_is_the_given_one_and_stands_in_no_command_line() -> None:
    view = View(binds=PREFIX)
    env = {"SECRET": "s3cret", "PATH": "/usr/bin"}
    seen = run(view, "dict(os.environ)", env)
    assert {name: seen[name] for name in env} == env
    assert "HOME" not in seen
    with sandbox.arguments_file(view, env) as fd:
        assert "s3cret" not in " ".join(sandbox.command(("x",), fd))


def test_a_hidden_folder_is_empty_and_a_link_leads(tmp_path: Path) -> None:
    view = View(binds=PREFIX, hidden=("/usr/share",), links=(("/usr/bin", "/var/lang"),))
    assert run(view, "os.listdir('/usr/share')") == []
    assert run(view, "os.path.realpath('/var/lang')") == "/usr/bin"


def test_it_runs_as_nobody_in_particular() -> None:
    assert run(View(binds=PREFIX), "[os.getuid(), os.getgid()]") == [sandbox.USER, sandbox.GROUP]


def test_all_that_the_program_started_ends_with_it() -> None:
    marker = f"31.{os.getpid()}"
    with sandbox.arguments_file(View(), {"PATH": "/usr/bin:/bin"}) as fd:
        command = sandbox.command(("/bin/sh", "-c", f"sleep {marker} & sleep {marker}"), fd)
        process = subprocess.Popen(command, pass_fds=(fd,))
    until(lambda: len(running(marker)) >= 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not running(marker))


def running(marker: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", marker.encode()]:
            found.append(int(path.parent.name))
    return found


def until(check: Any) -> None:
    ends = time.monotonic() + 5
    while not check():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_machine_that_is_not_linux_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert "on Darwin functions run without" in str(sandbox.missing.__wrapped__())


def test_a_bubblewrap_that_is_refused_is_said_with_what_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(sandbox, "_bwrap", lambda: refusing)
    words = str(sandbox.missing.__wrapped__())
    assert "setting up uid map: Permission denied" in words
    assert "kernel.unprivileged_userns_clone=1" in words
