"""Redshift's grammar: sqlglot's Redshift for queries and DML, our own for every other statement.

sqlglot falls back to a bare command, or drops clauses, where Redshift's own statements begin (external schemas, column
attributes, COPY's options), so those are read here into `statements`. Functions are left as they are written: what each
means is a table in `functions.py`, and one that is not in it is refused instead of being passed on by luck.
Identifiers fold to lower case, quoted ones too, as Redshift does while enable_case_sensitive_identifier is off.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar, cast

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parsers.redshift import RedshiftParser
from sqlglot.tokenizer_core import Token, TokenType

from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Name, Parsed
from headwater.engines.warehouse.sql.types import SqlType, named

T = TypeVar("T")
QUERY_WORDS: Final = frozenset({"SELECT", "WITH", "(", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE"})
TYPE_PHRASES: Final = (
    ("DOUBLE", "PRECISION"),
    ("CHARACTER", "VARYING"),
    ("BINARY", "VARYING"),
    ("TIMESTAMP", "WITHOUT", "TIME", "ZONE"),
    ("TIMESTAMP", "WITH", "TIME", "ZONE"),
    ("TIME", "WITHOUT", "TIME", "ZONE"),
    ("TIME", "WITH", "TIME", "ZONE"),
)


class SyntaxProblem(ParseError):
    """A parse error that remembers the token at which reading stopped."""

    def __init__(self, message: str, token: Token | None) -> None:
        super().__init__(message, errors=[{"description": message}])
        self.token = token


class GrammarParser(RedshiftParser):
    """sqlglot's parser with the words that our own grammar is written in."""

    # What a function means is decided by functions.py, from its name as written.
    FUNCTIONS: ClassVar = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar = {
        name: parse for name, parse in RedshiftParser.NO_PAREN_FUNCTION_PARSERS.items() if name in ("CASE", "ANY", "IF", "NEXT")
    } | {
        "APPROXIMATE": lambda self: self.approximate(),
        "SYSDATE": lambda self: exp.Anonymous(this="sysdate"),
    }
    FUNCTION_PARSERS: ClassVar = {
        name: parse
        for name, parse in RedshiftParser.FUNCTION_PARSERS.items()
        if name in ("CAST", "CONVERT", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "OVERLAY", "TRY_CAST")
    }
    statement_rules: ClassVar[dict[str, Callable[["GrammarParser"], Parsed]]] = {}

    def raise_error(self, message: str, token: Token | None = None) -> None:
        raise SyntaxProblem(message, token or self._curr or None)

    def _parse_batch_statements(self, parse_method: Callable[["GrammarParser"], Any], sep_first_statement: bool = True) -> list[Any]:
        """One statement after the other; sqlglot's own reads END and ELSE as parts of a block, which Redshift's SQL has not."""
        found = []
        while self._chunk_index < len(self._chunks):
            self._advance_chunk()
            self._match(TokenType.SEMICOLON)  # one that bears a comment stands in a chunk of its own
            found.append(parse_method(self))
            if self._index < self._tokens_size:
                self.raise_error("unexpected words at the end")
        return found

    def _parse_statement(self) -> exp.Expr | None:
        if not self._curr:
            return None
        verb = self._curr.text.upper()
        if verb in QUERY_WORDS:
            return super()._parse_statement()
        rule = self.statement_rules.get(verb)
        if rule is None:
            self.raise_error("no such statement")
            return None
        self._advance()
        return cast("exp.Expr", rule(self))

    def _parse_lambda(self, alias: bool = False) -> exp.Expr | None:
        return super()._parse_lambda(alias=False)

    def _parse_types(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        """psql says pg_catalog.regclass."""
        if self._curr and self._curr.text.lower() == "pg_catalog" and self._next.token_type == TokenType.DOT:
            self._advance(2)
        if self._curr and self._curr.text.lower() in ("int2vector", "oidvector"):
            self._advance()
            return exp.DataType(this=exp.DataType.Type.USERDEFINED, kind="int2vector")
        return super()._parse_types(*arguments, **options)

    def approximate(self) -> exp.Expr:
        """APPROXIMATE COUNT(DISTINCT x): exact here, which is an answer that it allows."""
        function = self._parse_function()
        if function is None:
            self.raise_error("a function is expected")
        return cast("exp.Expr", function)

    # The words of our grammar
    def at(self, *words: str) -> bool:
        """Whether these words stand here."""
        index = self._index
        found = self.word(*words)
        self._retreat(index)
        return found

    def word(self, *words: str) -> bool:
        """Step over these words, if they stand here in this order. One of sqlglot's tokens may hold several of them."""
        index = self._index
        wanted = list(words)
        while wanted:
            token = self._curr
            if not token or token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
                break
            parts = token.text.upper().split()
            if parts != wanted[: len(parts)]:
                break
            del wanted[: len(parts)]
            self._advance()
        if wanted:
            self._retreat(index)
            return False
        return True

    def expect(self, *words: str) -> None:
        if not self.word(*words):
            self.raise_error(f"{' '.join(words)} is expected")

    def symbol(self, text: str) -> bool:
        if self._curr and self._curr.text == text and self._curr.token_type not in (TokenType.STRING, TokenType.IDENTIFIER):
            self._advance()
            return True
        return False

    def expect_symbol(self, text: str) -> None:
        if not self.symbol(text):
            self.raise_error(f"{text} is expected")

    @property
    def ended(self) -> bool:
        return not self._curr

    @property
    def peek(self) -> str:
        """The next token's text in upper case, quotes gone; empty at the end."""
        return self._curr.text.upper() if self._curr else ""

    def identifier(self) -> str:
        token = self._curr
        if not token or not (
            token.token_type == TokenType.IDENTIFIER or token.text.replace("_", "a").replace("$", "a").lstrip("#").isalnum()
        ):
            self.raise_error("a name is expected")
        if token.token_type in (TokenType.STRING, TokenType.NUMBER):
            self.raise_error("a name is expected")
        self._advance()
        return str(token.text).lower()

    def string(self) -> str:
        token = self._curr
        if not token or token.token_type not in (TokenType.STRING, TokenType.HEREDOC_STRING):
            self.raise_error("a string is expected")
        self._advance()
        return str(token.text)

    @property
    def at_string(self) -> bool:
        return bool(self._curr) and self._curr.token_type in (TokenType.STRING, TokenType.HEREDOC_STRING)

    def number(self) -> int:
        negative = self.symbol("-")
        token = self._curr
        if not token or not token.text.isdigit():
            self.raise_error("a number is expected")
        self._advance()
        return -int(token.text) if negative else int(token.text)

    @property
    def at_number(self) -> bool:
        return bool(self._curr) and self._curr.token_type == TokenType.NUMBER

    def relation(self) -> Name:
        parts = [self.identifier()]
        while self.symbol("."):
            parts.append(self.identifier())
        if len(parts) > 3:
            self.raise_error("improper qualified name (too many dotted names)")
        return Name(parts[-1], parts[-2] if len(parts) > 1 else None)

    def names(self) -> tuple[str, ...]:
        """A list of names in parentheses."""
        self.expect_symbol("(")
        found = self.listed(self.identifier)
        self.expect_symbol(")")
        return found

    def listed(self, read: Callable[[], T]) -> tuple[T, ...]:
        found = [read()]
        while self.symbol(","):
            found.append(read())
        return tuple(found)

    def sql_type(self) -> SqlType:
        """A type as a column definition has it."""
        return named(self.type_name(), *self.type_sizes())

    def type_name(self) -> str:
        for phrase in TYPE_PHRASES:
            if self.word(*phrase):
                return " ".join(phrase).lower()
        return self.identifier()

    def type_sizes(self) -> list[int]:
        if not self.symbol("("):
            return []
        sizes = [65535 if self.word("MAX") else self.number()]
        while self.symbol(","):
            sizes.append(self.number())
        self.expect_symbol(")")
        return sizes

    def expression_here(self) -> exp.Expr:
        found = self._parse_assignment()
        if found is None:
            self.raise_error("an expression is expected")
        return cast("exp.Expr", found)

    def query_here(self) -> exp.Expr:
        """A query, up to the end of the statement or the closing parenthesis."""
        found = super()._parse_statement() if self.peek in QUERY_WORDS else None
        if found is None:
            self.raise_error("a query is expected")
        return cast("exp.Expr", found)

    def statement_here(self) -> Parsed:
        found = self._parse_statement()
        if found is None:
            self.raise_error("a statement is expected")
        return cast("Parsed", found)

    @property
    def position(self) -> int:
        return self._index

    def back_to(self, position: int) -> None:
        self._retreat(position)

    def text_between(self, start: int, end: int) -> str:
        """The statement's own text from token `start` up to (without) token `end`."""
        return str(self.sql[self._tokens[start].start : self._tokens[end - 1].end + 1])

    def skip(self) -> None:
        self._advance()

    def unsupported(self, feature: str) -> SqlError:
        return SqlError("0A000", f"{feature} is not supported")
