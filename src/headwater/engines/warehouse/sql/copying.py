"""COPY."""
from typing import TYPE_CHECKING

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Copy

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def copy(_session: "Session", _statement: Copy) -> Result:
    raise SqlError("0A000", "COPY is not supported")
