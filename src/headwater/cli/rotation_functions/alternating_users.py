"""Two users in turn, `name` and `name_clone`: while one is current the other gets the next password, and no login is ever refused.

A superuser, whose secret the JSON names as `masterarn`, makes the second user and sets the passwords.
"""

from rotation import Database, Secret, Values, same

CLONE = "_clone"


def next_values(current: Values, database: Database) -> Values:
    return current | {"username": other_user(current["username"], database)}


def other_user(user: str, database: Database) -> str:
    if user.endswith(CLONE):
        return user.removesuffix(CLONE)
    if len(user + CLONE) > database.NAME_MAX:
        raise ValueError(f"createSecret: {user}{CLONE} is longer than the {database.NAME_MAX} characters of a user's name")
    return user + CLONE


def set_secret(secret: Secret, pending: Values, database: Database) -> None:
    current = secret.current()
    same("username", pending, next_values(current, database), "other")
    same("host", pending, current, "current")
    own = database.log_in(current)
    if own is None:  # or the secret could be used to take over a user of whom its writer knows no password
        raise ValueError(f"setSecret: Unable to log into database with the current version of secret {secret.arn}")
    own.close()
    superuser = _superuser(secret, current)
    connection = database.log_in(superuser)
    if connection is None:
        raise ValueError(f"setSecret: Unable to log into database with the superuser's secret {current['masterarn']}")
    try:
        database.give_login(connection, pending["username"], pending["password"], current["username"])
    finally:
        connection.close()


def _superuser(secret: Secret, current: Values) -> Values:
    """Into the database of the secret: some engines keep what users may do in each database."""
    if "masterarn" not in current:
        raise KeyError("masterarn key is missing from secret JSON")
    superuser = secret.superuser(current["masterarn"])
    same("host", current, superuser, "superuser's")
    return superuser | ({"dbname": current["dbname"]} if "dbname" in current else {})
