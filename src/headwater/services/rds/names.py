"""What may be called what: identifiers, master users, passwords, database names, instance classes.

Easy to get wrong: RDS keeps identifiers in lower case, whatever was asked for, and says which member is wrong rather than which rule.
Pure. Source: the parameters' descriptions in the RDS API reference; sentences as RDS has been seen to answer them.
"""

from __future__ import annotations

import re
from typing import Final

from .refusals import blank, invalid
from .versions import Engine

IDENTIFIER_MAX: Final = 63
PASSWORD_MIN: Final = 8
PORT_MIN: Final = 1150
PORT_MAX: Final = 65_535
DATABASE_MAX: Final = 64
GROUP_MAX: Final = 255
IDENTIFIER: Final = re.compile(r"[a-z](-?[a-z0-9])*")
CLASS: Final = re.compile(r"db\.(serverless|[a-z0-9-]+\.[a-z0-9-]+)")
WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
PASSWORD_REFUSED: Final = frozenset('/@" ')


def identifier(value: str, member: str) -> str:
    """The identifier as RDS keeps it."""
    name = value.lower()
    if len(name) > IDENTIFIER_MAX or not IDENTIFIER.fullmatch(name):
        raise invalid(
            f"The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, "
            "digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )
    return name


def group_name(value: str, member: str) -> str:
    name = value.lower()
    if len(name) > GROUP_MAX or not IDENTIFIER.fullmatch(name):
        raise invalid(f"The parameter {member} is not a valid identifier because it is {value!r}.")
    return name


def master(value: str | None, engine: Engine) -> str:
    if not value:
        raise blank("MasterUsername")
    if len(value) > engine.username_max or not WORD.fullmatch(value):
        raise invalid(
            "The parameter MasterUsername is not a valid identifier. It must begin with a letter and contain only alphanumeric characters."
        )
    if value.lower() in engine.reserved:
        raise invalid(f"MasterUsername {value} cannot be used as it is a reserved word used by the engine")
    return value


def password(value: str | None, engine: Engine) -> str:
    if not value:
        raise blank("MasterUserPassword")
    if len(value) < PASSWORD_MIN:
        raise invalid(f"The parameter MasterUserPassword is not a valid password because it is shorter than {PASSWORD_MIN} characters.")
    if len(value) > engine.password_max:
        raise invalid(
            f"The parameter MasterUserPassword is not a valid password because it is longer than {engine.password_max} characters."
        )
    if not value.isascii() or not value.isprintable() or PASSWORD_REFUSED & set(value):
        raise invalid(
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        )
    return value


def database(value: str | None, member: str) -> str | None:
    """The first database's name. Without one there is none, though PostgreSQL always has its `postgres`."""
    if not value:
        return None
    if len(value) > DATABASE_MAX or not WORD.fullmatch(value):
        raise invalid(f"{member} must begin with a letter and contain only alphanumeric characters.")
    return value


def instance_class(value: str) -> str:
    if not CLASS.fullmatch(value):
        raise invalid(f"Invalid DB Instance class: {value}")
    return value


def port(value: int | None, engine: Engine) -> int:
    if value is None:
        return engine.port
    if not PORT_MIN <= value <= PORT_MAX:
        raise invalid(f"Invalid database port: {value}. The port must be between {PORT_MIN} and {PORT_MAX}.")
    return value
