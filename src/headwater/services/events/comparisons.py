"""`{"prefix": "a"}` and its like in a pattern: read, and turned into tests of a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from . import operators
from .pattern import Test
from .reading import InvalidPattern, Reader

ONE_KEY: Final = "Only one key allowed in match expression"
TOO_MANY: Final = "Too many elements in numeric expression"
NUMERIC: Final = frozenset({"=", "<", "<=", ">", ">="})
IGNORING_CASE: Final = "equals-ignore-case"


def comparison(reader: Reader) -> Test | None:
    """The test of an object in a list of values; None for `{"exists": false}`, which no value passes."""
    if reader.next().kind != "name":
        raise reader.wrong("Match expression name not found")
    name = str(reader.token.value)
    if name == "exists":
        return _exists(reader)
    read = _COMPARISONS.get(name)
    if read is None:
        raise reader.wrong(f"Unrecognized match type {name}")
    return read(reader)


def _exists(reader: Reader) -> Test | None:
    token = reader.next()
    if token.kind != "word" or token.value is None:
        raise reader.wrong("exists match pattern must be either true or false.")
    _close(reader)
    return operators.anything if token.value else None


def _close(reader: Reader, sentence: str = ONE_KEY) -> None:
    if reader.next().kind != "}":
        raise reader.wrong(sentence)


def _text(reader: Reader, sentence: str) -> str:
    if reader.next().kind != "text":
        raise reader.wrong(sentence)
    return reader.text()


def _exactly(reader: Reader) -> Test:
    text = _text(reader, "exact match pattern must be a string")
    _close(reader)
    return lambda value: bool(value == text)


def _affix(name: str, plain: Callable[[str], Test], folded: Callable[[str], Test]) -> Callable[[Reader], Test]:
    """A prefix or suffix, and either without regard to case."""
    sentence = f"{name} match pattern must be a string"

    def read(reader: Reader) -> Test:
        if reader.next().kind == "{":
            if reader.next().kind != "name" or reader.token.value != IGNORING_CASE:
                raise reader.wrong(f"Unsupported {name} pattern: {reader.token.value}" if reader.token.kind == "name" else sentence)
            test = folded(_text(reader, f"{IGNORING_CASE} match pattern must be a string"))
            _close(reader)
        elif reader.token.kind == "text":
            test = plain(reader.text())
        else:
            raise reader.wrong(sentence)
        _close(reader)
        return test

    return read


def _ignoring_case(reader: Reader) -> Test:
    text = _text(reader, "equals-ignore-case match pattern must be a string")
    _close(reader)
    return operators.equals_ignoring_case(text)


def _wildcard(reader: Reader) -> Test:
    test = _wild(reader, _text(reader, "wildcard match pattern must be a string"))
    _close(reader)
    return test


def _wild(reader: Reader, text: str) -> Test:
    try:
        return operators.wildcard(text)
    except ValueError as error:
        raise reader.wrong(str(error)) from None


def _cidr(reader: Reader) -> Test:
    text = _text(reader, "prefix match pattern must be a string")  # so AWS says it
    try:
        test = operators.cidr(text)
    except ValueError as error:
        raise InvalidPattern(str(error)) from None
    _close(reader)
    return test


# -- numbers -----------------------------------------------------------------------------------------------------------


def _numeric(reader: Reader) -> Test:
    if reader.next().kind != "[":
        raise reader.wrong("Value of numeric must be an array.")
    if reader.next().kind != "text":
        raise reader.wrong(f"Invalid member in numeric match: {_shown(reader)}")
    operator = reader.text()
    if operator not in NUMERIC:
        reader.next()
        raise reader.wrong(f"Unrecognized numeric range operator: {operator}")
    bound = _number(reader, "equals" if operator == "=" else operator)
    bounds = [(operator, bound)]
    if operator in {">", ">="} and reader.next().kind != "]":
        bounds.append(_upper(reader))
    elif operator not in {">", ">="} and reader.next().kind != "]":
        raise reader.wrong(TOO_MANY)
    _close(reader, TOO_MANY)
    if len(bounds) > 1 and bounds[0][1] >= bounds[1][1]:
        raise reader.wrong("Bottom must be less than top")
    return operators.numeric(bounds)


def _upper(reader: Reader) -> tuple[str, float]:
    if reader.token.kind != "text":
        raise reader.wrong(f"Bad value in numeric range: {_shown(reader)}")
    operator = reader.text()
    if operator not in {"<", "<="}:
        raise reader.wrong(f"Bad numeric range operator: {operator}")
    bound = _number(reader, operator)
    if reader.next().kind != "]":
        raise reader.wrong("Too many terms in numeric range expression")
    return operator, bound


def _number(reader: Reader, name: str) -> float:
    if reader.next().kind != "number":
        raise reader.wrong(f"Value of {name} must be numeric")
    value: float = reader.token.value
    return value


def _shown(reader: Reader) -> str:
    token = reader.token
    return token.kind if token.value is None else str(token.value)


# -- anything but ------------------------------------------------------------------------------------------------------


def _anything_but(reader: Reader) -> Test:
    kind = reader.next().kind
    if kind == "{":
        return _anything_but_operator(reader)
    if kind == "[":
        values = _inside(reader, _plain_value)
        kinds = {isinstance(value, str) for value in values}
        if len(kinds) != 1:
            raise reader.wrong("Inside anything but list, either all values are number or string, mixed type is not supported")
        _close(reader, TOO_MANY)
        return operators.none_of([_equal_to(values)])
    if kind not in {"text", "number"}:
        raise reader.wrong("Value of anything-but must be an array or single string/number value.")
    value = reader.text() if kind == "text" else reader.token.value
    _close(reader, TOO_MANY)
    return operators.none_of([_equal_to([value])])


def _equal_to(values: Iterable[Any]) -> Test:
    known = frozenset(values)
    return lambda value: value in known


def _plain_value(reader: Reader) -> Any:
    if reader.token.kind not in {"text", "number"}:
        raise reader.wrong("Inside anything but list, start|null|boolean is not supported.")
    return reader.text() if reader.token.kind == "text" else reader.token.value


def _anything_but_operator(reader: Reader) -> Test:
    if reader.next().kind != "name":
        raise reader.wrong("Anything-But expression name not found")
    name = str(reader.token.value)
    operator = _NEGATABLE.get(name)
    if operator is None:
        raise reader.wrong(f"Unsupported anything-but pattern: {name}")
    sentence, make = operator
    kind = reader.next().kind
    if kind == "{":
        raise reader.wrong("Value of anything-but must be an array or single string/number value.")

    def one(reader: Reader) -> Test:
        if reader.token.kind != "text":
            raise reader.wrong(sentence)
        text = reader.text()
        if not text and name in {"prefix", "suffix"}:
            raise reader.wrong("Null prefix/suffix not allowed")
        return make(reader, text)

    tests = _inside(reader, one) if kind == "[" else [one(reader)]
    _close(reader)
    _close(reader)
    return operators.none_of(tests)


def _inside(reader: Reader, read: Callable[[Reader], Any]) -> list[Any]:
    """The elements of a list. What is wrong with one is said with its place twice, as AWS does."""
    found: list[Any] = []
    while reader.next().kind != "]":
        try:
            found.append(read(reader))
        except InvalidPattern as wrong:
            raise reader.wrong(str(wrong)) from None
    if not found:
        raise reader.wrong("Inside anything but list, either all values are number or string, mixed type is not supported")
    return found


_AFFIX: Final = "prefix/suffix match pattern must be a string"
_NEGATABLE: Final[dict[str, tuple[str, Callable[[Reader, str], Test]]]] = {
    "prefix": (_AFFIX, lambda reader, text: operators.Prefix(text)),
    "suffix": (_AFFIX, lambda reader, text: operators.suffix(text)),
    "wildcard": ("wildcard match pattern must be a string", _wild),
    IGNORING_CASE: (
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        lambda reader, text: operators.equals_ignoring_case(text),
    ),
}
_COMPARISONS: Final[dict[str, Callable[[Reader], Test]]] = {
    "exactly": _exactly,
    "prefix": _affix("prefix", operators.Prefix, operators.prefix_ignoring_case),
    "suffix": _affix("suffix", operators.suffix, operators.suffix_ignoring_case),
    "numeric": _numeric,
    "anything-but": _anything_but,
    "cidr": _cidr,
    IGNORING_CASE: _ignoring_case,
    "wildcard": _wildcard,
}
