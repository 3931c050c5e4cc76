"""The client of the Runtime API for interpreters other than Headwater's own: it runs in the function's process, not in ours.

AWS's runtime client (awslambdaric) has this module in C, compiled for one version of Python: the one that Headwater was installed
with. For any other version this file stands in its place, with the same four functions, on a bare socket: the API needs a
request line, a length and a body, and nothing else of HTTP.
"""

import os
import socket

_PREFIX = "/2018-06-01/runtime/invocation/"
_DEADLINE = "Lambda-Runtime-Deadline-Ms"


class _Connection:
    def __init__(self, user_agent: str) -> None:
        host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
        self._common = f"Host: {host}\r\nUser-Agent: {user_agent}\r\n"
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def ask(self, method: str, path: str, headers: str = "", body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        head = f"{method} {_PREFIX}{path} HTTP/1.1\r\n{self._common}{headers}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        status = int(self._reader.readline().split()[1])
        answered: dict[str, str] = {}
        while (line := self._reader.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            answered[name] = value
        return status, answered, self._reader.read(int(answered["Content-Length"]))


_connections: list[_Connection] = []


def initialize_client(user_agent: str) -> None:
    _connections.append(_Connection(user_agent))


def next() -> tuple[bytes, dict[str, object]]:  # noqa: A001 - awslambdaric calls it so
    _, headers, body = _connections[0].ask("GET", "next")
    return body, {**headers, _DEADLINE: int(headers[_DEADLINE])}  # the context subtracts from it


def post_invocation_result(invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None) -> None:
    _post(f"{invoke_id}/response", f"Content-Type: {content_type}\r\n", result)


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
    _post(f"{invoke_id}/error", "Content-Type: application/json\r\n", error.encode())


def _post(path: str, headers: str, body: bytes) -> None:
    status, _, answer = _connections[0].ask("POST", path, headers, body)
    if status >= 400:
        raise RuntimeError(f"the Runtime API answered {status}: {answer.decode()}")
