"""When a value of one type stands where another is wanted: what Redshift converts silently, and what it refuses."""

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.engines.warehouse.sql.build import as_text, call, cast, converted
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.types import DOUBLE, SqlType, common

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder, Bound


def coerced(binder: "Binder", bound: "Bound", wanted: SqlType) -> exp.Expr:
    """`bound` as a `wanted`, for an argument or a comparison: unknown text is read as the type, other kinds are converted."""
    node, kind = bound
    if kind == wanted:
        return node
    if isinstance(node, exp.Parameter):
        binder.parameter(int(node.name), wanted)
        return node
    if kind.name == "unknown":
        return from_text(node, wanted)
    if wanted.is_text:
        return node if kind.is_text else as_text(node, kind)
    if kind.name == wanted.name or (kind.is_exact and wanted.is_exact and wanted.name == "numeric"):
        return node
    return converted_text(node, kind, wanted) if kind.is_text else cast(node, wanted)


def from_text(node: exp.Expr, wanted: SqlType) -> exp.Expr:
    """A literal of unknown type, read as `wanted`."""
    if wanted.is_text or isinstance(node, exp.Null):
        if wanted.name == "character" and isinstance(node, exp.Literal):
            return exp.Literal.string(node.name.rstrip(" "))
        return node
    return converted_text(node, wanted, wanted)


def converted_text(node: exp.Expr, _kind: SqlType, wanted: SqlType) -> exp.Expr:
    """Text as a value of another type, by Redshift's rules of what may be written."""
    reader = READERS.get(wanted.name)
    if reader is not None:
        return cast(call(reader, node), wanted)
    return cast(node, wanted)


READERS = {
    "boolean": "hw_bool",
    "date": "hw_date",
    "timestamp without time zone": "hw_timestamp",
    "smallint": "hw_integer",
    "integer": "hw_integer",
    "bigint": "hw_integer",
}


def explicit(binder: "Binder", bound: "Bound", wanted: SqlType) -> exp.Expr:
    """CAST(bound AS wanted)."""
    node, kind = bound
    if isinstance(node, exp.Parameter):
        binder.parameter(int(node.name), wanted)
        return node if not wanted.length else converted(node, kind, wanted)
    if kind.is_text and not wanted.is_text:
        if isinstance(node, exp.Null):
            return cast(node, wanted)
        return converted_text(node, kind, wanted)
    refuse_impossible(kind, wanted)
    return converted(node, kind, wanted)


IMPOSSIBLE = {
    ("boolean", "date"),
    ("boolean", "timestamp without time zone"),
    ("boolean", "numeric"),
    ("boolean", "double precision"),
    ("date", "boolean"),
    ("timestamp without time zone", "boolean"),
}


def refuse_impossible(kind: SqlType, wanted: SqlType) -> None:
    moment_to_number = (kind.is_moment and wanted.is_number) or (kind.is_number and wanted.is_moment)
    if moment_to_number or (kind.name, wanted.name) in IMPOSSIBLE:
        raise SqlError("42846", f"cannot cast type {kind} to {wanted}")


def alike(binder: "Binder", left: "Bound", right: "Bound") -> tuple[exp.Expr, exp.Expr, SqlType]:
    """Both sides of a comparison, made comparable."""
    kind = meeting(left.type, right.type)
    return side(binder, left, kind), side(binder, right, kind), kind


def side(binder: "Binder", bound: "Bound", kind: SqlType) -> exp.Expr:
    if bound.type.name == "unknown" or bound.type.is_text != kind.is_text:
        return coerced(binder, bound, kind)
    return bound.node


def meeting(left: SqlType, right: SqlType) -> SqlType:
    """The type in which two are compared. A number or a date meets text as text."""
    if left.is_text and not right.is_text and left.name != "unknown":
        return left
    if right.is_text and not left.is_text and right.name != "unknown":
        return right
    if {left.name, right.name} == {"boolean", "integer"}:
        raise SqlError("42883", f"operator does not exist: {left} = {right}")
    if (left.is_moment and right.is_number) or (left.is_number and right.is_moment):
        raise SqlError("42883", f"operator does not exist: {left} = {right}")
    return common(left, right)


def number(binder: "Binder", bound: "Bound", beside: SqlType) -> "tuple[exp.Expr, SqlType]":
    """An operand of arithmetic: text of unknown type becomes what stands beside it."""
    if bound.type.name == "unknown":
        kind = beside if beside.is_number else DOUBLE
        return coerced(binder, bound, kind), kind
    if bound.type.is_text:
        return coerced(binder, bound, DOUBLE), DOUBLE
    return bound.node, bound.type
