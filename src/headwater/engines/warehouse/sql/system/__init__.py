"""The SQL that every database opens with: functions, and the system tables and views. Read in the order of `FILES`."""

from importlib import resources
from typing import Final

FILES: Final = ("tables.sql", "functions.sql", "pg_catalog.sql", "session.sql", "redshift.sql")
EXTERNAL_TABLES: Final = "external_tables.sql"
EXTERNAL: Final = "external.sql"


def text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
