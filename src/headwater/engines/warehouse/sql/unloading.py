"""UNLOAD: a query's rows as files in S3."""

from typing import TYPE_CHECKING

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Unload

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def unload(_session: "Session", _statement: Unload) -> Result:
    raise SqlError("0A000", "UNLOAD is not supported")
