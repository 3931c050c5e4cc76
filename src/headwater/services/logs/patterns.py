"""Filter patterns: which messages one means. Pure.

Four forms: words (all of which, some of which, or none of which occur), a regular expression between percent signs, a
condition on JSON (`{ $.status = 500 && $.path = "/a*" }`), and columns (`[ip, ..., status = 4*]`, in `columns.py`).
Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from .columns import Columns
from .comparing import COMPARISONS, MISSING, Condition, Conditions, Matches, regex, shown, test_of, unescaped
from .model import invalid

_TERM: Final = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)+)%|([^\s"%]+))')
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<selector>\$[^\s=!<>()&|]*)|(?P<sign>!=|<=|>=|=|<|>|&&|\|\||\(|\))|(?P<quoted>"(?:[^"\\]|\\.)*")"""
    r"""|%(?P<regex>(?:[^%\\]|\\.)+)%|(?P<word>[^\s=!<>()&|]+))"""
)
_SELECTOR: Final = re.compile(r"\$[^\s=!<>()&|]+")


def compiled(pattern: str) -> Matches:
    """A function that says whether a message is meant; InvalidParameterException where the pattern can't be read."""
    pattern = pattern.strip()
    if not pattern or pattern == '""':
        return lambda _: True
    if pattern.startswith("{"):
        return _json(pattern)
    if pattern.startswith("["):
        columns = Columns(pattern)
        return lambda message: columns.values(message) is not None
    return _terms(pattern)


def extractor(pattern: str) -> Callable[[str], dict[str, str]]:
    """A function that says what a pattern finds in a message that it means: its columns, or the properties that it names."""
    pattern = pattern.strip()
    if pattern.startswith("["):
        columns = Columns(pattern)
        return lambda message: columns.values(message) or {}
    if pattern.startswith("{"):
        paths = {selector: _path(selector) for selector in _SELECTOR.findall(pattern)}
        return lambda message: _properties(message, paths)
    return lambda message: {}


def property_of(message: str, selector: str) -> str | None:
    """What stands under `$.a.b` in a message of JSON; None where nothing does."""
    return _properties(message, {selector: _path(selector)}).get(selector)


def _properties(message: str, paths: dict[str, list[str | int]]) -> dict[str, str]:
    start = message.find("{")
    try:
        value = msgspec.json.decode(message[start:]) if start >= 0 else None
    except msgspec.DecodeError:
        return {}
    found = {selector: _selected(value, path) for selector, path in paths.items()}
    return {selector: shown(one) for selector, one in found.items() if one is not MISSING and one is not None}


def _terms(pattern: str) -> Matches:
    every: list[Matches] = []
    some: list[Matches] = []
    none: list[Matches] = []
    at = 0
    while at < len(pattern):
        found = _TERM.match(pattern, at)
        if found is None:
            raise invalid("Invalid filter pattern")
        at = found.end()
        sign, quoted, expression, word = found.groups()
        term = regex(expression) if expression is not None else _containing(word if word is not None else unescaped(quoted))
        {"": every, "?": some, "-": none}[sign].append(term)
    return lambda message: (
        all(term(message) for term in every)
        and (not some or any(term(message) for term in some))
        and not any(term(message) for term in none)
    )


def _containing(word: str) -> Matches:
    return lambda message: word in message


def _json(pattern: str) -> Matches:
    if not pattern.endswith("}"):
        raise invalid("Invalid filter pattern")
    condition = _OfJson(pattern[1:-1]).whole()

    def matches(message: str) -> bool:
        start = message.find("{")
        if start < 0:
            return False
        try:
            return condition(msgspec.json.decode(message[start:]))
        except msgspec.DecodeError:
            return False

    return matches


class _OfJson(Conditions):
    TOKEN = _TOKEN

    def comparison(self) -> Condition:
        kind, selector = self.next()
        if kind != "selector":
            raise invalid("Invalid filter pattern")
        path = _path(selector)
        kind, sign = self.next()
        if kind == "word":
            return self._is_or_not(path, sign.upper())
        if kind != "sign" or sign not in ("=", "!=", *COMPARISONS):
            raise invalid("Invalid filter pattern")
        kind, wanted = self.next()
        test = test_of(kind, wanted, sign)
        return lambda value: test(_selected(value, path))

    def _is_or_not(self, path: list[str | int], word: str) -> Condition:
        _, following = self.next()
        match word, following.upper():
            case "IS", "TRUE":
                return lambda value: _selected(value, path) is True
            case "IS", "FALSE":
                return lambda value: _selected(value, path) is False
            case "IS", "NULL":
                return lambda value: _selected(value, path) is None
            case "NOT", "EXISTS":
                return lambda value: _selected(value, path) is MISSING
            case _:
                raise invalid("Invalid filter pattern")


def _path(selector: str) -> list[str | int]:
    """`$.a.b[0]['c d']` as its steps."""
    steps: list[str | int] = []
    for name, index, quoted in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]", selector[1:]):
        steps.append(int(index) if index else name or quoted)
    return steps


def _selected(value: Any, path: list[str | int]) -> Any:
    for step in path:
        named = isinstance(value, dict) and step in value
        if not named and not (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            return MISSING
        value = value[step]
    return value
