"""Tokens of OAuth's client credentials: fetched with what the secret holds, kept in memory, fetched anew when an API refuses them.

The request is RFC 6749's (sections 2.3.1 and 4.4.2): a form with the client's id and secret. Where the connection's own parameters say
that the content is JSON, it is JSON. In the background a new connection proves itself (AUTHORIZING) and becomes AUTHORIZED or DEAUTHORIZED.
Source: "Authorization methods for connections in EventBridge" of the user guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from headwater.kernel.jobs import Job, handles

from .connection_secrets import ConnectionSecrets
from .credentials import OF_OAUTH, parameters
from .live import live_of
from .model import CONNECTIONS, Connection
from .outgoing import Outgoing, Unreachable, Unsendable, with_query

if TYPE_CHECKING:
    from headwater.kernel.context import Context

AUTHORIZED: Final = "AUTHORIZED"
AUTHORIZING: Final = "AUTHORIZING"
DEAUTHORIZED: Final = "DEAUTHORIZED"
ATTEMPTS: Final = 5
FIRST_WAIT_S: Final = 1.0
EARLY_S: Final = 30.0
FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
SUCCESS: Final = range(200, 300)
_OURS: Final = range(500, 600)


class NoToken(Exception):
    """The authorization endpoint has not given one. `is_final`: it answered, and what it answered is no."""

    def __init__(self, sentence: str, *, is_final: bool) -> None:
        super().__init__(sentence)
        self.is_final = is_final


class AuthorizationDue(Job, frozen=True, kw_only=True, tag="events/authorization-due/1"):
    """A connection is to prove itself. `subject` is its name and the revision of its credentials."""

    attempts: int = 0


def due_of(connection: Connection) -> AuthorizationDue:
    return AuthorizationDue(
        account=connection.account,
        region=connection.region,
        subject=f"{connection.name}/{connection.revision}",
        at=connection.modified_at,
    )


class Tokens:
    """As they are in memory, each for one connection and one revision of its credentials."""

    def __init__(self, ctx: Context) -> None:
        self._outside = live_of(ctx.home).outside

    async def header(self, connection: Connection, document: Mapping[str, Any]) -> str:
        """`Bearer TOKEN`. Raises NoToken."""
        tokens, now = self._outside.tokens, asyncio.get_running_loop().time()
        known = tokens.get(_name(connection))
        if known is None or known[1] <= now:
            known = tokens[_name(connection)] = await self._fetched(document)
        return known[0]

    def forget(self, connection: Connection) -> None:
        self._outside.tokens.pop(_name(connection), None)

    async def _fetched(self, document: Mapping[str, Any]) -> tuple[str, float]:
        """The header, and until when it is good."""
        asked_at = asyncio.get_running_loop().time()
        try:
            answer = await self._outside.send(token_request(document), reads=True)
        except Unreachable as wrong:
            raise NoToken(f"The authorization endpoint cannot be reached: {wrong}", is_final=False) from None
        except Unsendable as wrong:
            raise NoToken(f"The authorization endpoint cannot be asked: {wrong}", is_final=True) from None
        if answer.status not in SUCCESS:
            raise NoToken(f"The authorization endpoint answered with status {answer.status}", is_final=answer.status not in _OURS)
        header, lasts_s = token_in(answer.body)
        return header, asked_at + max(lasts_s - EARLY_S, 1.0)


def _name(connection: Connection) -> str:
    return f"{connection.arn}/{connection.revision}"


def token_in(body: bytes) -> tuple[str, float]:
    """The header that an answer's token makes, and for how long. Raises NoToken."""
    try:
        said = msgspec.json.decode(body)
        kind, token, lasts_s = str(said.get("token_type") or "Bearer"), said["access_token"], said.get("expires_in")
        return f"{'Bearer' if kind.lower() == 'bearer' else kind} {token}", float("inf") if lasts_s is None else float(lasts_s)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise NoToken("The authorization endpoint's answer has no access token", is_final=True) from None


def token_request(document: Mapping[str, Any]) -> Outgoing:
    """What asks for a token."""
    headers = parameters(document, OF_OAUTH, "HeaderParameters")
    query = parameters(document, OF_OAUTH, "QueryStringParameters")
    client = {"client_id": document["client_id"], "client_secret": document["client_secret"]}
    fields = {"grant_type": "client_credentials"} | client | parameters(document, OF_OAUTH, "BodyParameters")
    method, content = document["http_method"], next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if method == "GET":
        return Outgoing(method, with_query(document["authorization_endpoint"], fields | query), headers, b"")
    if not content:
        headers["Content-Type"] = FORM
    body = msgspec.json.encode(fields) if content.startswith("application/json") else urlencode(fields).encode()
    return Outgoing(method, with_query(document["authorization_endpoint"], query), headers, body)


@handles(AuthorizationDue)
async def _authorize(ctx: Context, due: AuthorizationDue) -> None:
    connection = _meant(ctx, due)
    if connection is None or connection.state != AUTHORIZING or connection.secret_arn is None:
        return
    document = await ConnectionSecrets(ctx).read(connection.secret_arn)
    reason = ""
    try:
        await Tokens(ctx).header(connection, document)
    except NoToken as wrong:
        reason = str(wrong)
        if not wrong.is_final and due.attempts + 1 < ATTEMPTS:
            again = ctx.clock.now() + timedelta(seconds=FIRST_WAIT_S * 2**due.attempts)
            async with ctx.store.transaction() as tx:
                tx.owe(msgspec.structs.replace(due, at=again, attempts=due.attempts + 1))
            return
    connection = _meant(ctx, due)  # it took its time
    if connection is None:
        return
    now = ctx.clock.now()
    changes: dict[str, Any] = {"state": DEAUTHORIZED, "reason": reason} if reason else {"state": AUTHORIZED, "authorized_at": now}
    async with ctx.store.transaction() as tx:
        tx.put(CONNECTIONS, msgspec.structs.replace(connection, **changes))


def _meant(ctx: Context, due: AuthorizationDue) -> Connection | None:
    """The connection, unless it has other credentials by now."""
    name, _, revision = due.subject.partition("/")
    connection = ctx.store.get(CONNECTIONS, due.account, due.region, name)
    return connection if connection is not None and connection.revision == revision else None
