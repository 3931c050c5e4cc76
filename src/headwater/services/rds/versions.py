"""Which engines and versions can be asked for, and what follows from them: parameter group family, port, password length.

The lists are the versions that AWS offered in 2025, the newest minor of each line and a few before; a major version alone ("16") means
its newest minor. What really runs is the MariaDB or PostgreSQL of this machine: the server's own version() says which.
Pure. Source: "Amazon RDS release notes" and "Database engine updates" of the three user guides, from memory of them.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from headwater.aws.faults import fault

Program = Literal["mariadb", "postgres"]


class Engine(NamedTuple):
    name: str
    description: str
    program: Program
    aurora: bool
    port: int
    default: str
    versions: tuple[str, ...]
    license_model: str
    password_max: int
    username_max: int
    reserved: frozenset[str]  # master user names that the engine keeps for itself


MYSQL_RESERVED: Final = frozenset({"rdsadmin", "rdsrepladmin", "mariadb.sys", "public"})
POSTGRES_RESERVED: Final = frozenset({"rdsadmin", "admin", "postgres_admin", "rds_superuser", "rds_replication", "public"})
GENERAL: Final = "general-public-license"

_MYSQL: Final = ("5.7.44", "8.0.36", "8.0.39", "8.0.40", "8.0.41", "8.0.42", "8.0.43", "8.4.3", "8.4.4", "8.4.5", "8.4.6")
_MARIADB: Final = ("10.5.29", "10.6.22", "10.6.23", "10.11.11", "10.11.13", "10.11.14", "11.4.5", "11.4.7", "11.4.8", "11.8.3")
_AURORA_MYSQL: Final = (
    *(f"5.7.mysql_aurora.{patch}" for patch in ("2.11.6", "2.12.5")),
    *(f"8.0.mysql_aurora.{patch}" for patch in ("3.04.4", "3.08.1", "3.08.2", "3.09.0", "3.10.0", "3.10.1")),
)
_POSTGRES: Final = ("13.21", "13.22", "14.18", "14.19", "15.13", "15.14", "16.8", "16.9", "16.10", "17.4", "17.5", "17.6")
_AURORA_POSTGRES: Final = ("13.20", "13.21", "14.17", "14.18", "15.12", "15.13", "16.8", "16.9", "17.4", "17.5")

ENGINES: Final = {
    engine.name: engine
    for engine in (
        Engine("mysql", "MySQL Community Edition", "mariadb", False, 3306, "8.0.43", _MYSQL, GENERAL, 41, 32, MYSQL_RESERVED),
        Engine("mariadb", "MariaDB Community Edition", "mariadb", False, 3306, "10.11.14", _MARIADB, GENERAL, 41, 16, MYSQL_RESERVED),
        Engine(
            "aurora-mysql", "Aurora MySQL", "mariadb", True, 3306, "8.0.mysql_aurora.3.08.2", _AURORA_MYSQL, GENERAL, 41, 32, MYSQL_RESERVED
        ),
        Engine("postgres", "PostgreSQL", "postgres", False, 5432, "17.6", _POSTGRES, "postgresql-license", 128, 63, POSTGRES_RESERVED),
        Engine(
            "aurora-postgresql",
            "Aurora PostgreSQL",
            "postgres",
            True,
            5432,
            "17.5",
            _AURORA_POSTGRES,
            "postgresql-license",
            128,
            63,
            POSTGRES_RESERVED,
        ),
    )
}


def engine_named(name: str) -> Engine:
    engine = ENGINES.get(name.lower())
    if engine is None:
        raise fault("InvalidParameterValue", f"Invalid DB engine: {name}")
    return engine


def version_of(engine: Engine, asked: str | None) -> str:
    """The full version: the default, the one asked for, or the newest of a line such as "8.0"."""
    if asked is None:
        return engine.default
    if asked in engine.versions:
        return asked
    of_line = [version for version in engine.versions if version.startswith(asked + ".")]
    if not of_line:
        raise fault("InvalidParameterCombination", f"Cannot find version {asked} for {engine.name}")
    return of_line[-1]


def major(engine: Engine, version: str) -> str:
    """ "8.0" of 8.0.43 and of 8.0.mysql_aurora.3.08.2, "16" of 16.10."""
    parts = version.split(".")
    return parts[0] if engine.program == "postgres" else ".".join(parts[:2])


def family(engine: Engine, version: str) -> str:
    """The parameter group family, as aurora-mysql8.0."""
    return engine.name + major(engine, version)


FAMILIES: Final = {family(engine, version): engine for engine in ENGINES.values() for version in engine.versions}
