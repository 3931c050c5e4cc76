"""The post's application, as a process of its own: connect with what Secrets Manager says, ask something, go away; so many times a second.

The post reads the secret at each connect, and so does this. A login that the database refuses may be one whose password was changed a
moment ago: the secret is read again and the login tried again, with back-off, for at most 5 s. Nothing else is tried twice: what fails
otherwise has failed. It works under MyAppRole, whose credentials are renewed when they have expired, as those of an EC2 instance are.
One line of JSON for each request goes to a file: when it began, how long it took, when logins were refused and when the secret was read for
them, why it failed.
"""

import argparse
import itertools
import json
import signal
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pymysql
from botocore.config import Config
from botocore.exceptions import ClientError

THREADS = 16
RETRY_S = 5.0
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.5
CONNECT_S = 5
ACCESS_DENIED = 1045
"""MySQL's error for a wrong user or password."""

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""As PyMySQL makes one for each connection, which takes it 20 ms."""
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


class Refused(Exception):
    """The database does not take this user with this password."""


class Role:
    """Secrets Manager as the role sees it."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._renewing = threading.Lock()
        self._client = self._renewed()

    def secret(self, name: str) -> dict[str, Any]:
        client = self._client
        try:
            answer = client.get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExpiredTokenException":
                raise
            with self._renewing:
                if self._client is client:
                    self._client = self._renewed()
            answer = self._client.get_secret_value(SecretId=name)
        values: dict[str, Any] = json.loads(answer["SecretString"])
        return values

    def _renewed(self) -> Any:
        given = boto3.client("sts").assume_role(RoleArn=self._arn, RoleSessionName="MyApp")["Credentials"]
        session = boto3.session.Session(given["AccessKeyId"], given["SecretAccessKey"], aws_session_token=given["SessionToken"])
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=THREADS)
        return session.client("secretsmanager", config=config)


def mysql(values: dict[str, Any]) -> Any:
    try:
        return pymysql.connect(
            host=values["host"],
            port=int(values["port"]),
            user=values["username"],
            password=values["password"],
            database=values["dbname"],
            connect_timeout=CONNECT_S,
            ssl=TLS,
        )
    except pymysql.err.OperationalError as error:
        if error.args[0] == ACCESS_DENIED:
            raise Refused(str(error)) from error
        raise


def postgres(values: dict[str, Any]) -> Any:
    try:
        return psycopg.connect(
            host=values["host"],
            port=int(values["port"]),
            user=values["username"],
            password=values["password"],
            dbname=values["dbname"],
            connect_timeout=CONNECT_S,
        )
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):  # 28P01; libpq gives the words of a refused login, not its code
            raise Refused(str(error)) from error
        raise


CONNECT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "mysql": mysql,
    "aurora-mysql": mysql,
    "postgres": postgres,
    "aurora-postgresql": postgres,
}


class Application:
    """The requests, begun at equal distances whatever the ones before are doing."""

    def __init__(self, role: Role, secret: str, rate: float, path: Path) -> None:
        self._role = role
        self._secret = secret
        self._rate = rate
        self._numbers = itertools.count()
        self._next = threading.Lock()
        self._file = path.open("w", buffering=1)
        self._writing = threading.Lock()
        self._stop = threading.Event()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        started = time.monotonic()
        threads = [threading.Thread(target=self._work, args=(started,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, started: float) -> None:
        while True:
            with self._next:
                number = next(self._numbers)
            if self._stop.wait(max(0.0, started + number / self._rate - time.monotonic())):
                return
            self._request()

    def _request(self) -> None:
        began, at = time.time(), time.perf_counter()
        refused: list[tuple[float, float]] = []
        failure = None
        try:
            with self._connected(refused) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                cursor.fetchone()
        except Exception as error:  # noqa: BLE001 - whatever it is, the request has failed, and the file says why
            failure = f"{type(error).__name__}: {error}"
        line = {"at": began, "ms": (time.perf_counter() - at) * 1000, "refused": refused, "failure": failure}
        with self._writing:
            self._file.write(json.dumps(line) + "\n")

    def _connected(self, refused: list[tuple[float, float]]) -> Any:
        end = time.monotonic() + RETRY_S
        pause = FIRST_PAUSE_S
        while True:
            asked = time.time()
            values = self._role.secret(self._secret)
            try:
                return CONNECT[values["engine"]](values)
            except Refused:
                refused.append((asked, time.time()))
                if time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", required=True, help="the ARN of MyAppRole")
    parser.add_argument("--secret", required=True)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--log", type=Path, required=True, help="the file of requests")
    options = parser.parse_args()
    Application(Role(options.role), options.secret, options.rate, options.log).run()


if __name__ == "__main__":
    main()
