"""The requests that leave for somebody else's API: how one is put together (pure), and the one place that sends it.

Nothing is sent but to an endpoint that a user wrote down. HTTPS is checked against the system's authorities; plain HTTP is for this
machine's loopback alone, where AWS knows HTTPS only: a local server under test has no certificate. Redirects are not followed, no
proxy of the environment is used, no cookie is kept, and of an answer no more is read than somebody asks for.
Source: "API destinations as targets in Amazon EventBridge" of the user guide (headers, five seconds, which answers are tried again), and
HttpParameters of the API reference (the connection's values win).
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

import msgspec

from .credentials import API_KEY, BASIC, OF_INVOCATION, parameters

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from aiohttp import ClientSession, StreamReader

ANSWER_S: Final = 5.0
AT_ONCE_MAX: Final = 32
ANSWER_BYTES_MAX: Final = 64 * 1024
AGENT: Final = "Amazon/EventBridge/ApiDestinations"
FIXED: Final = {"User-Agent": AGENT, "Range": "bytes=0-1048575"}
PLAIN_TYPE: Final = "application/json; charset=utf-8"
BODILESS: Final = frozenset({"GET", "HEAD"})
_BAD_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


class Unreachable(Exception):
    """No answer: refused, unknown, cut off, or later than five seconds."""


class Unsendable(ValueError):
    """What is to be sent is no HTTP."""


class Outgoing(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int
    retry_after: str
    body: bytes


def may_be_called(endpoint: str) -> bool:
    """HTTPS, or HTTP on this machine."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(str(host))))


def _is_loopback(host: str) -> bool:
    """A name is, if it is localhost's: other names are not asked for."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def request_of(
    method: str, endpoint: str, kind: str, document: Mapping[str, Any], http: Mapping[str, Any], payload: bytes, token: str
) -> Outgoing:
    """What calls an API destination. `http`: the target's HttpParameters; `token`: what OAuth gave, with its kind."""
    headers = dict(http.get("HeaderParameters", {}))
    for name, value in parameters(document, OF_INVOCATION, "HeaderParameters").items():
        _set(headers, name, value)
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = PLAIN_TYPE
    for name, value in FIXED.items():
        _set(headers, name, value)
    if kind == BASIC:
        pair = f"{document['username']}:{document['password']}".encode()
        _set(headers, "Authorization", f"Basic {base64.b64encode(pair).decode()}")
    elif kind == API_KEY:
        _set(headers, document["api_key_name"], document["api_key_value"])
    else:
        _set(headers, "Authorization", token)
    query = dict(http.get("QueryStringParameters", {})) | parameters(document, OF_INVOCATION, "QueryStringParameters")
    url = with_query(_with_path(endpoint, http.get("PathParameterValues", [])), query)
    body = b"" if method in BODILESS else _with_members(payload, parameters(document, OF_INVOCATION, "BodyParameters"))
    return Outgoing(method, url, headers, body)


def _set(headers: dict[str, str], name: str, value: str) -> None:
    """In the place of one of that name, whatever its case."""
    for other in [each for each in headers if each.lower() == name.lower()]:
        del headers[other]
    headers[name] = value


def _with_path(endpoint: str, values: list[str]) -> str:
    """Each `*` of the endpoint stands for the next value."""
    for value in values:
        endpoint = endpoint.replace("*", quote(value, safe=""), 1)
    return endpoint


def with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    added = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in query.items())
    return f"{url}{'&' if urlsplit(url).query else '?'}{added}"


def _with_members(payload: bytes, members: Mapping[str, str]) -> bytes:
    """Body parameters are members of an object; what is none is left as it is."""
    if not members:
        return payload
    try:
        body = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return payload
    return msgspec.json.encode({**body, **members}) if isinstance(body, dict) else payload


class Pace:
    """When an API destination may be called next, so that it is not called more often in a second than was asked for.

    A second's worth may come at once. Machine time: it is about a server's patience.
    """

    def __init__(self) -> None:
        self._reached: dict[str, float] = {}

    def wait_s(self, name: str, rate_per_second: int) -> float:
        """Takes the next place, and says how long it is until then."""
        now = asyncio.get_running_loop().time()
        reached = max(self._reached.get(name, now), now) + 1 / rate_per_second
        self._reached[name] = reached
        return max(0.0, reached - now - 1)


class Outside:
    """Of one home: its connections to other people's servers, opened when the first request leaves."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._session: ClientSession | None = None
        self._under_way = 0
        self.pace = Pace()
        self.tokens: dict[str, tuple[str, float]] = {}  # by a connection's ARN and revision: the token, and until when it is good

    @property
    def is_full(self) -> bool:
        """Servers that let us wait must not take all the jobs that can run at once."""
        return self._under_way >= AT_ONCE_MAX

    async def send(self, outgoing: Outgoing, *, reads: bool = False) -> Answer:
        """The answer's head, and its body if it is asked for. Raises Unreachable."""
        if any(_BAD_VALUE.search(f"{name}{value}") for name, value in outgoing.headers.items()):
            raise Unsendable("a header has a character that HTTP does not allow there")
        if self._session is None:
            await asyncio.get_running_loop().run_in_executor(self._pool, import_module, "aiohttp")  # 0.14 s, once, beside the loop
        from aiohttp import ClientError
        from yarl import URL

        self._under_way += 1
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._opened().request(
                    outgoing.method,
                    URL(outgoing.url, encoded=True),
                    headers=outgoing.headers,
                    data=outgoing.body or None,
                    allow_redirects=False,
                ) as answer,
            ):
                body = await _start_of(answer.content) if reads else b""
                return Answer(answer.status, answer.headers.get("Retry-After", ""), body)
        except TimeoutError:
            raise Unreachable("it did not answer within 5 seconds") from None
        except (ClientError, OSError) as error:
            raise Unreachable(type(error).__name__) from None
        finally:
            self._under_way -= 1

    def _opened(self) -> ClientSession:
        if self._session is None:
            from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

            self._session = ClientSession(cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=None), trust_env=False)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _start_of(content: StreamReader) -> bytes:
    body = b""
    while len(body) < ANSWER_BYTES_MAX and (piece := await content.read(ANSWER_BYTES_MAX - len(body))):
        body += piece
    return body
