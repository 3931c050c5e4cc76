"""TO_CHAR of a number: a picture of digits, as PostgreSQL draws it.

Source: docs.aws.amazon.com/redshift/latest/dg/r_Numeric_formating.html; the widths follow PostgreSQL's own rules.
"""

import re
from typing import Final

from sqlglot import exp

from headwater.engines.warehouse.sql.build import call, cast, literal
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.types import SqlType, numeric

PICTURE: Final = re.compile(r"(FM)?(S|MI)?([$L])?([09,G]*)(?:([.D])([09]*))?(S|MI)?", re.IGNORECASE)


def number_text(node: exp.Expr, _kind: SqlType, pattern: str) -> exp.Expr:
    match = PICTURE.fullmatch(pattern.strip())
    if match is None:
        raise SqlError("0A000", f"the number format '{pattern}' is not supported")
    fm, before, currency, whole, point, fraction, after = match.groups()
    places = len(fraction or "")
    digits = [c for c in whole.upper() if c in "09"]
    scaled = cast(call("round", cast(node.copy(), numeric(38, max(places, 6))), literal(places)), numeric(38, places))
    return call(
        "hw_number_text",
        scaled,
        literal(len(digits)),
        literal(len(digits) - whole.index("0") + whole[: whole.index("0")].count(",") if "0" in whole else 0),
        literal(places if point else 0),
        exp.Boolean(this="," in whole or "G" in whole.upper()),
        literal({"$": "$", "L": "$"}.get((currency or "").upper(), "")),
        literal((before or after or "").upper() + ("<" if before else "")),
        exp.Boolean(this=bool(fm)),
        literal(whole.count(",") + whole.upper().count("G")),
    )
