"""What of a node is understood. sqlglot reads many dialects; a clause that nobody here looks at must not pass unseen."""

from typing import Final

from sqlglot import exp

from headwater.engines.warehouse.sql.errors import SqlError


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUERY: Final = words("with_ order limit offset")
UNDERSTOOD: Final[dict[type[exp.Expr], frozenset[str]]] = {
    exp.Select: QUERY | words("expressions distinct into from_ joins where group having qualify"),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), QUERY | words("this expression distinct")),
    exp.Subquery: QUERY | words("this alias joins"),
    exp.Values: words("expressions alias"),
    exp.Join: words("this on side kind using method"),
    exp.Table: words("this alias db catalog joins"),
    exp.Window: words("this partition_by order spec over"),
    exp.WindowSpec: words("kind start start_side end end_side"),
    exp.Ordered: words("this desc nulls_first"),
    exp.Cast: words("this to"),
    exp.In: words("this expressions query"),
    exp.With: words("expressions recursive"),
    exp.CTE: words("this alias"),
    exp.Limit: words("expression"),
    exp.Offset: words("expression"),
    exp.Between: words("this low high"),
    exp.Group: words("expressions rollup cube grouping_sets"),
    exp.Column: words("this table db catalog"),
    exp.CurrentDate: frozenset(),
    exp.CurrentTimestamp: frozenset(),
    exp.CurrentTime: frozenset(),
    exp.Trim: words("this expression position"),
    exp.StrPosition: words("this substr"),
    exp.Substring: words("this start length"),
    exp.Insert: words("with_ this expression default"),
    exp.Update: words("with_ this expressions from_ where"),
    exp.Delete: words("with_ this using where tables"),
    exp.Merge: words("this using on whens"),
    exp.When: words("matched then"),
}
NAMES: Final = {
    "for_": "FOR",
    "locks": "FOR UPDATE",
    "windows": "WINDOW",
    "join_mark": "(+)",
    "laterals": "LATERAL",
    "connect": "CONNECT BY",
}
JOINS: Final = frozenset({"", "INNER", "OUTER", "CROSS"})


def check(node: exp.Expr) -> None:
    """Refuse a statement that holds a clause which is read but not understood."""
    for each in node.walk():
        understood = UNDERSTOOD.get(type(each))
        if understood is None:
            continue
        for name, value in each.args.items():
            if value and name not in understood:
                said = NAMES.get(name, name.rstrip("_").upper().replace("_", " "))
                raise SqlError("0A000", f"{said} is not supported in {each.key.upper()}")
        if isinstance(each, exp.Join) and str(each.args.get("kind") or "").upper() not in JOINS:
            raise SqlError("0A000", f"{each.args['kind']} JOIN is not supported")
