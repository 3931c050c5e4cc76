"""The programs that are compared: where they come from, how each is started as a fresh process, and what it weighs."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httptools

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"
PEERS = CACHE / "bench-venv"
PEERS_WANTED = ["moto[server]>=5.2", "ministack>=1.5"]
START_S = 30.0
STOP_S = 10.0


def install_peers(say: Callable[[str], None]) -> None:
    """moto and MiniStack, in an environment that Headwater's own does not share."""
    done = PEERS / ".installed"
    if done.exists() and done.read_text() == "\n".join(PEERS_WANTED):
        return
    say(f"Installing moto and ministack from PyPI into {PEERS.relative_to(ROOT)} (once, about 200 MB) ...")
    subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
    subprocess.run([PEERS / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *PEERS_WANTED], check=True)
    done.write_text("\n".join(PEERS_WANTED))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Target:
    """One program. `command` and `environment` may name {port} and {folder}."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> "Running":
        return Running(self)


@dataclass
class Running:
    """A fresh process of a target on a free port with a folder of its own; `stop` removes both."""

    target: Target

    def __post_init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"bench-{self.target.name}-"))
        names = {"port": str(self.port), "folder": str(self.folder)}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADWATER_", "PYTHON"))}
        environment = inherited | {name: value.format(**names) for name, value in self.target.environment.items()}
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            [part.format(**names) for part in self.target.command],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr").open("wb"),
        )

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def first_answer_s(self, request: bytes) -> float:
        """Seconds from the start of the process until `request` is answered with 200."""
        deadline = self.started_at + START_S
        while time.perf_counter() < deadline:
            if self.process.poll() is not None:
                break
            try:
                status = ask(self.port, request)
            except OSError:
                time.sleep(0.001)
                continue
            if status == 200:
                return time.perf_counter() - self.started_at
        words = (self.folder / "stderr").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.target.name} did not answer: {words}")

    def memory_mib(self) -> float:
        """Resident memory of the process and its children."""
        tree = [self.process.pid]
        for pid in tree:
            for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
                tree.extend(int(child) for child in tasks.read_text().split())
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in tree)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class _Answer:
    whole = False

    def on_message_complete(self) -> None:
        self.whole = True


def ask(port: int, request: bytes) -> int:
    """One request on a connection of its own; the status of its answer."""
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    with socket.create_connection(("127.0.0.1", port), timeout=START_S) as connection:
        connection.sendall(request)
        while not answer.whole:
            data = connection.recv(65536)
            if not data:
                raise ConnectionResetError("closed before the answer was whole")
            parser.feed_data(data)
    status: int = parser.get_status_code()
    return status


HEADWATER = Target(
    "headwater", [sys.executable, "-m", "headwater", "up", "--port", "{port}", "--home", "{folder}/home"], {"PYTHONPATH": str(ROOT / "src")}
)
BARE = Target(
    "bare walk",
    [sys.executable, "-m", "bench.bare", "up", "--port", "{port}", "--home", "{folder}/home"],
    {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
)
MINISTACK = Target(
    "ministack",
    [str(PEERS / "bin/ministack")],
    {"GATEWAY_PORT": "{port}", "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "TMPDIR": "{folder}", "S3_DATA_DIR": "{folder}/s3"},
)
MOTO = Target("moto", [str(PEERS / "bin/moto_server"), "-H", "127.0.0.1", "-p", "{port}"])
PEER_TARGETS = [MINISTACK, MOTO]
