"""Redshift's types, and what each is called elsewhere: DuckDB's type, PostgreSQL's OID and typmod, Hive's name.

A type here keeps what DuckDB forgets (the length of a varchar, char against varchar), because clients are told it and
inserts are held to it. Source: docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html; OIDs from pg_type.
"""

import re
from typing import Final

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.errors import SqlError

VARCHAR_MAX: Final = 65535
CHAR_MAX: Final = 4096
PRECISION_MAX: Final = 38


class SqlType(msgspec.Struct, frozen=True):
    """A Redshift type. `length` is a varchar's or char's bytes or a numeric's precision; 0 means not said."""

    name: str
    length: int = 0
    scale: int = 0

    def __str__(self) -> str:
        """The type as format_type writes it."""
        if self.name == "numeric" and self.length:
            return f"numeric({self.length},{self.scale})"
        if self.name in SIZED and self.length:
            return f"{self.name}({self.length})"
        return self.name

    @property
    def oid(self) -> int:
        return KINDS[self.name][0]

    @property
    def typlen(self) -> int:
        return KINDS[self.name][1]

    @property
    def typmod(self) -> int:
        if self.name == "numeric" and self.length:
            return (self.length << 16 | self.scale) + 4
        return self.length + 4 if self.name in SIZED and self.length else -1

    @property
    def duckdb(self) -> str:
        if self.name == "numeric":
            return f"DECIMAL({self.length},{self.scale})" if self.length else "DECIMAL(38,10)"
        return KINDS[self.name][2]

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGERS

    @property
    def is_exact(self) -> bool:
        return self.name in INTEGERS or self.name == "numeric"

    @property
    def is_number(self) -> bool:
        return self.is_exact or self.name in FLOATS

    @property
    def is_text(self) -> bool:
        return self.name in TEXTS

    @property
    def is_moment(self) -> bool:
        return self.name in ("date", "timestamp without time zone", "timestamp with time zone")

    def as_numeric(self) -> "SqlType":
        """The numeric that an integer becomes beside a numeric."""
        return numeric(DIGITS[self.name], 0) if self.is_integer else self


# name: (OID, typlen, DuckDB's type)
KINDS: Final[dict[str, tuple[int, int, str]]] = {
    "boolean": (16, 1, "BOOLEAN"),
    "smallint": (21, 2, "SMALLINT"),
    "integer": (23, 4, "INTEGER"),
    "bigint": (20, 8, "BIGINT"),
    "numeric": (1700, -1, "DECIMAL"),
    "real": (700, 4, "FLOAT"),
    "double precision": (701, 8, "DOUBLE"),
    "character varying": (1043, -1, "VARCHAR"),
    "character": (1042, -1, "VARCHAR"),
    "text": (25, -1, "VARCHAR"),
    "date": (1082, 4, "DATE"),
    "timestamp without time zone": (1114, 8, "TIMESTAMP"),
    "timestamp with time zone": (1184, 8, "TIMESTAMP WITH TIME ZONE"),
    "time without time zone": (1083, 8, "TIME"),
    "interval": (1186, 16, "INTERVAL"),
    "binary varying": (6551, -1, "BLOB"),
    "unknown": (705, -2, "VARCHAR"),
    "name": (19, 64, "VARCHAR"),
    "oid": (26, 4, "BIGINT"),
    "regclass": (2205, 4, "BIGINT"),
    '"char"': (18, 1, "VARCHAR"),
    "int2vector": (22, -1, "SMALLINT[]"),
    "smallint[]": (1005, -1, "SMALLINT[]"),
    "integer[]": (1007, -1, "INTEGER[]"),
    "oid[]": (1028, -1, "BIGINT[]"),
    "text[]": (1009, -1, "VARCHAR[]"),
}
SIZED: Final = frozenset({"character varying", "character", "binary varying"})
INTEGERS: Final = frozenset({"smallint", "integer", "bigint", "oid", "regclass"})
FLOATS: Final = frozenset({"real", "double precision"})
TEXTS: Final = frozenset({"character varying", "character", "text", "unknown", "name", '"char"'})
DIGITS: Final = {"smallint": 5, "integer": 10, "bigint": 19, "oid": 10, "regclass": 10}

BOOLEAN: Final = SqlType("boolean")
SMALLINT: Final = SqlType("smallint")
INTEGER: Final = SqlType("integer")
BIGINT: Final = SqlType("bigint")
DOUBLE: Final = SqlType("double precision")
REAL: Final = SqlType("real")
VARCHAR: Final = SqlType("character varying")
TEXT: Final = SqlType("text")
DATE: Final = SqlType("date")
TIMESTAMP: Final = SqlType("timestamp without time zone")
TIMESTAMPTZ: Final = SqlType("timestamp with time zone")
TIME: Final = SqlType("time without time zone")
INTERVAL: Final = SqlType("interval")
UNKNOWN: Final = SqlType("unknown")


def numeric(precision: int, scale: int) -> SqlType:
    return SqlType("numeric", min(precision, PRECISION_MAX), min(scale, PRECISION_MAX - 1))


def varchar(length: int = 0) -> SqlType:
    return SqlType("character varying", min(length, VARCHAR_MAX))


# How each type may be written, and the length it has when none is said.
SPELLINGS: Final[dict[str, SqlType]] = {
    **dict.fromkeys(("bool", "boolean"), BOOLEAN),
    **dict.fromkeys(("smallint", "int2"), SMALLINT),
    **dict.fromkeys(("integer", "int", "int4"), INTEGER),
    **dict.fromkeys(("bigint", "int8"), BIGINT),
    **{word: numeric(18, 0) for word in ("numeric", "decimal", "dec")},
    **dict.fromkeys(("real", "float4"), REAL),
    **dict.fromkeys(("double precision", "double", "float8", "float"), DOUBLE),
    **{word: varchar(256) for word in ("varchar", "character varying", "nvarchar", "text")},
    **{word: SqlType("character", 1) for word in ("char", "character", "nchar")},
    "bpchar": SqlType("character", 256),
    "date": DATE,
    **dict.fromkeys(("timestamp", "timestamp without time zone", "datetime"), TIMESTAMP),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), TIMESTAMPTZ),
    **dict.fromkeys(("time", "time without time zone"), TIME),
    "interval": INTERVAL,
    **{word: SqlType("binary varying", 64000) for word in ("varbyte", "varbinary", "binary varying")},
    **{word: SqlType(word) for word in ("oid", "regclass", "name", "int2vector")},
}
UNSUPPORTED: Final = frozenset({"super", "geometry", "geography", "hllsketch", "timetz", "time with time zone"})


def named(name: str, *sizes: int) -> SqlType:
    """The type that SQL calls `name`, with the sizes given in parentheses."""
    if name in UNSUPPORTED:
        raise SqlError("0A000", f"type {name} is not supported")
    base = SPELLINGS.get(name)
    if base is None:
        raise SqlError("42704", f'type "{name}" does not exist')
    if not sizes:
        return base
    if base.name == "numeric":
        return checked_numeric(*sizes)
    if base.name in SIZED:
        return checked_length(base.name, sizes[0])
    if base.name == "double precision" and name == "float":
        return REAL if sizes[0] <= 24 else DOUBLE
    return base


def checked_numeric(precision: int, scale: int = 0) -> SqlType:
    if not 1 <= precision <= PRECISION_MAX:
        raise SqlError("22023", f"NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}")
    if not 0 <= scale <= min(precision, 37):
        raise SqlError("22023", f"NUMERIC scale {scale} must be between 0 and precision {precision}")
    return SqlType("numeric", precision, scale)


def checked_length(name: str, length: int) -> SqlType:
    longest = CHAR_MAX if name == "character" else 1_024_000 if name == "binary varying" else VARCHAR_MAX
    if length < 1:
        raise SqlError("22023", f"length for type {name} must be at least 1")
    if length > longest:
        raise SqlError("22023", f"length for type {name} cannot exceed {longest}")
    return SqlType(name, length)


def parsed(text: str) -> SqlType:
    """The type whose `str` is `text`, or one of DuckDB's spellings of the same."""
    match = re.fullmatch(r"([^()\[\]]+)(?:\((\d+)(?:,\s*(\d+))?\))?(\[\])?", text.strip().lower())
    if match is None:
        return VARCHAR
    name, first, second, array = match.groups()
    if array:
        return SqlType(ARRAYS.get(name, "text[]"))
    sizes = [int(size) for size in (first, second) if size]
    if name in KINDS and not sizes:
        return SqlType(name)
    return NATIVE.get(name) or named(name.strip(), *sizes)


ARRAYS: Final = {"smallint": "smallint[]", "integer": "integer[]", "bigint": "oid[]"}
# DuckDB's types that Redshift spells otherwise, or has not: what a client is told of them.
NATIVE: Final[dict[str, SqlType]] = {
    "varchar": VARCHAR,
    "tinyint": SMALLINT,
    "utinyint": SMALLINT,
    "usmallint": INTEGER,
    "uinteger": BIGINT,
    "hugeint": numeric(38, 0),
    "ubigint": numeric(20, 0),
    "blob": SqlType("binary varying"),
    "enum": VARCHAR,
    "uuid": varchar(36),
    '"null"': UNKNOWN,
    "json": VARCHAR,
    "timestamp_ns": TIMESTAMP,
}


def from_cast(node: exp.DataType) -> SqlType:
    """The type that sqlglot read in a cast."""
    if node.this == exp.DataType.Type.USERDEFINED:
        return parsed(str(node.args.get("kind")))
    if node.this == exp.DataType.Type.ARRAY:
        inner = node.expressions[0].sql().lower() if node.expressions else "text"
        return SqlType(ARRAYS.get({"int": "integer", "oid": "bigint"}.get(inner, inner), "text[]"))
    name = CAST_NAMES.get(node.this.value, node.this.value.lower())
    sizes = []
    for size in node.expressions:
        if size.name.lower() == "max":
            sizes.append(VARCHAR_MAX)
        elif size.name.isdigit():
            sizes.append(int(size.name))
    if not sizes and name in ("varchar", "text"):
        return VARCHAR  # in an expression the size is that of what is cast
    return named(name, *sizes)


CAST_NAMES: Final = {
    "DECIMAL": "numeric",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "TIMESTAMPNTZ": "timestamp",
    "TIMESTAMP": "timestamp",
    "TIMESTAMPLTZ": "timestamptz",
    "VARBINARY": "varbyte",
    "BPCHAR": "bpchar",
    "NVARCHAR": "varchar",
    "NCHAR": "char",
    "OBJECT_IDENTIFIER": "oid",
}


def common(left: SqlType, right: SqlType) -> SqlType:
    """The type that CASE, COALESCE, UNION and the like give when they are given both."""
    if left == right or right.name == "unknown":
        return left if left.name != "unknown" else UNKNOWN
    if left.name == "unknown":
        return right
    if left.is_text and right.is_text:
        name = "character" if left.name == right.name == "character" else "character varying"
        return SqlType(name, max(left.length, right.length) if left.length and right.length else 0)
    if left.is_number and right.is_number:
        return common_number(left, right)
    if left.is_moment and right.is_moment:
        order = ("date", "timestamp without time zone", "timestamp with time zone")
        return SqlType(max(left.name, right.name, key=order.index))
    return left


def common_number(left: SqlType, right: SqlType) -> SqlType:
    if left.name in FLOATS or right.name in FLOATS:
        return REAL if {left.name, right.name} <= {"real", "smallint"} else DOUBLE
    if left.is_integer and right.is_integer:
        return max(left, right, key=lambda each: DIGITS[each.name])
    a, b = left.as_numeric(), right.as_numeric()
    scale = max(a.scale, b.scale)
    return numeric(max(a.length - a.scale, b.length - b.scale) + scale, scale)
