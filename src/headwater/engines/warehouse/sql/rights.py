"""GRANT and REVOKE: kept in the catalog and enforced on tables and views.

A superuser and the owner may do everything. Who the users are is the wire's affair; their names come from there.
"""

from typing import TYPE_CHECKING

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.catalog import HIDDEN, Relation, set_of
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Grant, Name

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def check(session: "Session", relation: Relation, privilege: str) -> None:
    if session.is_superuser or relation.temporary or relation.owner == session.user:
        return
    who = set_of([session.user, "public"])
    row = session.connection.execute(
        f"SELECT 1 FROM wh.{HIDDEN}.privileges WHERE kind = 'table' AND oid = {relation.oid} "
        f"AND privilege = ? AND grantee IN {who} LIMIT 1",
        [privilege],
    ).fetchone()
    if row is None:
        raise SqlError("42501", f"permission denied for relation {relation.name}")


def grant(session: "Session", statement: Grant) -> Result:
    known = session.store.users()
    for grantee in statement.grantees:
        if grantee.startswith("group "):
            raise SqlError("42704", f'group "{grantee.removeprefix("group ")}" does not exist')
        if grantee != "public" and grantee not in known and grantee != session.user:
            raise SqlError("42704", f'user "{grantee}" does not exist')
    with session.atomic():
        for name in statement.names:
            oid = object_oid(session, statement.kind, name)
            for grantee in statement.grantees:
                one_grantee(session, statement, oid, grantee)
        session.catalog_changed()  # plans that were made under the old rights must go
    return Result("REVOKE" if statement.revokes else "GRANT")


def one_grantee(session: "Session", statement: Grant, oid: int, grantee: str) -> None:
    session.connection.execute(
        f"DELETE FROM wh.{HIDDEN}.privileges WHERE kind = ? AND oid = ? AND grantee = ? AND privilege IN {set_of(statement.privileges)}",
        [statement.kind, oid, grantee],
    )
    if statement.revokes:
        return
    for privilege in statement.privileges:
        session.connection.execute(
            f"INSERT INTO wh.{HIDDEN}.privileges VALUES (?, ?, ?, ?, ?)", [statement.kind, oid, grantee, privilege, session.user]
        )


def object_oid(session: "Session", kind: str, name: Name) -> int:
    from headwater.engines.warehouse.sql.ddl import found

    if kind == "table":
        relation = found(session, name)
        if not (session.is_superuser or relation.owner == session.user):
            raise SqlError("42501", f"permission denied for relation {relation.name}")
        return relation.oid
    if not session.is_superuser:
        raise SqlError("42501", f"permission denied for {kind} {name}")
    if kind == "schema":
        return session.catalog.schema(name.name).oid
    if name.name != session.dbname:
        raise SqlError("3D000", f'database "{name.name}" does not exist')
    return 100001
