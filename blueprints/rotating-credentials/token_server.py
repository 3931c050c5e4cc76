"""A small OAuth server: tokens for a client's secret, /me for who has a token, /revoke."""

import json
import secrets
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

CLIENT = {"client_id": "MyApp", "client_secret": secrets.token_urlsafe(24)}


class TokenServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def new_token(self) -> str:
        token = secrets.token_urlsafe(32)
        self.tokens.add(token)
        return token

    def takes(self, token: str) -> bool:
        """Asked over the wire, as an application would."""
        request = urllib.request.Request(f"{self.url}/me", headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except HTTPError as error:
            if error.code != 401:
                raise
            return False


class _Request(BaseHTTPRequestHandler):
    server: TokenServer

    def do_GET(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.path == "/me" and token in self.server.tokens:
            self._answer(200, {"client": CLIENT["client_id"]})
        else:
            self._answer(401, {"error": "invalid_token"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body).items()}
        if self.path == "/token" and {name: form.get(name) for name in CLIENT} == CLIENT:
            self._answer(200, {"access_token": self.server.new_token(), "token_type": "Bearer", "expires_in": 5_184_000})
        elif self.path == "/revoke":
            self.server.tokens.discard(form.get("token", ""))
            self._answer(200, {})
        else:
            self._answer(401, {"error": "invalid_client"})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, form: str, *words: object) -> None:
        """Nothing: the screen is the blueprint's."""


@contextmanager
def serving() -> Iterator[TokenServer]:
    server = TokenServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
