"""One user whose own password changes. From setSecret to finishSecret the old password is refused and the new one not yet current."""

from typing import Any

from rotation import Database, Secret, Values, log, same


def next_values(current: Values, database: Database) -> Values:
    return current


def set_secret(secret: Secret, pending: Values, database: Database) -> None:
    """The user sets the password. He comes in with the current one or, where a rotation broke off in the middle, the previous."""
    connection = _logged_in(secret, pending, database)
    try:
        database.set_own_password(connection, pending["username"], pending["password"])
    finally:
        connection.close()


def _logged_in(secret: Secret, pending: Values, database: Database) -> Any:
    current = secret.current()
    for name in ("username", "host"):
        same(name, pending, current, "current")
    connection = database.log_in(current)
    if connection is not None:
        return connection
    log.info("setSecret: the current credential of %s is refused; trying the previous one", secret.arn)
    previous = secret.previous()
    if previous is not None:
        for name in ("username", "host"):
            same(name, pending, previous, "previous")
        tls = {"ssl": current["ssl"]} if "ssl" in current else {}
        connection = database.log_in({name: value for name, value in previous.items() if name != "ssl"} | tls)
    if connection is None:
        raise ValueError(f"setSecret: Unable to log into database with the previous, current or pending version of secret {secret.arn}")
    return connection
