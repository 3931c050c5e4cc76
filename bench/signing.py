"""Requests as they stand on the wire: boto3 builds and signs them, and is stopped before it sends."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

LEFT_OUT = {"expect", "connection"}
"""boto3 asks for a 100-continue at every put; a replay that waits for no answer leaves it out (it is not signed)."""


class Built(Exception):
    """Stops boto3 once the request is signed."""


def client(service: str, endpoint_url: str, key_id: str, secret: str, token: str | None = None) -> Any:
    config = Config(retries={"max_attempts": 0}, inject_host_prefix=False, connect_timeout=5, read_timeout=60)
    keys = {"aws_access_key_id": key_id, "aws_secret_access_key": secret, "aws_session_token": token}
    return boto3.session.Session().client(service, endpoint_url=endpoint_url, region_name="us-east-1", config=config, **keys)


def signed(client: Any, call: Callable[[Any], Any]) -> bytes:
    """The bytes that `call` would send over `client`."""
    found: list[bytes] = []

    def stop(request: Any, **_: Any) -> None:
        found.append(_raw(request))
        raise Built

    client.meta.events.register("before-send", stop, unique_id="stop")
    try:
        call(client)
    except Built:
        pass
    finally:
        client.meta.events.unregister("before-send", stop, unique_id="stop")
    return found[0]


def _raw(request: Any) -> bytes:
    url = urlsplit(request.url)
    path = url.path + (f"?{url.query}" if url.query else "")
    body = request.body if request.body is not None else b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
    headers["host"] = url.netloc
    headers["content-length"] = str(len(body))
    lines = [f"{name}: {value}" for name, value in headers.items() if name not in LEFT_OUT]
    return "\r\n".join([f"{request.method} {path} HTTP/1.1", *lines, "", ""]).encode() + body
