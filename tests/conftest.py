"""A running Headwater for the tests: one server a session on a free port, a fresh account a test.

Accounts are sealed off from each other, so tests need no wipe between them and may run in any order.
"""

import asyncio
import contextlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest

from headwater.kernel.home import Home
from headwater.kernel.settings import Settings
from in_process import rewire

for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
    os.environ.pop(name, None)
os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

START_S = 30
SESSION = boto3.session.Session()
"""One for all clients: each new one would parse the service's model again, a quarter of a second for S3."""


class Server:
    """A Headwater in a thread of this process, with its own loop; or the same home served again after `stop`."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.settings = Settings(home=home, port=0, **settings)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._error: BaseException | None = None
        self._thread.start()
        assert self._ready.wait(START_S), "the server did not start"
        if self._error is not None:
            raise self._error

    def _serve(self) -> None:
        async def program() -> None:
            from headwater.gateway.server import run

            self.loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            await run(self.settings, self._stop, self._started)

        try:
            asyncio.run(program())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    def _started(self, home: Home) -> None:
        self.home = home
        self._ready.set()

    @property
    def endpoint_url(self) -> str:
        return self.home.endpoint_url

    def call(self, coroutine: Any) -> Any:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def scan(self, table: Any, *components: str) -> list[Any]:
        """Records of a small table, asked for on the server's loop, where alone the store may be used."""

        async def look() -> list[Any]:
            return list(self.home.store.scan(table, *components))

        found: list[Any] = self.call(look())
        return found

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the server did not stop"
        if self._error is not None:
            raise self._error


class Account:
    """boto3 clients of one account's root."""

    def __init__(self, endpoint_url: str, account: str, region: str = "us-east-1") -> None:
        self.endpoint_url = endpoint_url
        self.account = account
        self.region = region
        self._clients: list[Any] = []

    def client(self, service: str, *, region: str | None = None, **options: Any) -> Any:
        config = botocore.config.Config(retries={"max_attempts": 0}, inject_host_prefix=False)
        config = config.merge(options.pop("config", botocore.config.Config()))
        keys = {"aws_access_key_id": self.account, "aws_secret_access_key": "test"} | options
        client = SESSION.client(service, endpoint_url=self.endpoint_url, region_name=region or self.region, config=config, **keys)
        self._clients.append(client)
        return client

    def user(self, *statements: dict[str, Any], name: str = "dev") -> "User":
        """A new IAM user with these policy statements and a key; clients of its own."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return User(self, f"arn:aws:iam::{self.account}:user/{name}", key["AccessKeyId"], key["SecretAccessKey"])

    def other(self, number: str | None = None) -> "Account":
        """Another account on the same server and wire; a new one if no number is said."""
        return Account(self.endpoint_url, number or new_account())

    def close(self) -> None:
        for client in self._clients:
            client.close()


class User:
    """boto3 clients of somebody whom policies bind."""

    def __init__(self, account: Account, arn: str, access_key_id: str, secret_access_key: str) -> None:
        self._account = account
        self.arn = arn
        self._keys = {"aws_access_key_id": access_key_id, "aws_secret_access_key": secret_access_key}

    def client(self, service: str, **options: Any) -> Any:
        return self._account.client(service, **(self._keys | options))


class AccountInProcess(Account):
    """The same account's clients, calling in process. One with credentials or a configuration of the wire's stays on HTTP."""

    def __init__(self, server: Server, account: str) -> None:
        super().__init__(server.endpoint_url, account)
        self._server = server

    def client(self, service: str, *, region: str | None = None, **options: Any) -> Any:
        client = super().client(service, region=region, **options)
        config = options.pop("config", botocore.config.Config())
        if not options and config.signature_version is None:
            rewire(client, self._server, self.account)
        return client

    def other(self, number: str | None = None) -> Account:
        return AccountInProcess(self._server, number or new_account())


class MovableClock:
    def __init__(self, server: Server) -> None:
        self._server = server

    def advance(self, by: timedelta) -> None:
        self._server.call(self._server.home.advance(by))


def new_account() -> str:
    return str(secrets.randbelow(9 * 10**11) + 10**11)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("home"))
    yield server
    server.stop()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers of the test's own: `start_server(home=..., **settings)`; all are stopped at its end."""
    started: list[Server] = []

    def start(home: Path | None = None, **settings: Any) -> Server:
        server = Server(home or tmp_path / "home", **settings)
        started.append(server)
        return server

    yield start
    for server in started:
        if server._thread.is_alive():
            server.stop()


@pytest.fixture(scope="session")
def account_on() -> Iterator[Callable[[Server, str], Account]]:
    """`account_on(server, "123456789012")`: an account that more than one test shares."""
    made: list[Account] = []

    def account(server: Server, number: str) -> Account:
        made.append(Account(server.endpoint_url, number))
        return made[-1]

    yield account
    for each in made:
        each.close()


COSTLY = {"create_instance", "create_cluster", "start_server"}
"""Fixtures that start engines or servers: one wire does for what asks for them, as for what is marked slow."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The rooms' tests run over HTTP and in process: that both pass proves that a room's call is an AWS call."""
    is_of_a_room = metafunc.definition.path.parents[1].name == "services"
    if "wire" not in metafunc.fixturenames or not is_of_a_room or COSTLY & set(metafunc.fixturenames):
        return
    if not any(metafunc.definition.iter_markers("slow")) and not any(metafunc.definition.iter_markers("http")):
        metafunc.parametrize("wire", ["http", "in process"], indirect=True)


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> str:
    """How the test's clients reach Headwater: "http" or "in process"."""
    return str(getattr(request, "param", "http"))


@pytest.fixture
def aws(server: Server, wire: str) -> Iterator[Account]:
    account = Account(server.endpoint_url, new_account()) if wire == "http" else AccountInProcess(server, new_account())
    yield account
    account.close()


@pytest.fixture
def clock(server: Server) -> MovableClock:
    """The session's Clock. It only ever moves forward: a test must not depend on where it stands."""
    return MovableClock(server)


@contextlib.contextmanager
def _refused(code: str, *words: str) -> Iterator[botocore.exceptions.ClientError]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught  # type: ignore[misc]
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    for word in words:
        assert word in error["Message"], error


@pytest.fixture
def refused() -> Callable[..., contextlib.AbstractContextManager[Any]]:
    """`with refused("NoSuchKey", "words of the message"): ...`"""
    return _refused


def _database(server: Server, account_on: Callable[[Server, str], Account], engine: str) -> Any:
    from headwater.engines import mariadb, postgres
    from rotations import Database

    sentence = (mariadb if engine == "mysql" else postgres).missing()
    if sentence is not None:
        pytest.skip(sentence)
    return Database(account_on(server, "444455556666"), engine)


@pytest.fixture(scope="session")
def mysql(server: Server, account_on: Callable[[Server, str], Account]) -> Any:
    """An RDS instance for users whose credentials rotate (rotations.py): one for all tests."""
    return _database(server, account_on, "mysql")


@pytest.fixture(scope="session")
def postgres(server: Server, account_on: Callable[[Server, str], Account]) -> Any:
    return _database(server, account_on, "postgres")
