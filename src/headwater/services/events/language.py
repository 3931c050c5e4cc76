"""The pattern language: from a text to a Pattern, or to AWS's sentence about what is wrong with it.

Source: "Comparison operators for use in event patterns" of the EventBridge user guide; the sentences are those of AWS's open-source matcher
(github.com/aws/event-ruler), which the recordings of TestEventPattern confirm.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from .comparisons import comparison
from .leaves import plain
from .operators import Prefix, network, same_address
from .pattern import Field, Pattern, Test, Way
from .reading import InvalidPattern, Reader

OR: Final = "$or"
WAYS_MAX: Final = 1000
COMPILED_MAX: Final = 20_000
RESERVED: Final = frozenset(
    [
        "exactly",
        "equals-ignore-case",
        "prefix",
        "suffix",
        "anything-but",
        "exists",
        "wildcard",
        "numeric",
        "cidr",
        "=",
        "<",
        "<=",
        ">",
        ">=",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "date-after",
        "date-on-or-after",
        "date-before",
        "date-on-or-before",
        "in-date-range",
        "ip-address-in-range",
        "ip-address-not-in-range",
    ]
)
"""Names that a field inside `$or` cannot have: there they would look like operators."""
Fields = dict[str, Field]


@lru_cache(COMPILED_MAX)
def compiled(text: str) -> Pattern:
    """Raises InvalidPattern."""
    reader = Reader(text)
    if reader.next().kind != "{":
        raise reader.wrong("Filter is not an object")
    ways: list[Fields] = []
    _object(reader, ways, "", in_or=False)
    return Pattern(tuple(_way(fields) for fields in ways))


def _way(fields: Fields) -> Way:
    """What decides soonest comes first."""
    return tuple(sorted(fields.values(), key=lambda field: not field.is_filed))


def _object(reader: Reader, ways: list[Fields], path: str, *, in_or: bool) -> None:
    is_empty = True
    while reader.next().kind != "}":
        is_empty = False
        name = str(reader.token.value)
        if name == OR:
            _either(reader, ways, path)
            continue
        if in_or and name in RESERVED:
            raise reader.wrong(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
        whole = f"{path}.{name}" if path else name
        kind = reader.next().kind
        if kind == "{":
            _object(reader, ways, whole, in_or=in_or)
        elif kind == "[":
            _values(reader, ways, whole)
        else:
            raise reader.wrong(f'"{name}" must be an object or an array')
    if is_empty:
        raise reader.wrong("Empty objects are not allowed")


def _either(reader: Reader, ways: list[Fields], path: str) -> None:
    before = [dict(way) for way in ways] or [{}]
    ways.clear()
    if reader.next().kind != "[":
        raise reader.wrong("It must be an Array followed with $or.")
    count = 0
    while reader.next().kind != "]":
        count += 1
        if reader.token.kind != "{":
            raise reader.wrong("Only JSON object is allowed in array of $or relationship.")
        branch = [dict(way) for way in before]
        _object(reader, branch, path, in_or=True)
        ways.extend(branch)
        if len(ways) > WAYS_MAX:
            raise InvalidPattern("Rule is too complex - try using fewer combinations of $or")
    if count < 2:
        raise reader.wrong("There must have at least 2 Objects in $or relationship.")


def _values(reader: Reader, ways: list[Fields], path: str) -> None:
    values: list[Any] = []
    tests: list[Test | None] = []
    is_empty = True
    while reader.next().kind != "]":
        is_empty = False
        match reader.token.kind:
            case "{":
                tests.append(comparison(reader))
            case "text":
                text = reader.text()
                values.append(text)
                if ":" in text and (address := network(text)) is not None:
                    tests.append(same_address(address))
            case "number" | "word":
                values.append(plain(reader.token.value))
            case _:
                raise reader.wrong("Match value must be String, number, true, false, or null")
    if is_empty:
        raise reader.wrong("Empty arrays are not allowed")
    field = _field(path, values, tests)
    for way in ways:
        way[path] = field
    if not ways:
        ways.append({path: field})


def _field(path: str, values: list[Any], tests: list[Test | None]) -> Field:
    """A test that is None is that nothing is there."""
    prefixes = tuple(test.text for test in tests if isinstance(test, Prefix))
    others = tuple(test for test in tests if test is not None and not isinstance(test, Prefix))
    return Field(path, frozenset(values), prefixes, others, may_miss=None in tests)
