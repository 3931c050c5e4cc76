"""Metric math's language: from text to a tree. Pure; what a tree is worth is `arithmetic.py`'s.

Precedence, loosest first: || OR, && AND, comparisons, + -, * /, the sign, ^ (to the right). Function names have no case.
Source: "Using math expressions with CloudWatch metrics" of the user guide.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from .refusals import invalid

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^()<>,\[\]]))"
)
_LEVELS: Final = (("||", "OR"), ("&&", "AND"), ("==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/"))
DEPTH_MAX: Final = 30


class Number(msgspec.Struct, frozen=True):
    value: float


class Text(msgspec.Struct, frozen=True):
    value: str


class Name(msgspec.Struct, frozen=True):
    """An id of another query; or a word that a function understands: REPEAT, LINEAR, ASC."""

    value: str


class Call(msgspec.Struct, frozen=True):
    """A function; operators are functions whose name is their sign, `-x` is `neg`."""

    name: str
    arguments: tuple[Node, ...]


class Many(msgspec.Struct, frozen=True):
    """[m1, m2]"""

    items: tuple[Node, ...]


Node = Number | Text | Name | Call | Many


@lru_cache(maxsize=512)
def parsed(text: str) -> Node:
    """The tree; ValidationException where the text can't be read."""
    return _Parser(text).whole()


def names_in(node: Node) -> set[str]:
    """The ids that a tree may mean."""
    if isinstance(node, Name):
        return {node.value}
    inner = node.arguments if isinstance(node, Call) else node.items if isinstance(node, Many) else ()
    return set().union(*(names_in(each) for each in inner)) if inner else set()


def functions_in(node: Node) -> set[str]:
    """The functions that it calls, in upper case."""
    inner = node.arguments if isinstance(node, Call) else node.items if isinstance(node, Many) else ()
    own = {node.name.upper()} if isinstance(node, Call) else set()
    return own.union(*(functions_in(each) for each in inner))


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self._depth = 0
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise _unreadable(f"unexpected character {text[at]!r}")
            at = found.end()
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))

    def whole(self) -> Node:
        node = self._level(0)
        if self._at != len(self._tokens):
            raise _unreadable(f"unexpected {self._tokens[self._at][1]!r}")
        return node

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._sign()
        node = self._level(level + 1)
        while (sign := self._takes(*_LEVELS[level])) is not None:
            node = Call(_SPELLED.get(sign, sign), (node, self._level(level + 1)))
        return node

    def _sign(self) -> Node:
        if self._takes("-") is not None:
            return Call("neg", (self._sign(),))
        self._takes("+")
        return self._power()

    def _power(self) -> Node:
        base = self._atom()
        return Call("^", (base, self._sign())) if self._takes("^") is not None else base

    def _atom(self) -> Node:
        if self._at == len(self._tokens):
            raise _unreadable("it ends too early")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return Number(float(text))
        if kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "name":
            return Call(text, self._list(")")) if self._takes("(") is not None else Name(text)
        if text == "(":
            return self._grouped()
        if text == "[":
            return Many(self._list("]"))
        raise _unreadable(f"unexpected {text!r}")

    def _grouped(self) -> Node:
        self._deeper()
        node = self._level(0)
        if self._takes(")") is None:
            raise _unreadable("a parenthesis is not closed")
        self._depth -= 1
        return node

    def _list(self, end: str) -> tuple[Node, ...]:
        self._deeper()
        items: list[Node] = []
        if self._takes(end) is None:
            items.append(self._level(0))
            while self._takes(",") is not None:
                items.append(self._level(0))
            if self._takes(end) is None:
                raise _unreadable(f"{end!r} is missing")
        self._depth -= 1
        return tuple(items)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _unreadable("it is nested too deeply")

    def _takes(self, *signs: str) -> str | None:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if (kind == "sign" and text in signs) or (kind == "name" and text.upper() in signs):
                self._at += 1
                return text.upper()
        return None


_SPELLED: Final = {"OR": "||", "AND": "&&"}


def _unreadable(why: str) -> Exception:
    return invalid(f"Error in expression: Invalid syntax: {why}.")
