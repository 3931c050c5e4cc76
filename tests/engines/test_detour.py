"""Connections of a program are led elsewhere by the kernel. Truth: seccomp_unotify(2), and what the machine does."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.engines import detour

pytestmark = pytest.mark.skipif(detour.missing() is not None, reason=str(detour.missing()))

NOWHERE = ("192.0.2.7", 80)  # TEST-NET-1


async def led(source: str, lead: detour.Lead) -> tuple[int, str]:
    """Exit code and output of a Python program under a detour."""
    way = detour.Detour(lead)
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", source, stdout=pipe, stderr=pipe, preexec_fn=way.arm)
    way.watch()
    try:
        async with asyncio.timeout(30):
            said, words = await program.communicate()
    finally:
        way.close()
    assert program.returncode is not None
    return program.returncode, (said + words).decode()


async def test_a_connection_goes_where_it_is_led_whether_it_waits_or_not() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()
    source = f"""
import asyncio, socket, threading
print(socket.create_connection({NOWHERE}).recv(9).decode())
one = socket.socket(socket.AF_INET6)
one.connect(("::ffff:{NOWHERE[0]}", {NOWHERE[1]}))
print(one.recv(9).decode())
async def ask():
    reader, writer = await asyncio.open_connection(*{NOWHERE})
    print((await reader.read()).decode())
asyncio.run(ask())
def greeted():
    print(socket.create_connection({NOWHERE}).recv(9).decode() + chr(10), end="")
threads = [threading.Thread(target=greeted) for _ in range(20)]
[each.start() for each in threads]
[each.join() for each in threads]
"""
    async with server:
        code, said = await led(source, lambda kind, host, port: place if (host, port) == NOWHERE else None)
    assert (code, said.split()) == (0, ["hello"] * 23), said


async def test_what_is_not_led_goes_on_as_the_kernel_has_it(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def lead(kind: socket.SocketKind, host: str, port: int) -> None:
        seen.append((host, port))

    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        source = f"""
import socket
print(socket.socket().connect_ex(("127.0.0.1", 9)))
socket.socket(socket.AF_UNIX).connect({str(path)!r})
print(socket.socket(socket.AF_UNIX).connect_ex("/var/run/nscd/socket"), socket.socket(socket.AF_UNIX).connect_ex(""))
"""
        code, said = await led(source, lead)
    assert (code, said.split()) == (0, ["111", "2", "22"]), said
    assert seen == [("127.0.0.1", 9)]


def test_where_the_system_refuses_it_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "sparc")
    assert "only Linux" in str(detour.missing.__wrapped__())


def test_inside_another_detour_it_is_refused_and_that_is_found_out() -> None:
    """One supervisor a process: the kernel answers EBUSY."""

    async def nested() -> tuple[int, str]:
        return await led("from headwater.engines import detour; print(detour.missing())", lambda kind, host, port: None)

    code, said = asyncio.run(nested())
    assert (code, "are refused" in said) == (0, True), said


def test_nothing_outside_the_program_is_led() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"import socket; one = socket.socket(); one.settimeout(0.2); print(one.connect_ex({NOWHERE}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() != "0"
