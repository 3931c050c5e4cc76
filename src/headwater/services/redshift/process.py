"""The program of one cluster: `python -m headwater.services.redshift.process FOLDER`.

Here AWS is wired into the warehouse, which knows none of it: who may log in comes from the charter, S3 and the Data Catalog are
reached through the gateway under the cluster's roles. It runs until SIGTERM; whatever ends it otherwise, its parent starts it again.
"""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Final

from headwater.engines.warehouse import memory
from headwater.engines.warehouse.server import Server, tls_context
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.session import Database, Session
from headwater.services.redshift.charter import CharterFile
from headwater.services.redshift.lake import Aws, AwsLake
from headwater.services.redshift.users import Users

DATABASE_FILE: Final = "warehouse.duckdb"


class ClusterGate:
    """Who may log in, as the charter has it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._charter = CharterFile(folder)
        self._aws = Aws(self._charter)
        self._users = Users(folder, self._charter.current())
        database.set_users(self._users.known)

    def verifiers(self, user: str) -> list[str]:
        charter = self._charter.current()
        now = charter.now()
        return [one.verifier for one in charter.logins.get(user, []) if one.expires_at is None or one.expires_at > now]

    def session(self, user: str, dbname: str, pid: int) -> Session:
        charter = self._charter.current()
        login = next(iter(charter.logins.get(user, ())), None)
        if login is None:  # it ended while its password was being asked for
            raise SqlError("28000", f'password authentication failed for user "{user}"')
        if dbname != charter.dbname:
            raise SqlError("3D000", f'database "{dbname}" does not exist')
        db_user = login.db_user
        if self._users.admit(login, user):
            self._database.set_users(self._users.known)
        return self._database.session(db_user, dbname, AwsLake(self._aws, db_user), self._charter, pid=pid)


async def serve(folder: Path) -> None:
    charter = CharterFile(folder).current()
    memory.hold(charter.memory_bytes)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threads = os.cpu_count() or 2
    lost = partial(os._exit, 70)  # DuckDB has given itself up: the parent starts the cluster again, with its data
    opened = partial(Database, folder / DATABASE_FILE, charter.memory_bytes, threads, on_lost=lost)
    database = await loop.run_in_executor(None, opened)
    try:
        async with asyncio.TaskGroup() as tasks:
            server = Server(ClusterGate(database, folder), tls_context(Path(charter.certificate), Path(charter.key)))
            listener = await server.listen(tasks, charter.host, charter.port)
            await stop.wait()
            listener.close()
            await server.close()
    finally:
        database.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
