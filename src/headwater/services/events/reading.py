"""A pattern's JSON, token by token, with where each ends: AWS says the place of a mistake, and says it as its own reader counts.

That reader has taken the beginning of a value when it hands out the name before it, and of a text only the first quote until somebody
asks for the text. `Reader.where` counts so (recordings of TestEventPattern, `MessageRaw`).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD: Final = re.compile(r"[\w$]+")
_LITERALS: Final = {"true": True, "false": False, "null": None}
_SHOWN_MAX: Final = 500
DEPTH_MAX: Final = 200


class InvalidPattern(ValueError):
    """Why a text is no event pattern, in AWS's words."""


class Token(NamedTuple):
    """`kind` is one of `{ } [ ] name text number word end`; `begun` is where its first character ends, `ended` where it ends itself."""

    kind: str
    value: Any
    begun: int
    ended: int


class Reader:
    """Tokens, one at a time."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = self._read_all()
        self._at = -1
        self._is_read = False

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def next(self) -> Token:
        self._at += 1
        self._is_read = False
        return self._tokens[self._at]

    def text(self) -> str:
        """The text of this token, which counts as read from now on."""
        self._is_read = True
        return str(self.token.value)

    def wrong(self, why: str) -> InvalidPattern:
        """`raise reader.wrong("...")`: with the place reached."""
        return InvalidPattern(why + self.place())

    def place(self) -> str:
        token = self.token
        if token.kind == "name":
            following = self._tokens[self._at + 1]
            where = following.begun
        elif token.kind == "text" and not self._is_read:
            where = token.begun
        else:
            where = token.ended
        return _place(self._source, where)

    def _read_all(self) -> list[Token]:
        tokens: list[Token] = []
        open_: list[str] = []
        at = self._value(tokens, self._skip(0), open_)
        while open_:
            at = self._element(tokens, self._skip(at), open_)
        tokens.append(Token("end", None, at, at))
        return tokens

    def _element(self, tokens: list[Token], at: int, open_: list[str]) -> int:
        """The next thing in what is open: its end, or one more value."""
        last, char, closing = tokens[-1], self._source[at : at + 1], "}" if open_[-1] == "{" else "]"
        if char == closing:
            open_.pop()
            tokens.append(Token(closing, None, at + 1, at + 1))
            return at + 1
        is_first = last.kind in {"{", "["}
        if not is_first:
            if char != ",":
                raise self._unexpected(at, f"was expecting comma to separate {'Object' if closing == '}' else 'Array'} entries")
            at = self._skip(at + 1)
        if closing == "}":
            at = self._name(tokens, at)
        return self._value(tokens, at, open_)

    def _name(self, tokens: list[Token], at: int) -> int:
        found = _STRING.match(self._source, at)
        if found is None:
            raise self._unexpected(at, "was expecting double-quote to start field name")
        tokens.append(Token("name", json.loads(found[0]), at + 1, found.end()))
        at = self._skip(found.end())
        if self._source[at : at + 1] != ":":
            raise self._unexpected(at, "was expecting a colon to separate field name and value")
        return self._skip(at + 1)

    def _value(self, tokens: list[Token], at: int, open_: list[str]) -> int:
        char = self._source[at : at + 1]
        if char and char in "{[":
            if len(open_) >= DEPTH_MAX:
                raise InvalidPattern("Event pattern is nested too deeply")
            open_.append(char)
            tokens.append(Token(char, None, at + 1, at + 1))
            return at + 1
        if found := _STRING.match(self._source, at):
            tokens.append(Token("text", json.loads(found[0]), at + 1, found.end()))
        elif found := _NUMBER.match(self._source, at):
            tokens.append(Token("number", json.loads(found[0]), found.end(), found.end()))
        elif found := _WORD.match(self._source, at):
            if found[0] not in _LITERALS:
                sentence = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
                raise InvalidPattern(f"Unrecognized token '{found[0]}': {sentence}" + _place(self._source, found.end()))
            tokens.append(Token("word", _LITERALS[found[0]], found.end(), found.end()))
        else:
            raise self._unexpected(at, "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
        return found.end()

    def _unexpected(self, at: int, wanted: str) -> InvalidPattern:
        char = self._source[at : at + 1]
        if not char:
            return InvalidPattern("Unexpected end-of-input" + _place(self._source, at))
        return InvalidPattern(f"Unexpected character ('{char}' (code {ord(char)})): {wanted}" + _place(self._source, at + 1))

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._source, at)
        return at if found is None else found.end()


def _place(source: str, offset: int) -> str:
    line = source.count("\n", 0, offset) + 1
    column = offset - (source.rfind("\n", 0, offset) + 1) + 1
    shown = f'"{source}"'
    if len(source) > _SHOWN_MAX:
        shown = f'"{source[:_SHOWN_MAX]}"[truncated {len(source) - _SHOWN_MAX} chars]'
    return f"\n at [Source: (String){shown}; line: {line}, column: {column}]"
