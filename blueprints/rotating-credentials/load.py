"""The application's process: started, watched until it works, and ended; then its file has every request."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import credentials
from figures import Request, requests_in

STARTS_WITHIN_S = 20
ENDS_WITHIN_S = 30


class Load:
    """`with Load(...) as load: ...`; behind it `load.requests`."""

    def __init__(self, secret: str, keys: dict[str, str], log: Path, rate: float) -> None:
        arn = f"arn:aws:iam::{credentials.ACCOUNT}:role/{credentials.ROLE}"
        program = str(credentials.HERE / "application.py")
        self._command = [sys.executable, program, "--role", arn, "--secret", secret, "--rate", str(rate), "--log", str(log)]
        self._keys = keys
        self._log = log
        self.requests: list[Request] = []

    def __enter__(self) -> "Load":
        self._process = subprocess.Popen(self._command, env=os.environ | self._keys)
        end = time.monotonic() + STARTS_WITHIN_S
        while not requests_in(self._log):
            if self._process.poll() is not None or time.monotonic() > end:
                self._end()
                raise RuntimeError("the application did not start")
            time.sleep(0.05)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()
        self.requests = requests_in(self._log)

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
