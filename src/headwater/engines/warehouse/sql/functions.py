"""Every scalar function that may be called: what it is in DuckDB, and what type it gives.

A function that does not stand here is refused (42883), even if DuckDB knows one of that name: it might mean something
else there. Names that begin with `hw_` are the macros of `system/functions.sql`.
Source: docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Final, NamedTuple

from headwater.engines.warehouse.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    SqlType,
    common,
    numeric,
    varchar,
)

Types = Sequence[SqlType]
Rule = SqlType | Callable[[Types], SqlType]


class Function(NamedTuple):
    """`arguments`: what each is coerced to when it is of another kind (None: left alone); the last repeats."""

    native: str
    gives: Rule
    fewest: int
    most: int
    arguments: tuple[SqlType | None, ...] = (None,)
    label: str | None = None  # the result column's name, where it is not the function's


def first(types: Types) -> SqlType:
    return types[0]


def text_first(types: Types) -> SqlType:
    """A text function keeps its argument's type; anything else becomes varchar."""
    return types[0] if types[0].name == "character varying" else VARCHAR


def shared(types: Types) -> SqlType:
    return reduce(common, types)


def rounded(types: Types) -> SqlType:
    """CEIL and its kin: a numeric keeps its precision and loses its scale."""
    if types[0].name == "numeric":
        return numeric(types[0].length or 38, 0)
    return types[0] if types[0].is_exact else DOUBLE


def moment(types: Types) -> SqlType:
    return TIMESTAMPTZ if any(kind.name == TIMESTAMPTZ.name for kind in types) else TIMESTAMP


def absolute(types: Types) -> SqlType:
    return DOUBLE if types[0].name == "unknown" else types[0]


T: Final = (VARCHAR,)
D: Final = (DOUBLE,)
M: Final = (TIMESTAMP,)
TN: Final = (VARCHAR, INTEGER)
TNT: Final = (VARCHAR, INTEGER, VARCHAR)

FUNCTIONS: Final[dict[str, Function]] = {
    # Text
    "lower": Function("lower", text_first, 1, 1, T),
    "upper": Function("upper", text_first, 1, 1, T),
    "initcap": Function("hw_initcap", text_first, 1, 1, T),
    "len": Function("hw_len", INTEGER, 1, 1, T),
    "length": Function("hw_len", INTEGER, 1, 1, T),
    "char_length": Function("hw_len", INTEGER, 1, 1, T),
    "character_length": Function("hw_len", INTEGER, 1, 1, T),
    "textlen": Function("hw_len", INTEGER, 1, 1, T),
    "octet_length": Function("hw_octets", INTEGER, 1, 1, T),
    "left": Function("left", text_first, 2, 2, TN),
    "right": Function("right", text_first, 2, 2, TN),
    "substr": Function("hw_substring", text_first, 2, 3, TN, "substr"),
    "substring": Function("hw_substring", text_first, 2, 3, TN),
    "ltrim": Function("ltrim", text_first, 1, 2, T),
    "rtrim": Function("rtrim", text_first, 1, 2, T),
    "btrim": Function("trim", text_first, 1, 2, T),
    "lpad": Function("hw_lpad", VARCHAR, 2, 3, TNT),
    "rpad": Function("hw_rpad", VARCHAR, 2, 3, TNT),
    "repeat": Function("hw_repeat", VARCHAR, 2, 2, TN),
    "replicate": Function("hw_repeat", VARCHAR, 2, 2, TN),
    "replace": Function("replace", VARCHAR, 3, 3, T),
    "translate": Function("translate", VARCHAR, 3, 3, T),
    "reverse": Function("reverse", text_first, 1, 1, T),
    "concat": Function("concat", VARCHAR, 2, 2, T),
    "charindex": Function("hw_charindex", INTEGER, 2, 2, T),
    "strpos": Function("hw_strpos", INTEGER, 2, 2, T),
    "split_part": Function("hw_split_part", VARCHAR, 3, 3, (VARCHAR, VARCHAR, INTEGER)),
    "chr": Function("chr", VARCHAR, 1, 1, (INTEGER,)),
    "ascii": Function("ascii", INTEGER, 1, 1, T),
    "quote_ident": Function("hw_quote_ident", VARCHAR, 1, 1, T),
    "quote_literal": Function("hw_quote_literal", VARCHAR, 1, 1, T),
    "strtol": Function("hw_strtol", BIGINT, 2, 2, (VARCHAR, INTEGER)),
    "to_hex": Function("hw_to_hex", VARCHAR, 1, 1, (BIGINT,)),
    "md5": Function("md5", varchar(32), 1, 1, T),
    "sha": Function("sha1", varchar(40), 1, 1, T),
    "sha1": Function("sha1", varchar(40), 1, 1, T),
    "func_sha1": Function("sha1", varchar(40), 1, 1, T),
    "sha2": Function("hw_sha2", varchar(128), 2, 2, (VARCHAR, INTEGER)),
    "regexp_replace": Function("hw_regexp_replace", VARCHAR, 2, 3, T),
    "regexp_substr": Function("hw_regexp_substr", VARCHAR, 2, 4, (VARCHAR, VARCHAR, INTEGER)),
    "regexp_count": Function("hw_regexp_count", INTEGER, 2, 3, (VARCHAR, VARCHAR, INTEGER)),
    "regexp_instr": Function("hw_regexp_instr", INTEGER, 2, 2, T),
    "is_valid_json": Function("hw_json_valid", BOOLEAN, 1, 1, T),
    "is_valid_json_array": Function("hw_json_array_valid", BOOLEAN, 1, 1, T),
    "json_array_length": Function("hw_json_array_length", INTEGER, 1, 1, T),
    "json_extract_array_element_text": Function("hw_json_element", VARCHAR, 2, 2, (VARCHAR, INTEGER)),
    # Numbers
    "abs": Function("abs", absolute, 1, 1),
    "ceil": Function("ceil", rounded, 1, 1),
    "ceiling": Function("ceil", rounded, 1, 1, label="ceiling"),
    "floor": Function("floor", rounded, 1, 1),
    "sign": Function("sign", rounded, 1, 1),
    "sqrt": Function("hw_sqrt", DOUBLE, 1, 1, D),
    "cbrt": Function("cbrt", DOUBLE, 1, 1, D),
    "exp": Function("exp", DOUBLE, 1, 1, D),
    "ln": Function("hw_ln", DOUBLE, 1, 1, D),
    "dlog1": Function("hw_ln", DOUBLE, 1, 1, D),
    "log": Function("hw_log", DOUBLE, 1, 1, D),
    "dlog10": Function("hw_log", DOUBLE, 1, 1, D),
    "power": Function("pow", DOUBLE, 2, 2, D),
    "pow": Function("pow", DOUBLE, 2, 2, D, "power"),
    "sin": Function("sin", DOUBLE, 1, 1, D),
    "cos": Function("cos", DOUBLE, 1, 1, D),
    "tan": Function("tan", DOUBLE, 1, 1, D),
    "cot": Function("cot", DOUBLE, 1, 1, D),
    "asin": Function("asin", DOUBLE, 1, 1, D),
    "acos": Function("acos", DOUBLE, 1, 1, D),
    "atan": Function("atan", DOUBLE, 1, 1, D),
    "atan2": Function("atan2", DOUBLE, 2, 2, D),
    "degrees": Function("degrees", DOUBLE, 1, 1, D),
    "radians": Function("radians", DOUBLE, 1, 1, D),
    "pi": Function("pi", DOUBLE, 0, 0),
    "random": Function("random", DOUBLE, 0, 0),
    # Dates and times
    "add_months": Function("hw_add_months", TIMESTAMP, 2, 2, (TIMESTAMP, INTEGER)),
    "months_between": Function("hw_months_between", DOUBLE, 2, 2, M),
    "last_day": Function("last_day", DATE, 1, 1, M),
    "next_day": Function("hw_next_day", DATE, 2, 2, (TIMESTAMP, VARCHAR)),
    "convert_timezone": Function("hw_convert_timezone", TIMESTAMP, 2, 3, ()),
    "date_cmp": Function("hw_date_cmp", INTEGER, 2, 2, (DATE,)),
    "timestamp_cmp": Function("hw_date_cmp", INTEGER, 2, 2, M),
    "date_cmp_timestamp": Function("hw_date_cmp", INTEGER, 2, 2, M),
    "timestamp_cmp_date": Function("hw_date_cmp", INTEGER, 2, 2, M),
    # Whatever the type
    "nvl": Function("coalesce", shared, 1, 99, label="coalesce"),
    "coalesce": Function("coalesce", shared, 1, 99),
    "isnull": Function("coalesce", shared, 2, 2, label="coalesce"),
    "nullif": Function("nullif", first, 2, 2),
    "greatest": Function("greatest", shared, 1, 99),
    "least": Function("least", shared, 1, 99),
    # The session and the system
    "version": Function("hw_version", TEXT, 0, 0),
    "current_schema": Function("hw_current_schema", SqlType("name"), 0, 0),
    "current_schemas": Function("hw_current_schemas", SqlType("text[]"), 1, 1),
    "current_database": Function("hw_current_database", SqlType("name"), 0, 0),
    "current_user_id": Function("hw_current_user_id", INTEGER, 0, 0),
    "current_setting": Function("hw_current_setting", TEXT, 1, 2, T),
    "current_session_arn": Function("hw_current_session_arn", VARCHAR, 0, 0),
    "pg_backend_pid": Function("hw_backend_pid", INTEGER, 0, 0),
    "pg_last_copy_count": Function("hw_last_copy_count", BIGINT, 0, 0),
    "pg_last_query_id": Function("hw_last_query_id", INTEGER, 0, 0),
    "inet_server_addr": Function("hw_server_address", TEXT, 0, 0),
    "inet_server_port": Function("hw_server_port", INTEGER, 0, 0),
    "inet_client_addr": Function("hw_server_address", TEXT, 0, 0),
    "inet_client_port": Function("hw_server_port", INTEGER, 0, 0),
    "txid_current": Function("txid_current", BIGINT, 0, 0),
    "pg_is_in_recovery": Function("hw_false", BOOLEAN, 0, 0),
    "format_type": Function("hw_format_type", TEXT, 2, 2),
    "pg_get_expr": Function("hw_get_expr", TEXT, 2, 3),
    "pg_get_viewdef": Function("hw_get_viewdef", TEXT, 1, 2),
    "pg_get_userbyid": Function("hw_get_userbyid", SqlType("name"), 1, 1),
    "pg_get_constraintdef": Function("hw_get_constraintdef", TEXT, 1, 2),
    "pg_get_indexdef": Function("hw_get_indexdef", TEXT, 1, 3),
    "pg_get_ruledef": Function("hw_get_viewdef", TEXT, 1, 2),
    "pg_get_function_result": Function("hw_null_text_of", TEXT, 1, 1),
    "pg_get_function_arguments": Function("hw_null_text_of", TEXT, 1, 1),
    "pg_get_function_identity_arguments": Function("hw_null_text_of", TEXT, 1, 1),
    "pg_database_size": Function("hw_database_size", BIGINT, 1, 1),
    "pg_get_serial_sequence": Function("hw_null_text", TEXT, 2, 2),
    "pg_encoding_to_char": Function("hw_encoding", SqlType("name"), 1, 1),
    "pg_table_is_visible": Function("hw_table_is_visible", BOOLEAN, 1, 1),
    "pg_type_is_visible": Function("hw_true", BOOLEAN, 1, 1),
    "pg_function_is_visible": Function("hw_true", BOOLEAN, 1, 1),
    "pg_relation_size": Function("hw_relation_size", BIGINT, 1, 2),
    "pg_total_relation_size": Function("hw_relation_size", BIGINT, 1, 1),
    "pg_table_size": Function("hw_relation_size", BIGINT, 1, 1),
    "pg_size_pretty": Function("hw_size_pretty", TEXT, 1, 1),
    "obj_description": Function("hw_obj_description", TEXT, 1, 2),
    "col_description": Function("hw_col_description", TEXT, 2, 2),
    "shobj_description": Function("hw_null_text", TEXT, 2, 2),
    "array_to_string": Function("array_to_string", TEXT, 2, 2),
    "array_upper": Function("hw_array_upper", INTEGER, 2, 2),
    "array_lower": Function("hw_array_lower", INTEGER, 2, 2),
    "has_table_privilege": Function("hw_has_table_privilege", BOOLEAN, 2, 3),
    "has_schema_privilege": Function("hw_has_schema_privilege", BOOLEAN, 2, 3),
    "has_database_privilege": Function("hw_has_database_privilege", BOOLEAN, 2, 3),
    "has_column_privilege": Function("hw_has_column_privilege", BOOLEAN, 3, 4),
    "has_function_privilege": Function("hw_true", BOOLEAN, 2, 3),
}
