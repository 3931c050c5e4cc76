"""Pieces of DuckDB's SQL, put together: calls, casts, and arithmetic that DuckDB does otherwise than Redshift."""

from sqlglot import exp

from headwater.engines.warehouse.sql.types import BOOLEAN, DOUBLE, PRECISION_MAX, SqlType, numeric


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def literal(value: int | str) -> exp.Expr:
    if isinstance(value, str):
        return exp.Literal.string(value)
    return exp.Literal.number(value) if value >= 0 else exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))


def native(kind: str) -> exp.Expr:
    """A type's name, as DuckDB writes it. (A type of sqlglot's costs a parse and a copy each time.)"""
    return exp.Var(this=kind)


def cast(node: exp.Expr, kind: SqlType) -> exp.Expr:
    """`node` as DuckDB's type for `kind`, without the rules of assignment."""
    return exp.Cast(this=node, to=native(kind.duckdb))


def converted(node: exp.Expr, source: SqlType, target: SqlType) -> exp.Expr:
    """An explicit cast, as Redshift makes it."""
    if source == target:
        return node
    if target.name in ("character varying", "character"):
        wide = node if source.is_text and source.name != "unknown" else as_text(node, source)
        if not target.length:
            return wide
        cut = call("hw_cut", wide, literal(target.length))
        return call("rtrim", cut, literal(" ")) if target.name == "character" else cut
    if target == BOOLEAN and source.is_text:
        return call("hw_bool", node)
    if target.is_integer and source.name == "boolean":
        return cast(node, target)
    return cast(node, target)


def as_text(node: exp.Expr, kind: SqlType) -> exp.Expr:
    """The text form that Redshift gives a value."""
    if kind.name == "double precision":
        return call("hw_double_text", node)
    if kind.name == "real":
        return call("hw_real_text", node)
    if kind.name == "interval":
        return call("hw_interval_text", node)
    return exp.Cast(this=node, to=native("VARCHAR"))


def wire_text(node: exp.Expr, kind: SqlType) -> exp.Expr:
    """The text form that goes over the wire; `kind` is what DuckDB's value has been cast to."""
    if kind.name == "boolean":
        return call("hw_bool_text", node)
    if kind.is_text:
        return node
    if kind.name == "binary varying":
        return call("lower", call("hex", node))
    if kind.name.endswith("[]"):
        return call("hw_array_text", node)
    if kind.name == "int2vector":
        return call("array_to_string", node, literal(" "))
    return as_text(node, kind)


def assigned(node: exp.Expr, source: SqlType, target: SqlType) -> exp.Expr:
    """A value as a column takes it: what is too long is refused instead of cut."""
    if target.name in ("character varying", "character") and target.length:
        wide = node if source.is_text else as_text(node, source)
        fitted = call(
            "hw_fit", wide, literal(target.length), literal(f"character{' varying' if 'v' in target.name else ''}({target.length})")
        )
        return call("rtrim", fitted, literal(" ")) if target.name == "character" else fitted
    if source == target:
        return node
    return converted(node, source, target)


def integer_quotient(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return call("hw_div_int", left, right)


def quotient_type(left: SqlType, right: SqlType) -> SqlType:
    """Source: Numeric computations, "Division" (docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html)."""
    a, b = left.as_numeric(), right.as_numeric()
    scale = max(4, a.scale + b.length - b.scale + 1)
    precision = a.length - a.scale + b.scale + scale
    if precision > PRECISION_MAX:
        scale = max(PRECISION_MAX + scale - precision, 4)
        precision = PRECISION_MAX
    return numeric(precision, scale)


def exact_quotient(left: exp.Expr, left_type: SqlType, right: exp.Expr, right_type: SqlType, answer: SqlType) -> exp.Expr:
    """Decimal division in integers: DuckDB's own goes through floating point. Digits beyond the scale are cut off."""
    above = shifted(left, left_type, answer.scale + right_type.scale)
    below = shifted(right, right_type, right_type.scale)
    whole = exp.Cast(this=integer_quotient(above, below), to=native("DECIMAL(38,0)"))
    if not answer.scale:
        return cast(whole, answer)
    unit = exp.Cast(this=literal("0." + "0" * (answer.scale - 1) + "1"), to=native(f"DECIMAL({answer.scale},{answer.scale})"))
    return exp.Cast(this=exp.Paren(this=exp.Mul(this=whole, expression=unit)), to=native(answer.duckdb))


def shifted(node: exp.Expr, kind: SqlType, places: int) -> exp.Expr:
    """`node` times 10^places, as an integer."""
    if places == 0:
        return exp.Cast(this=node, to=native("HUGEINT"))
    factor = exp.Cast(this=literal("1" + "0" * places), to=native("HUGEINT" if kind.is_integer else f"DECIMAL({places + 1},0)"))
    value = exp.Cast(this=node, to=native("HUGEINT")) if kind.is_integer else exp.Paren(this=node)
    return exp.Cast(this=exp.Paren(this=exp.Mul(this=value, expression=factor)), to=native("HUGEINT"))


def float_quotient(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return call("hw_div_double", cast(left, DOUBLE), cast(right, DOUBLE))
