"""PostgreSQL, spoken to with pg8000, which is Python alone and so runs on whatever interpreter the function has."""

import ssl
from typing import Any

import pg8000.native
import tls
from pg8000.exceptions import DatabaseError, InterfaceError

ENGINES = ("postgres", "aurora-postgresql")
EXCLUDED = ":/@\"'\\"
NAME_MAX = 63
PORT = 5432
CONNECT_S = 5
REFUSED = ("28P01", "28000")
"""invalid_password, and invalid_authorization_specification: no such user, or none that may come from here."""


def log_in(values: dict[str, Any]) -> Any:
    *first, last = tls.attempts(values)
    for with_tls in first:
        try:
            return _log_in(values, with_tls=with_tls)
        except tls.NoTls:
            pass
    return _log_in(values, with_tls=last)


def _log_in(values: dict[str, Any], *, with_tls: bool) -> Any:
    try:
        return pg8000.native.Connection(
            values["username"],
            host=values["host"],
            port=int(values.get("port", PORT)),
            password=values["password"],
            database=values.get("dbname", "postgres"),
            timeout=CONNECT_S,
            ssl_context=tls.context() if with_tls else False,
        )
    except DatabaseError as error:
        if isinstance(error.args[0], dict) and error.args[0].get("C") in REFUSED:
            return None
        raise
    except ssl.SSLError as error:
        raise tls.NoTls(str(error)) from error
    except InterfaceError as error:
        if with_tls and "SSL" in str(error):
            raise tls.NoTls(str(error)) from error
        raise


def answers(connection: Any) -> None:
    connection.run("SELECT NOW()")


def set_own_password(connection: Any, user: str, password: str) -> None:
    connection.run(f"ALTER ROLE {_name(user)} WITH PASSWORD {_text(password)}")


def give_login(connection: Any, user: str, password: str, like: str) -> None:
    """One who is a member of `like` may do what `like` may. All or nothing: a user without his membership would be found later."""
    connection.run("BEGIN")
    if connection.run("SELECT FROM pg_roles WHERE rolname = :name", name=user):
        connection.run(f"ALTER ROLE {_name(user)} WITH LOGIN PASSWORD {_text(password)}")
    else:
        connection.run(f"CREATE ROLE {_name(user)} WITH LOGIN PASSWORD {_text(password)}")
        connection.run(f"GRANT {_name(like)} TO {_name(user)}")
    connection.run("COMMIT")


def _name(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _text(word: str) -> str:
    return str(pg8000.native.literal(word))
