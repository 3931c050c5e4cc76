"""COPY and UNLOAD, whose options come in any order, with or without the words AS and FORMAT.

Each option has a shape; one that is not in the table is a syntax error, one that this engine lacks is refused by name.
Sources: docs.aws.amazon.com/redshift/latest/dg/r_COPY.html and r_UNLOAD.html.
"""

from collections.abc import Callable
from typing import Final

from headwater.engines.warehouse.sql.dialect import GrammarParser
from headwater.engines.warehouse.sql.grammar_external import iam_role
from headwater.engines.warehouse.sql.statements import Copy, Parsed, Unload

Value = str | tuple[str, ...] | None
Options = dict[str, Value]


def flag(_p: GrammarParser) -> Value:
    return "true"


def text(p: GrammarParser) -> Value:
    p.word("AS")
    return p.string()


def count(p: GrammarParser) -> Value:
    p.word("AS")
    return str(p.number())


def switch(p: GrammarParser) -> Value:
    if p.at("ON") or p.at("OFF") or p.at("TRUE") or p.at("FALSE") or p.at("PRESET"):
        return p.identifier()
    return "on"


def maybe_text(p: GrammarParser) -> Value:
    p.word("AS")
    return p.string() if p.at_string else "auto"


def maybe_quote(p: GrammarParser) -> Value:
    p.word("AS")
    return p.string() if p.at_string else '"'


def widths(p: GrammarParser) -> Value:
    p.word("AS")
    return p.string()


def character(p: GrammarParser) -> Value:
    """ACCEPTINVCHARS [AS] ['c']"""
    p.word("AS")
    return p.string() if p.at_string else "?"


def maxerror(p: GrammarParser) -> Value:
    p.word("AS")
    return str(p.number())


COPY_OPTIONS: Final[dict[tuple[str, ...], Callable[[GrammarParser], Value]]] = {
    ("CSV",): flag,
    ("PARQUET",): flag,
    ("ORC",): flag,
    ("AVRO",): maybe_text,
    ("JSON",): maybe_text,
    ("SHAPEFILE",): flag,
    ("FIXEDWIDTH",): widths,
    ("DELIMITER",): text,
    ("QUOTE",): maybe_quote,
    ("GZIP",): flag,
    ("BZIP2",): flag,
    ("LZOP",): flag,
    ("ZSTD",): flag,
    ("IGNOREHEADER",): count,
    ("DATEFORMAT",): text,
    ("TIMEFORMAT",): text,
    ("NULL",): text,
    ("EMPTYASNULL",): flag,
    ("BLANKSASNULL",): flag,
    ("REMOVEQUOTES",): flag,
    ("ESCAPE",): flag,
    ("MAXERROR",): maxerror,
    ("MANIFEST",): flag,
    ("REGION",): text,
    ("TRUNCATECOLUMNS",): flag,
    ("ACCEPTINVCHARS",): character,
    ("ACCEPTANYDATE",): flag,
    ("COMPUPDATE",): switch,
    ("STATUPDATE",): switch,
    ("COMPROWS",): count,
    ("FILLRECORD",): flag,
    ("IGNOREBLANKLINES",): flag,
    ("IGNOREALLERRORS",): flag,
    ("TRIMBLANKS",): flag,
    ("ROUNDEC",): flag,
    ("EXPLICIT_IDS",): flag,
    ("NOLOAD",): flag,
    ("ENCODING",): text,
    ("ENCRYPTED",): flag,
    ("MASTER_SYMMETRIC_KEY",): text,
    ("SSH",): flag,
    ("READRATIO",): count,
    ("SERIALIZETOJSON",): flag,
}

UNLOAD_OPTIONS: Final[dict[tuple[str, ...], Callable[[GrammarParser], Value]]] = {
    ("CSV",): flag,
    ("PARQUET",): flag,
    ("JSON",): flag,
    ("DELIMITER",): text,
    ("GZIP",): flag,
    ("BZIP2",): flag,
    ("ZSTD",): flag,
    ("HEADER",): flag,
    ("ADDQUOTES",): flag,
    ("ESCAPE",): flag,
    ("NULL",): text,
    ("ALLOWOVERWRITE",): flag,
    ("CLEANPATH",): flag,
    ("PARALLEL",): switch,
    ("MANIFEST",): flag,
    ("REGION",): text,
    ("ENCRYPTED",): flag,
    ("FIXEDWIDTH",): widths,
    ("EXTENSION",): text,
    ("KMS_KEY_ID",): text,
}


def copy(p: GrammarParser) -> Parsed:
    name = p.relation()
    columns = p.names() if p.peek == "(" else ()
    p.expect("FROM")
    if not p.at_string:
        raise p.unsupported("COPY FROM STDIN")
    source = p.string()
    role, options = authorized_options(p, COPY_OPTIONS)
    return Copy(name=name, columns=columns, source=source, role=role, options=options)


def unload(p: GrammarParser) -> Parsed:
    p.expect_symbol("(")
    query = p.string()
    p.expect_symbol(")")
    p.expect("TO")
    target = p.string()
    role, options = authorized_options(p, UNLOAD_OPTIONS)
    return Unload(query=query, target=target, role=role, options=options)


def authorized_options(p: GrammarParser, known: dict[tuple[str, ...], Callable[[GrammarParser], Value]]) -> tuple[str, Options]:
    role = ""
    options: Options = {}
    while not p.ended:
        p.word("WITH")
        if p.word("IAM_ROLE"):
            role = iam_role(p)
        elif p.word("CREDENTIALS") or p.word("WITH", "CREDENTIALS"):
            p.word("AS")
            role = credentials(p, p.string())
        elif p.at("ACCESS_KEY_ID"):
            raise p.unsupported("COPY with access keys; use IAM_ROLE")
        elif p.word("PARTITION", "BY"):
            raise p.unsupported("UNLOAD PARTITION BY")
        else:
            p.word("FORMAT", "AS") or p.word("FORMAT")
            one_option(p, known, options)
    return role, options


def one_option(p: GrammarParser, known: dict[tuple[str, ...], Callable[[GrammarParser], Value]], options: Options) -> None:
    for words, shape in known.items():
        if p.word(*words):
            name = " ".join(words)
            if name in options:
                p.raise_error(f"conflicting or redundant options: {name}")
            options[name] = shape(p)
            return
    p.raise_error("an option is expected")


def credentials(p: GrammarParser, said: str) -> str:
    """The role in `aws_iam_role=arn:…`."""
    for part in said.split(";"):
        key, _, value = part.partition("=")
        if key.strip().lower() == "aws_iam_role":
            return value.strip()
    raise p.unsupported("COPY with access keys; use aws_iam_role")


RULES: Final[dict[str, Callable[[GrammarParser], Parsed]]] = {"COPY": copy, "UNLOAD": unload}
