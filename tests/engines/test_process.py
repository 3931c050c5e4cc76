"""Supervision, tried on real child processes. Truth: our own promises in engines/process.py."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.engines import process as supervision
from headwater.engines.process import EngineLost, Supervised, command_line

ANSWERS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('here'); time.sleep(600)"


def sleeper(folder: Path, code: str = ANSWERS, *, grace: timedelta = timedelta(seconds=5), start: float = 10.0) -> Supervised:
    flag = folder / "flag"

    async def answers() -> bool:
        return flag.exists()

    return Supervised(
        "sleeper",
        [sys.executable, "-S", "-c", code, str(flag)],
        log_path=folder / "log",
        answers=answers,
        sweep=lambda: flag.unlink(missing_ok=True),
        start_timeout=timedelta(seconds=start),
        grace=grace,
    )


def alive(pid: int) -> bool:
    return command_line(pid) != ""


async def gone(pid: int, within_s: float = 5.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not alive(pid):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_program_is_up_when_it_answers_and_gone_when_stopped(tmp_path: Path) -> None:
    engine = sleeper(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        assert engine.state == "stopped"
        engine.start(tasks)
        assert engine.state == "starting"
        await engine.ready()
        pid = engine.pid
        assert engine.state == "up"
        assert pid is not None
        await engine.stop()
        await engine.stop()
    assert engine.state == "stopped"
    assert not alive(pid)
    with pytest.raises(EngineLost, match="stopped"):
        await engine.ready()


async def test_a_program_that_is_killed_comes_back(tmp_path: Path) -> None:
    engine = sleeper(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        await engine.ready()
        first = engine.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(5):
            while engine.pid in (first, None):
                await asyncio.sleep(0.01)
        await engine.ready()
        assert engine.pid != first
        await engine.stop()


async def test_a_program_that_will_not_stay_up_is_lost_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "BACKOFF_FIRST_S", 0.001)
    engine = sleeper(tmp_path, "raise SystemExit('the disk is on fire')")
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        with pytest.raises(EngineLost, match="ended with code 1"):
            await engine.ready()
        assert engine.state == "lost"
        assert "the disk is on fire" in engine.last_words()
        await engine.stop()


async def test_a_program_that_is_missing_is_lost_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "BACKOFF_FIRST_S", 0.001)

    async def answers() -> bool:
        return True

    engine = Supervised("nothing", [str(tmp_path / "no-such-program")], log_path=tmp_path / "log", answers=answers)
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        with pytest.raises(EngineLost, match="no-such-program"):
            await engine.ready()


async def test_a_probe_with_a_defect_loses_the_engine_and_spares_the_group(tmp_path: Path) -> None:
    async def answers() -> bool:
        raise KeyError("defect")

    engine = Supervised("odd", [sys.executable, "-c", "import time; time.sleep(60)"], log_path=tmp_path / "log", answers=answers)
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        with pytest.raises(EngineLost, match="KeyError"):
            await engine.ready()
    assert engine.pid is None


async def test_a_start_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "DEATHS_MAX", 1)
    engine = sleeper(tmp_path, "import time; time.sleep(600)", start=0.2)
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        with pytest.raises(EngineLost, match=r"did not answer within 0\.2 s"):
            await engine.ready()
    assert engine.pid is None


async def test_a_program_deaf_to_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    engine = sleeper(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + ANSWERS, grace=timedelta(seconds=0.1))
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        await engine.ready()
        pid = engine.pid
        assert pid is not None
        await engine.stop()
    assert not alive(pid)


async def test_a_program_goes_when_the_group_that_keeps_it_falls(tmp_path: Path) -> None:
    engine = sleeper(tmp_path)
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as tasks:
            engine.start(tasks)
            await engine.ready()
            pid = engine.pid
            raise RuntimeError("the house falls")
    assert pid is not None
    assert await gone(pid)
    await engine.stop()  # the loop goes on here, and wants to hear of the child's end


PARENT = """
import asyncio, sys
from pathlib import Path
from headwater.engines.process import Supervised
flag = Path(sys.argv[1]) / "flag"
async def answers(): return flag.exists()
async def main():
    async with asyncio.TaskGroup() as tasks:
        engine = Supervised("child", [sys.executable, "-S", "-c", sys.argv[2], str(flag)], log_path=flag.parent / "log", answers=answers)
        engine.start(tasks)
        await engine.ready()
        print(engine.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_child_dies_with_a_parent_killed_by_kill_9(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), ANSWERS, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "src"}
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert alive(child)
    parent.kill()
    await parent.wait()
    assert await gone(child)


async def test_what_an_earlier_life_left_running_is_ended_before_the_start(tmp_path: Path) -> None:
    engine = sleeper(tmp_path)
    leftover = await asyncio.create_subprocess_exec(*engine.argv)
    (tmp_path / "log.pid").write_text(str(leftover.pid))
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        await engine.ready()
        await engine.stop()
    assert await leftover.wait() == -signal.SIGKILL


async def test_another_program_that_got_the_same_process_id_is_left_alone(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "import time; time.sleep(600)")
    (tmp_path / "log.pid").write_text(str(other.pid))
    engine = sleeper(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        engine.start(tasks)
        await engine.ready()
        await engine.stop()
    assert other.returncode is None
    other.kill()
    await other.wait()
