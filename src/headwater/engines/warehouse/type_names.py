"""The short names of Redshift's types, as pg_type and the Data API have them, by the names of the SQL standard.

Source: "Data types" in the Redshift Database Developer Guide; pg_type.
"""

from typing import Final

TYPE_NAMES: Final = {
    "boolean": "bool",
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "character varying": "varchar",
    "character": "bpchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "binary varying": "varbyte",
    '"char"': "char",
    "smallint[]": "_int2",
    "integer[]": "_int4",
    "oid[]": "_oid",
    "text[]": "_text",
}
