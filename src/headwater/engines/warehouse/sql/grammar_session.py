"""Transactions, settings, prepared statements, cursors, rights and comments."""

from collections.abc import Callable
from typing import Final, Literal

from headwater.engines.warehouse.sql.dialect import GrammarParser
from headwater.engines.warehouse.sql.statements import (
    Begin,
    CloseCursor,
    CommentOn,
    Commit,
    Deallocate,
    DeclareCursor,
    Execute,
    Explain,
    Fetch,
    Grant,
    Name,
    Parsed,
    Prepare,
    ResetParameter,
    Rollback,
    SetParameter,
    ShowParameter,
)
from headwater.engines.warehouse.sql.types import SqlType


def begin(p: GrammarParser) -> Begin:
    p.word("WORK") or p.word("TRANSACTION")
    read_only = False
    while not p.ended:
        if p.word("ISOLATION", "LEVEL"):
            while p.peek in ("SERIALIZABLE", "READ", "COMMITTED", "UNCOMMITTED", "REPEATABLE", "SNAPSHOT") and not p.at("READ", "ONLY"):
                p.skip()
        elif p.word("READ", "ONLY"):
            read_only = True
        elif not p.word("READ", "WRITE") and not p.symbol(","):
            p.raise_error("a transaction mode is expected")
    return Begin(read_only=read_only)


def start(p: GrammarParser) -> Begin:
    p.expect("TRANSACTION")
    return begin(p)


def commit(p: GrammarParser) -> Commit:
    p.word("WORK") or p.word("TRANSACTION")
    return Commit()


def rollback(p: GrammarParser) -> Rollback:
    p.word("WORK") or p.word("TRANSACTION")
    if p.at("TO"):
        raise p.unsupported("ROLLBACK TO SAVEPOINT")
    return Rollback()


def set_parameter(p: GrammarParser) -> Parsed:
    local = p.word("LOCAL")
    p.word("SESSION")
    if p.word("CHARACTERISTICS") or p.word("TRANSACTION"):
        return set_transaction(p)
    if p.word("AUTHORIZATION"):
        raise p.unsupported("SET SESSION AUTHORIZATION")
    if p.word("TIME", "ZONE"):
        name = "timezone"
    else:
        name = p.identifier()
        while p.symbol("."):
            name += "." + p.identifier()
        if not p.word("TO"):
            p.expect_symbol("=")
    if p.word("DEFAULT"):
        return SetParameter(name=name, values=None, local=local)
    return SetParameter(name=name, values=p.listed(lambda: setting(p)), local=local)


def set_transaction(p: GrammarParser) -> SetParameter:
    """SET TRANSACTION …: there is one isolation level here, and it is at least what was asked for."""
    while not p.ended:
        p.skip()
    return SetParameter(name="transaction_isolation", values=("serializable",), local=True)


def setting(p: GrammarParser) -> str:
    if p.at_string:
        return p.string()
    if p.at_number or p.peek == "-":
        return str(p.number())
    return p.identifier()


def reset(p: GrammarParser) -> ResetParameter:
    return ResetParameter(name=None if p.word("ALL") else p.identifier())


def show(p: GrammarParser) -> ShowParameter:
    if p.word("TIME", "ZONE"):
        return ShowParameter(name="timezone")
    if p.word("TRANSACTION", "ISOLATION", "LEVEL"):
        return ShowParameter(name="transaction_isolation")
    if p.peek in ("TABLES", "SCHEMAS", "DATABASES", "COLUMNS", "TABLE", "VIEW", "EXTERNAL", "PROCEDURE", "GRANTS", "MODEL", "DATASHARES"):
        raise p.unsupported(f"SHOW {p.peek}")
    name = p.identifier()
    while p.symbol("."):
        name += "." + p.identifier()
    return ShowParameter(name=name)


def explain(p: GrammarParser) -> Explain:
    verbose = p.word("VERBOSE")
    if p.at("ANALYZE"):
        p.raise_error("EXPLAIN ANALYZE is PostgreSQL's")
    return Explain(statement=p.statement_here(), verbose=verbose)


def prepare(p: GrammarParser) -> Prepare:
    name = p.identifier()
    types: tuple[SqlType, ...] = ()
    if p.symbol("("):
        types = p.listed(p.sql_type)
        p.expect_symbol(")")
    p.expect("AS")
    first = p.position
    statement = p.statement_here()
    return Prepare(name=name, types=types, text=p.text_between(first, p.position), statement=statement)


def execute(p: GrammarParser) -> Execute:
    name = p.identifier()
    if not p.symbol("("):
        return Execute(name=name)
    arguments = p.listed(p.expression_here)
    p.expect_symbol(")")
    return Execute(name=name, arguments=arguments)


def deallocate(p: GrammarParser) -> Deallocate:
    p.word("PREPARE")
    return Deallocate(name=None if p.word("ALL") else p.identifier())


def declare(p: GrammarParser) -> DeclareCursor:
    name = p.identifier()
    while p.peek in ("BINARY", "INSENSITIVE", "NO", "SCROLL"):
        p.skip()
    p.expect("CURSOR")
    if p.word("WITH", "HOLD"):
        raise p.unsupported("DECLARE CURSOR WITH HOLD")
    p.word("WITHOUT", "HOLD")
    p.expect("FOR")
    return DeclareCursor(name=name, query=p.query_here())


def fetch(p: GrammarParser) -> Fetch:
    count: int | None = 1
    if p.word("ALL") or p.word("FORWARD", "ALL"):
        count = None
    elif p.word("NEXT"):
        count = 1
    elif p.word("FORWARD"):
        count = p.number() if p.at_number else 1
    elif p.at_number:
        count = p.number()
    elif p.peek in ("PRIOR", "BACKWARD", "ABSOLUTE", "RELATIVE", "FIRST", "LAST"):
        raise p.unsupported(f"FETCH {p.peek}")
    p.word("FROM") or p.word("IN")
    return Fetch(name=p.identifier(), count=count)


def close(p: GrammarParser) -> CloseCursor:
    return CloseCursor(name=None if p.word("ALL") else p.identifier())


def comment(p: GrammarParser) -> CommentOn:
    p.expect("ON")
    for kind in ("TABLE", "COLUMN", "VIEW", "SCHEMA", "DATABASE", "CONSTRAINT"):
        if p.word(kind):
            break
    else:
        raise p.unsupported(f"COMMENT ON {p.peek}")
    parts = [p.identifier()]
    while p.symbol("."):
        parts.append(p.identifier())
    column = parts.pop() if kind == "COLUMN" else None
    p.expect("IS")
    text = None if p.word("NULL") else p.string()
    name = Name(parts[-1], parts[-2] if len(parts) > 1 else None)
    return CommentOn(kind=kind.lower(), name=name, column=column, text=text)


def grant(p: GrammarParser) -> Grant:
    return rights(p, "TO", revokes=False)


def revoke(p: GrammarParser) -> Grant:
    if p.word("GRANT", "OPTION", "FOR"):
        raise p.unsupported("REVOKE GRANT OPTION FOR")
    return rights(p, "FROM", revokes=True)


PRIVILEGES: Final = {
    "table": ("SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "REFERENCES", "ALTER", "TRUNCATE", "RULE", "TRIGGER"),
    "schema": ("CREATE", "USAGE", "ALTER", "DROP"),
    "database": ("CREATE", "TEMPORARY", "TEMP", "USAGE", "ALTER"),
}


def rights(p: GrammarParser, preposition: str, *, revokes: bool) -> Grant:
    if p.word("ALL"):
        p.word("PRIVILEGES")
        privileges: tuple[str, ...] = ()
    else:
        privileges = tuple(word.upper() for word in p.listed(p.identifier))
    if not p.word("ON"):
        raise p.unsupported("GRANT of roles")
    kind, names = objects(p)
    unknown = set(privileges) - set(PRIVILEGES[kind])
    if unknown:
        raise p.unsupported(f"privilege {min(unknown)} on a {kind}")
    p.expect(preposition)
    grantees = p.listed(lambda: grantee(p))
    if p.word("WITH", "GRANT", "OPTION"):
        raise p.unsupported("GRANT WITH GRANT OPTION")
    return Grant(privileges=privileges or PRIVILEGES[kind], kind=kind, names=names, grantees=grantees, revokes=revokes)


def objects(p: GrammarParser) -> tuple[Literal["table", "schema", "database"], tuple[Name, ...]]:
    if p.word("SCHEMA"):
        return "schema", p.listed(p.relation)
    if p.word("DATABASE"):
        return "database", p.listed(p.relation)
    if p.peek in ("FUNCTION", "PROCEDURE", "LANGUAGE", "ALL", "EXTERNAL", "MODEL", "DATASHARE"):
        raise p.unsupported(f"GRANT ON {p.peek}")
    p.word("TABLE")
    return "table", p.listed(p.relation)


def grantee(p: GrammarParser) -> str:
    if p.word("GROUP"):
        return "group " + p.identifier()
    if p.word("ROLE"):
        raise p.unsupported("GRANT TO ROLE")
    return p.identifier()


def refused(feature: str) -> Callable[[GrammarParser], Parsed]:
    """A rule for a verb that Redshift has and this engine has not."""

    def rule(p: GrammarParser) -> Parsed:
        raise p.unsupported(feature)

    return rule


RULES: Final[dict[str, Callable[[GrammarParser], Parsed]]] = {
    "BEGIN": begin,
    "START": start,
    "COMMIT": commit,
    "END": commit,
    "ROLLBACK": rollback,
    "ABORT": rollback,
    "SET": set_parameter,
    "RESET": reset,
    "SHOW": show,
    "EXPLAIN": explain,
    "PREPARE": prepare,
    "EXECUTE": execute,
    "DEALLOCATE": deallocate,
    "DECLARE": declare,
    "FETCH": fetch,
    "CLOSE": close,
    "COMMENT": comment,
    "GRANT": grant,
    "REVOKE": revoke,
    **{verb: refused(verb) for verb in ("CALL", "LOCK", "CANCEL", "REFRESH", "ATTACH", "DETACH", "SAVEPOINT", "RELEASE", "DESC", "USE")},
}
