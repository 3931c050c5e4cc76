"""What may be kept of a call: never a secret, never a body.

For each operation a filter is compiled from the model, once: members that the model calls sensitive, members that are secret by their
name (models forget some), bulk bytes, and what AWS itself does not show (SQL, messages, records). Most shapes have nothing to hide, and
then what was said is kept as it is, uncopied. In a request a hidden text leaves AWS's mark; in an answer it is left out, as AWS does it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from headwater.aws.models import Member, Operation, Shape

HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
OMITTED: Final = "***OMITTED***"
"""What AWS shows in place of SQL."""
SCALARS: Final = frozenset({"string", "character", "integer", "long", "float", "double"})
NUMBERS: Final = frozenset({"integer", "long", "float", "double", "boolean", "timestamp"})

# Secret by name, whatever the model says; compared without case.
SECRET_NAMES: Final = frozenset(
    [
        "accesstoken",
        "authenticationcode1",
        "authenticationcode2",
        "authorizationtoken",
        "authtoken",
        "base32stringseed",
        "clientsecret",
        "idtoken",
        "plaintext",
        "presignedurl",
        "privatekey",
        "qrcodepng",
        "refreshtoken",
        "samlassertion",
        "secretaccesskey",
        "secretbinary",
        "secretkey",
        "secretstring",
        "sessiontoken",
        "sharedsecret",
        "ssecustomerkey",
        "copysourcessecustomerkey",
        "tokencode",
        "webidentitytoken",
    ]
)
_PASSWORD: Final = re.compile(r"(password|passphrase)s?$", re.IGNORECASE)
SQL_NAMES: Final = {
    "redshift-data": frozenset({"Sql", "Sqls", "Parameters", "QueryString"}),
    "rds-data": frozenset({"sql", "parameters", "parameterSets", "sqlStatements"}),
    "athena": frozenset({"QueryString", "ExecutionParameters"}),
}
BODY_NAMES: Final = {
    "logs": frozenset({"logEvents", "logEventMessages", "logRecord"}),
    "events": frozenset({"Entries", "Event"}),
    "sqs": frozenset({"MessageBody", "MessageAttributes", "Entries", "Messages"}),
    "sns": frozenset({"Message", "Subject", "MessageAttributes", "PublishBatchRequestEntries"}),
    "stepfunctions": frozenset({"input", "output", "cause"}),
    "dynamodb": frozenset({"Item", "Items", "Attributes", "ExpressionAttributeValues", "Expected", "AttributeUpdates", "Responses"}),
    "lambda": frozenset({"Payload", "ClientContext", "LogResult", "InvokeArgs", "Variables"}),
    "glue": frozenset({"PythonScript", "ScalaCode", "Code"}),
}

Filter = Callable[[Any], Any]
"""What is left of a value; `_NOTHING` where it is left out."""
_NOTHING: Final = object()


def _left_out(value: Any) -> Any:
    return _NOTHING


def _marked(value: Any) -> Any:
    return HIDDEN


def _omitted(value: Any) -> Any:
    return OMITTED


class Mask:
    """The filters of one operation's request and of its answer; None where nothing must be hidden."""

    __slots__ = ("request", "result")

    def __init__(self, operation: Operation) -> None:
        name = operation.service.name
        self.request = _Compiling(name, marks=True).of(operation.input) if operation.input is not None else None
        self.result = _Compiling(name, marks=False).of(operation.output) if operation.output is not None else None

    def of_request(self, request: dict[str, Any]) -> dict[str, Any]:
        left: dict[str, Any] = request if self.request is None else self.request(request)
        return left

    def of_result(self, result: dict[str, Any]) -> dict[str, Any]:
        left: dict[str, Any] = result if self.result is None else self.result(result)
        return left


_MASKS: Final[dict[Operation, Mask]] = {}


def mask_of(operation: Operation) -> Mask:
    found = _MASKS.get(operation)
    if found is None:
        found = _MASKS[operation] = Mask(operation)
    return found


class _Compiling:
    """One walk through the shapes of a request or of an answer. A shape that holds itself is met again while it is being made."""

    def __init__(self, service: str, *, marks: bool) -> None:
        self._sql = SQL_NAMES.get(service, frozenset())
        self._bodies = BODY_NAMES.get(service, frozenset())
        self._marks = marks
        self._made: dict[str, Filter | None] = {}
        self._under_way: set[str] = set()

    def of(self, shape: Shape) -> Filter | None:
        if shape.name in self._made:
            return self._made[shape.name]
        if shape.name in self._under_way:
            return lambda value: self._again(shape.name, value)
        self._under_way.add(shape.name)
        made = self._made[shape.name] = self._make(shape)
        self._under_way.discard(shape.name)
        return made

    def _again(self, name: str, value: Any) -> Any:
        made = self._made.get(name)
        return value if made is None else made(value)

    def _make(self, shape: Shape) -> Filter | None:
        match shape.type:
            case "structure":
                filters = {name: hides for name, member in shape.members.items() if (hides := self._member(name, member)) is not None}
                return _structure(filters, frozenset(shape.members)) if filters or shape.document else None
            case "list":
                hides = self._member("", shape.element)
                return _list(hides) if hides is not None else None
            case "map":
                hides = self._member("", shape.value)
                return _map(hides) if hides is not None else None
            case _:
                return None

    def _member(self, name: str, member: Member) -> Filter | None:
        shape = member.shape
        if name in self._sql:
            return _omitted if self._marks else _left_out
        if shape.type == "blob" or member.streaming or shape.eventstream or name in self._bodies:
            return _left_out
        if shape.sensitive or _is_secret(name, shape):
            return _marked if self._marks and shape.type in SCALARS else _left_out
        return self.of(shape)


def _is_secret(name: str, shape: Shape) -> bool:
    return name.lower() in SECRET_NAMES or (shape.type not in NUMBERS and _PASSWORD.search(name) is not None)


def _structure(filters: dict[str, Filter], known: frozenset[str]) -> Filter:
    def left(value: Any) -> Any:
        kept = {}
        for name, each in value.items():
            hides = filters.get(name)
            if hides is not None and each is not None:
                each = hides(each)
            if each is not _NOTHING and name in known:
                kept[name] = each
        return kept

    return left


def _list(hides: Filter) -> Filter:
    return lambda value: [left for each in value if (left := hides(each)) is not _NOTHING]


def _map(hides: Filter) -> Filter:
    return lambda value: {key: left for key, each in value.items() if (left := hides(each)) is not _NOTHING}
