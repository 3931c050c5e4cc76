"""What the plug-in's fixtures give: a server, an account on it, its Clock."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from headwater.engines.process import die_with_parent
from headwater.kernel.identity import ROOT_SECRET
from headwater.kernel.settings import DEFAULT_REGION

ANSWER_S: Final = 60
STOP_S: Final = 60


@contextmanager
def serving() -> Iterator[str]:
    """The endpoint of the Headwater that AWS_ENDPOINT_URL names, or of one that lives as long as this block."""
    named = os.environ.get("AWS_ENDPOINT_URL")
    if named:
        _page(named.rstrip("/"), "status")
        yield named.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        log_path = Path(folder) / "said"
        command = [sys.executable, "-m", "headwater", "up", "--port", "0", "--home", f"{folder}/home"]
        with (
            log_path.open("wb") as log,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, preexec_fn=die_with_parent()) as server,  # noqa: PLW1509, S603 - our own program, and one thread so far
        ):
            assert server.stdout is not None
            line = server.stdout.readline().decode()
            if not line:
                pytest.fail(f"Headwater did not start: {log_path.read_text(errors='replace')[-2000:]}", pytrace=False)
            try:
                yield line.split()[3]  # "Headwater answers on http://…"
            finally:
                _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()


class Headwater:
    """An account of the test's own. Accounts are sealed off from each other, so nothing needs to be cleaned up."""

    def __init__(self, endpoint_url: str, account: str, region: str) -> None:
        self.endpoint_url = endpoint_url
        self.account = account
        self.region = region
        self._clients: list[Any] = []

    @property
    def environment(self) -> dict[str, str]:
        """What leads an SDK or the aws cli of another process here: for `subprocess.run(…, env=os.environ | headwater.environment)`."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client as the account's root, closed after the test."""
        import boto3

        keys = {"region_name": self.region, "aws_access_key_id": self.account, "aws_secret_access_key": ROOT_SECRET}
        session: Any = boto3.session.Session()
        made = session.client(service, **({"endpoint_url": self.endpoint_url} | keys | options))
        self._clients.append(made)
        return made

    def close(self) -> None:
        for made in self._clients:
            made.close()


@contextmanager
def account_on(endpoint_url: str) -> Iterator[Headwater]:
    """A fresh account; inside the block the process's environment leads there."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    account = Headwater(endpoint_url, str(secrets.randbelow(9 * 10**11) + 10**11), region)
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("AWS_ENDPOINT_URL_") or name in {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}:
                patch.delenv(name)
        for name, value in account.environment.items():
            patch.setenv(name, value)
        if "boto3" in sys.modules:  # its default session remembers the credentials that it found first
            patch.setattr("boto3.DEFAULT_SESSION", None)
        try:
            yield account
        finally:
            account.close()
            if "boto3" in sys.modules:
                patch.setattr("boto3.DEFAULT_SESSION", None)


class HeadwaterClock:
    """AWS time of the server: it belongs to all who use the server."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def now(self) -> datetime:
        return self._moment(self._ask())

    def advance(self, by: timedelta | None = None, **parts: float) -> datetime:
        """Move it forward, by a timedelta or its parts (`days=60`): what becomes due runs. Answers the new time, as all do."""
        return self._moment(self._ask(advance_s=((by or timedelta()) + timedelta(**parts)).total_seconds()))

    def set(self, to: datetime) -> datetime:
        """Let it be this moment (UTC where it says no zone), before or behind. What has run does not run again."""
        return self._moment(self._ask(set=(to if to.tzinfo is not None else to.replace(tzinfo=UTC)).isoformat()))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stop it, here or at a moment."""
        stands = self._moment(self._ask(freeze=True))
        return stands if at is None else self.set(at)

    def resume(self) -> datetime:
        """Let it go on from where it stands."""
        return self._moment(self._ask(resume=True))

    def reset(self) -> datetime:
        """Back to the machine's time."""
        return self._moment(self._ask(reset=True))

    def _ask(self, **move: Any) -> Any:
        return _page(self._endpoint_url, "clock", move)

    @staticmethod
    def _moment(answer: Any) -> datetime:
        return datetime.fromisoformat(answer["now"])


@contextmanager
def clock_of(endpoint_url: str) -> Iterator[HeadwaterClock]:
    """The Clock; at the block's end it stands as far from the machine's time as before."""
    clock = HeadwaterClock(endpoint_url)
    before = _page(endpoint_url, "clock")
    try:
        yield clock
    finally:
        machine = clock.reset()
        if before["frozen"]:
            clock.freeze(datetime.fromisoformat(before["now"]))
        elif before["offset_s"]:
            clock.set(machine + timedelta(seconds=before["offset_s"]))


def _page(endpoint_url: str, name: str, body: dict[str, Any] | None = None) -> Any:
    """What a page of the house's own door says; a failed test where none is."""
    content = json.dumps(body).encode() if body else None
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_headwater/{name}", content, timeout=ANSWER_S) as answer:  # noqa: S310 - Headwater's own
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            words = refusal.read().decode(errors="replace")
        raise ValueError(f"Headwater refuses: {words}") from None
    except (OSError, ValueError):
        pytest.fail(f"no Headwater answers on {endpoint_url} (AWS_ENDPOINT_URL)", pytrace=False)
