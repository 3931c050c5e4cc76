"""Parameters and answers as CloudTrail spells them: the first letter small, as deep as the model's structures go.

The keys of maps (tags, environments) are the user's own and stay. S3 is told in its wire's words: `bucketName`, headers and query
parameters under their own names, the sub-resource as an empty text. RDS and Redshift answer what they made, without its wrapper.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

from headwater.aws.models import Member, Operation, Shape, service_model

from .identities import iso

UNWRAPPED: Final = frozenset({"rds", "redshift"})
BODY_OF_S3: Final = frozenset({"Policy"})

Spelled = Callable[[Any], Any]


def spelled_request(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any] | None:
    known = service_model(service).operations[operation]
    if known.input is None or not request:
        return None
    if service == "s3":
        return _of_s3(known, request)
    spelled: dict[str, Any] = _structure(known.input, request, _small)
    return spelled or None


def spelled_answer(service: str, operation: str, answer: dict[str, Any]) -> dict[str, Any] | None:
    shape = service_model(service).operations[operation].output
    if shape is None or not answer:
        return None
    if service == "s3":
        return {
            member.wire_name: _value(member.shape, answer[name], _as_is)
            for name, member in shape.members.items()
            if member.location == "header" and answer.get(name) is not None
        } or None
    spelled: dict[str, Any] = _structure(shape, answer, _small)
    if service in UNWRAPPED and len(spelled) == 1:
        inner = next(iter(spelled.values()))
        return inner if isinstance(inner, dict) else spelled
    return spelled or None


@cache
def _small(name: str) -> str:
    return name.lower() if name.isupper() else name[:1].lower() + name[1:]


def _as_is(name: str) -> str:
    return name


def _structure(shape: Shape, value: dict[str, Any], spell: Callable[[str], str]) -> dict[str, Any]:
    members = shape.members
    return {
        spell(name): _value(members[name].shape, each, spell) if name in members else _plain(each)
        for name, each in value.items()
        if each is not None
    }


def _value(shape: Shape, value: Any, spell: Callable[[str], str]) -> Any:
    match value:
        case dict() if shape.type == "structure":
            return _structure(shape, value, spell)
        case dict() if shape.type == "map":
            return {key: _value(shape.value.shape, each, spell) for key, each in value.items()}
        case list() if shape.type == "list":
            return [_value(shape.element.shape, each, spell) for each in value]
        case _:
            return _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value


def _of_s3(operation: Operation, request: dict[str, Any]) -> dict[str, Any]:
    assert operation.input is not None
    bucket = request.get("Bucket")
    spelled: dict[str, Any] = {}
    if bucket:
        spelled = {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com"}
    for name, value in request.items():
        member = operation.input.members.get(name)
        if member is not None and value is not None and name != "Bucket":
            spelled[_name_in_s3(member)] = _value(member.shape, value, _as_is)
    for name, value in parse_qsl(operation.uri.partition("?")[2], keep_blank_values=True):
        spelled.setdefault(name, value)
    return spelled


def _name_in_s3(member: Member) -> str:
    if member.name == "Key":
        return "key"
    return "bucketPolicy" if member.name in BODY_OF_S3 else member.wire_name
