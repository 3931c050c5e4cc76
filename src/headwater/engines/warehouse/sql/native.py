"""How a bound tree is written for DuckDB: sqlglot's DuckDB, but for what it would lose."""

from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator


class IgnoringNulls(exp.Expression):
    """The last argument of a window function that passes over NULLs; sqlglot writes IGNORE NULLS only for functions it knows."""

    arg_types: ClassVar = {"this": True}


class Native(DuckDB):
    """DuckDB, as the binder's trees need it."""

    class Generator(DuckDBGenerator):
        TRANSFORMS: ClassVar = {
            **DuckDBGenerator.TRANSFORMS,
            IgnoringNulls: lambda self, node: f"{self.sql(node, 'this')} IGNORE NULLS",
        }


DIALECT: Final = Native()


def sql(node: exp.Expr) -> str:
    return str(node.sql(dialect=DIALECT, normalize_functions=False))
