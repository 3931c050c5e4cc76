"""Session parameters: what SET, SHOW and RESET know, and what each is when nobody has said.

A parameter that has an effect here is obeyed; one that only tunes Redshift's own machinery is kept and shown. A name that
Redshift does not have is refused. Source: docs.aws.amazon.com/redshift/latest/dg/cm_chap_ConfigurationRef.html
"""

from collections.abc import Callable
from typing import Final

from headwater.engines.warehouse.sql.errors import SqlError

DEFAULTS: Final[dict[str, str]] = {
    "analyze_threshold_percent": "10",
    "application_name": "",
    "client_encoding": "UTF8",
    "client_min_messages": "notice",
    "datestyle": "ISO, MDY",
    "default_transaction_isolation": "serializable",
    "describe_field_name_in_uppercase": "off",
    "downcase_delimited_identifier": "on",
    "enable_case_sensitive_identifier": "off",
    "enable_result_cache_for_session": "on",
    "enable_vacuum_boost": "off",
    "error_on_nondeterministic_update": "off",
    "extra_float_digits": "0",
    "integer_datetimes": "on",
    "intervalstyle": "postgres",
    "json_serialization_enable": "off",
    "json_serialization_parse_nested_strings": "off",
    "max_concurrency_scaling_clusters": "1",
    "max_cursor_result_set_size": "0",
    "max_identifier_length": "127",
    "mv_enable_aqmv_for_session": "on",
    "navigate_super_null_on_error": "on",
    "parse_super_null_on_error": "off",
    "pg_federation_repeatable_read": "on",
    "query_group": "unset",
    "search_path": '"$user", public',
    "server_encoding": "UTF8",
    "server_version": "8.0.2",
    "server_version_num": "80002",
    "session_authorization": "",
    "spectrum_query_maxerror": "-1",
    "standard_conforming_strings": "off",
    "statement_timeout": "0",
    "stored_proc_log_min_messages": "LOG",
    "timezone": "UTC",
    "transaction_isolation": "serializable",
    "transaction_read_only": "off",
    "use_fips_ssl": "off",
    "wlm_query_slot_count": "1",
}
FIXED: Final = frozenset({"integer_datetimes", "max_identifier_length", "server_encoding", "server_version", "server_version_num"})
# What changes the meaning of a statement, in a way that is not built: only the value that is already true is taken.
ONLY: Final[dict[str, frozenset[str]]] = {
    "enable_case_sensitive_identifier": frozenset({"off", "false", "0"}),
    "downcase_delimited_identifier": frozenset({"on", "true", "1"}),
    "describe_field_name_in_uppercase": frozenset({"off", "false", "0"}),
    "client_encoding": frozenset({"utf8", "utf-8", "unicode"}),
    "intervalstyle": frozenset({"postgres"}),
}


class Settings:
    """One session's parameters. SET LOCAL, and everything since BEGIN when it is rolled back, goes back by `restore`."""

    def __init__(self, user: str, changed: Callable[[], None] = lambda: None) -> None:
        self._said: dict[str, str] = {}
        self._user = user
        self._changed = changed

    def snapshot(self) -> dict[str, str]:
        return dict(self._said)

    def restore(self, said: dict[str, str]) -> None:
        self._said = dict(said)
        self._changed()

    @property
    def said(self) -> dict[str, str]:
        return self._said

    def get(self, name: str) -> str:
        if name == "session_authorization":
            return self._user
        if name in self._said:
            return self._said[name]
        if name in DEFAULTS:
            return DEFAULTS[name]
        raise unknown(name)

    def all(self) -> list[tuple[str, str]]:
        return [(name, self.get(name)) for name in sorted(DEFAULTS.keys() | self._said.keys())]

    def set(self, name: str, values: tuple[str, ...]) -> None:
        if name not in DEFAULTS and "." not in name:
            raise unknown(name)
        if name in FIXED:
            raise SqlError("55P02", f'parameter "{name}" cannot be changed')
        value = shown_path(values) if name == "search_path" else ", ".join(values)
        if name in ONLY and value.lower() not in ONLY[name]:
            raise SqlError("0A000", f"{name} = {value} is not supported")
        if name == "timezone" and value.upper() not in ("UTC", "GMT", "DEFAULT", "ETC/UTC"):
            raise SqlError("0A000", f"TimeZone = {value} is not supported; convert with CONVERT_TIMEZONE")
        if name == "datestyle" and not value.upper().startswith("ISO"):
            raise SqlError("0A000", f"DateStyle = {value} is not supported")
        self._said[name] = value
        self._changed()

    def reset(self, name: str | None) -> None:
        if name is None:
            self._said.clear()
        elif name in DEFAULTS or name in self._said:
            self._said.pop(name, None)
        else:
            raise unknown(name)
        self._changed()

    def search_path(self) -> tuple[str, ...]:
        parts = [part.strip().strip('"').lower() for part in self.get("search_path").split(",")]
        return tuple(self._user if part == "$user" else part for part in parts if part)


def shown_path(values: tuple[str, ...]) -> str:
    names = [part.strip() for value in values for part in value.split(",")]
    return ", ".join(f'"{name}"' if name == "$user" else name for name in names)


def unknown(name: str) -> SqlError:
    return SqlError("42704", f'unrecognized configuration parameter "{name}"')
