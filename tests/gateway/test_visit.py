"""HTTP that calls no operation goes to the room whose host it is. Truth: our reading; each room's tests say what AWS answers there."""

import http.client
from collections.abc import Callable
from typing import Any

import pytest

from headwater.aws.wire import Request, Response
from headwater.kernel.service import room


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, str]]]:
    seen: list[tuple[str, str, dict[str, str]]] = []

    async def answer(ctx: Any, request: Request, route: Any) -> Response | None:
        seen.append((route.service, request.path, route.uri_labels))
        return Response(418, [("X-Seen", "yes")], b"tea") if request.path != "/none" else None

    for name in ("lambda", "s3"):
        assert room(name).functions  # its modules are imported, and have said who visits
        monkeypatch.setattr(room(name), "_visit", answer)
    return seen


@pytest.fixture
def ask(server: Any) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    def ask(method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(server.endpoint_url.removeprefix("http://"))
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        try:
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    return ask


def test_a_hosts_own_http_is_answered_by_its_room(ask: Any, visited: Any) -> None:
    status, headers, body = ask("GET", "/a/b?c=d", Host="abc.lambda-url.us-east-1.on.aws")
    assert (status, headers["X-Seen"], body) == (418, "yes", b"tea")
    assert visited == [("lambda-url", "/a/b", {"Id": "abc"})]


def test_what_is_no_operation_of_s3_may_be_a_browsers(ask: Any, visited: Any) -> None:
    assert ask("OPTIONS", "/bucket/key")[0] == 418
    assert visited == [("s3", "/bucket/key", {"Bucket": "bucket", "Key": "key"})]


def test_what_the_room_does_not_know_either_is_refused(ask: Any, visited: Any) -> None:
    status, _, body = ask("OPTIONS", "/none")
    assert status == 405
    assert b"MethodNotAllowed" in body
