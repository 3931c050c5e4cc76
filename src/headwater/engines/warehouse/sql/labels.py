"""What a result column is called when the query does not say: PostgreSQL 8's rules, as Redshift kept them.

Drivers and programs rely on these names (`sum`, `?column?`), so they are a table with a test of its own.
"""

from typing import Final

from sqlglot import exp

from headwater.engines.warehouse.sql.functions import FUNCTIONS

UNNAMED: Final = "?column?"
CALLS: Final = {
    "dateadd": "date_add",
    "datediff": "date_diff",
    "getdate": "getdate",
    "sysdate": "timestamp",
    "date_part": "pgdate_part",
    "decode": "case",
    "nvl2": "case",
}
NODES: Final[dict[type[exp.Expr], str]] = {
    exp.Case: "case",
    exp.CurrentDate: "date",
    exp.CurrentTimestamp: "timestamptz",
    exp.CurrentUser: "current_user",
    exp.SessionUser: "session_user",
    exp.CurrentSchema: "current_schema",
    exp.CurrentCatalog: "current_database",
    exp.Extract: "pgdate_part",
    exp.Substring: "substring",
    exp.StrPosition: "position",
    exp.Boolean: "bool",
}
CAST_NAMES: Final = {
    "INT": "int4",
    "BIGINT": "int8",
    "SMALLINT": "int2",
    "DECIMAL": "numeric",
    "DOUBLE": "float8",
    "FLOAT": "float4",
    "BOOLEAN": "bool",
    "TEXT": "varchar",
    "CHAR": "bpchar",
    "TIMESTAMPTZ": "timestamptz",
}


def label(node: exp.Expr) -> str:
    if isinstance(node, exp.Dot | exp.Window | exp.WithinGroup | exp.IgnoreNulls | exp.Paren | exp.Collate):
        return label(node.expression if isinstance(node, exp.Dot) else node.this)
    if isinstance(node, exp.Column):
        return node.name.lower()
    if isinstance(node, exp.Anonymous):
        return call_label(str(node.this.name if isinstance(node.this, exp.Identifier) else node.this).lower())
    if isinstance(node, exp.Cast):
        return cast_label(node)
    return trim_label(node) if isinstance(node, exp.Trim) else NODES.get(type(node), UNNAMED)


def trim_label(node: exp.Trim) -> str:
    return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "btrim")


def call_label(name: str) -> str:
    known = FUNCTIONS.get(name)
    return CALLS.get(name) or (known.label if known is not None and known.label else name)


def cast_label(node: exp.Cast) -> str:
    """A cast of a named thing keeps its name; of a value, it takes the type's."""
    inner = label(node.this)
    if inner != UNNAMED:
        return inner
    target = node.args["to"]
    if isinstance(target, exp.DataType) and isinstance(target.this, exp.DataType.Type):
        return CAST_NAMES.get(target.this.value, target.this.value.lower())
    return UNNAMED
