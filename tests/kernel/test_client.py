"""A call in process is an AWS call: what HTTP's codecs do to requests and responses holds for it too. Truth: our own promise."""

from typing import Any

import pytest

from headwater.kernel.client import Client
from headwater.kernel.identity import root_of
from headwater.kernel.service import room


def called(server: Any, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an operation gets, and what its caller gets, when the operation answers so."""
    got: dict[str, Any] = {}

    async def operation(_: Any, request: dict[str, Any]) -> dict[str, Any]:
        got.update(request)
        return answer

    monkeypatch.setitem(room("redshift-data").functions, "ExecuteStatement", operation)
    client = Client(server.home, "redshift-data", root_of("123456789012"), "us-east-1")
    return got, server.call(client.execute_statement(**params))


def test_members_that_are_none_are_not_in_the_answer(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"Id": "1", "SessionId": None, "DbGroups": ["a", "b"]}
    _, told = called(server, monkeypatch, answer, Sql="select 1")
    assert told == {"Id": "1", "DbGroups": ["a", "b"]}
    told["DbGroups"].append("c")
    assert answer["DbGroups"] == ["a", "b"], "the answer is the caller's own"


def test_an_idempotency_token_that_is_not_named_is_filled_in(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = called(server, monkeypatch, {}, Sql="select 1")
    second, _ = called(server, monkeypatch, {}, Sql="select 1")
    named, _ = called(server, monkeypatch, {}, Sql="select 1", ClientToken="mine")
    assert first["ClientToken"] != second["ClientToken"]
    assert named["ClientToken"] == "mine"
