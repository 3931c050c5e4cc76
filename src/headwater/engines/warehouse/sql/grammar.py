"""From text to statements: the one door through which SQL is read, with a cache, since reading is slow.

The rules for each family of statements stand in the `grammar_*` modules; here they are put together, and sqlglot's
errors become the sentence that every PostgreSQL client knows: syntax error at or near "x".
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from headwater.engines.warehouse.sql import grammar_copy, grammar_session, grammar_tables, strictness
from headwater.engines.warehouse.sql.dialect import GrammarParser, SyntaxProblem
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Parsed, Statement

STATEMENTS_CACHED: Final = 512
CACHED_LENGTH_MAX: Final = 100_000  # a bulk INSERT's text is not worth keeping


class RedshiftTokenizer(Redshift.Tokenizer):
    """Redshift's tokens; UNLOAD and the like are words to our grammar, not sqlglot's bare commands."""

    COMMANDS: ClassVar = set()
    # sqlglot takes the `$1,$` of `$1,$2` for a quote with a tag: only the plain $$ quotes here
    HEREDOC_STRINGS: ClassVar = []
    RAW_STRINGS: ClassVar = ["$$"]
    SINGLE_TOKENS: ClassVar = {**Redshift.Tokenizer.SINGLE_TOKENS, "$": TokenType.PARAMETER}
    KEYWORDS: ClassVar = {
        word: kind
        for word, kind in Redshift.Tokenizer.KEYWORDS.items()
        if kind != TokenType.COMMAND and word not in ("USER", "CURRENT_USER_ID", "HLLSKETCH", "SUPER")
    }


class RedshiftDialect(Redshift):
    """Ours, so that nothing here changes sqlglot's own Redshift for others."""

    Tokenizer = RedshiftTokenizer
    Parser = GrammarParser


GrammarParser.statement_rules = {
    **grammar_session.RULES,
    **grammar_tables.RULES,
    **grammar_copy.RULES,
}
DIALECT: Final = RedshiftDialect()


def parse(sql: str) -> tuple[Parsed, ...]:
    """The statements of `sql`. They are shared: whoever changes one copies it first."""
    return _remembered(sql) if len(sql) <= CACHED_LENGTH_MAX else _parsed(sql)


@lru_cache(maxsize=STATEMENTS_CACHED)
def _remembered(sql: str) -> tuple[Parsed, ...]:
    return _parsed(sql)


def _parsed(sql: str) -> tuple[Parsed, ...]:
    if "\0" in sql:
        raise SqlError("22021", "invalid byte sequence for encoding UTF8: 0x00")
    try:
        tokens = DIALECT.tokenize(sql)
    except TokenError as error:
        raise SqlError("42601", f"unterminated quoted string or comment at or near {_tail(sql)}") from error
    try:
        found = GrammarParser(dialect=DIALECT).parse(tokens, sql)
    except SyntaxProblem as problem:
        raise syntax_error(problem.token) from problem
    except (SqlglotError, RecursionError) as error:
        raise SqlError("42601", "syntax error: the statement is nested too deeply or cannot be read") from error
    for statement in found:
        for query in queries_of(statement):
            strictness.check(query)
    return tuple(statement for statement in found if statement is not None)


def queries_of(statement: object) -> Iterator[exp.Expr]:
    """The statement itself if it is a query or DML, else those that it holds."""
    if isinstance(statement, exp.Expr):
        yield statement
    elif isinstance(statement, Statement):
        for name in statement.__struct_fields__:
            yield from queries_of(getattr(statement, name))


def syntax_error(token: Token | None) -> SqlError:
    if token is None:
        return SqlError("42601", "syntax error at end of input")
    text = f"'{token.text}'" if token.token_type == TokenType.STRING else token.text
    return SqlError("42601", f'syntax error at or near "{text}"', position=token.start + 1)


def _tail(sql: str) -> str:
    return f'"{sql[-20:].strip()}"'
