"""MySQL and MariaDB, spoken to with PyMySQL; in statements that both understand, where there are such."""

import ssl
from typing import Any

import pymysql
import tls

ENGINES = ("mysql", "aurora-mysql", "mariadb")
EXCLUDED = "/@\"'\\"
NAME_MAX = 32
PORT = 3306
CONNECT_S = 5
REFUSED = 1045
TLS_FAILED = 2026


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
        return pymysql.connect(
            host=values["host"],
            port=int(values.get("port", PORT)),
            user=values["username"],
            password=values["password"],
            database=values.get("dbname"),
            connect_timeout=CONNECT_S,
            autocommit=True,
            ssl=tls.context() if with_tls else None,
            ssl_disabled=not with_tls,
        )
    except pymysql.OperationalError as error:
        if error.args[0] == REFUSED:
            return None
        if error.args[0] == TLS_FAILED or isinstance(getattr(error, "original_exception", None), ssl.SSLError):
            raise tls.NoTls(str(error)) from error
        raise


def answers(connection: Any) -> None:
    _rows(connection, "SELECT NOW()")


def set_own_password(connection: Any, user: str, password: str) -> None:
    """MariaDB takes a hash and lets nobody without CREATE USER say ALTER USER; MySQL 8 has no PASSWORD()."""
    ((version,),) = _rows(connection, "SELECT VERSION()")
    _rows(connection, f"SET PASSWORD = {'PASSWORD(%s)' if 'MariaDB' in version else '%s'}", password)


def give_login(connection: Any, user: str, password: str, like: str) -> None:
    """For each host from which `like` may come. A user who is there keeps the old password until what he may do is right."""
    hosts = [host for (host,) in _rows(connection, "SELECT Host FROM mysql.user WHERE User = %s", like)]
    if not hosts:
        raise ValueError(f"setSecret: the database has no user {like}")
    for host in hosts:
        _rows(connection, "CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", user, host, password)
        for statement in _grants(connection, like, host, user):
            _rows(connection, statement)
        _rows(connection, f"ALTER USER %s@%s IDENTIFIED BY %s REQUIRE {_required(connection, like, host)}", user, host, password)


def _grants(connection: Any, like: str, host: str, user: str) -> list[str]:
    """What `like` may do, said of `user`. MariaDB adds the password's hash to the first line, which gives nothing but that."""
    statements = []
    for (statement,) in _rows(connection, "SHOW GRANTS FOR %s@%s", like, host):
        if statement.startswith("GRANT USAGE ON *.* "):
            continue
        for quote in ("`", "'"):
            statement = statement.replace(_account(like, host, quote), _account(user, host, quote))
        statements.append(statement)
    return statements


def _account(user: str, host: str, quote: str) -> str:
    return "@".join(quote + word.replace(quote, quote * 2) + quote for word in (user, host))


def _required(connection: Any, like: str, host: str) -> str:
    """The TLS that `like` must speak, as SQL says it; already escaped."""
    question = "SELECT ssl_type, ssl_cipher, x509_issuer, x509_subject FROM mysql.user WHERE User = %s AND Host = %s"
    ((kind, *given),) = _rows(connection, question, like, host)
    kind, *words = [word.decode() if isinstance(word, bytes) else word for word in (kind, *given)]
    if kind != "SPECIFIED":
        return {"": "NONE", "ANY": "SSL", "X509": "X509"}[kind]
    named = zip(("CIPHER", "ISSUER", "SUBJECT"), words, strict=True)
    return " AND ".join(f"{name} {connection.escape(word)}".replace("%", "%%") for name, word in named if word)


def _rows(connection: Any, statement: str, *arguments: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return list(cursor.fetchall())
