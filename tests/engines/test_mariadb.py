"""MariaDB as RDS runs it, over its own wire with PyMySQL.

Truth: AWS's RDS User Guide (master user privileges, rds_kill), MySQL 8.0's manual (sql_mode), and our promise about kill -9.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from headwater.engines import process
from headwater.engines.addresses import free_address
from headwater.engines.database import Tls
from headwater.engines.mariadb import MariaDB, variables
from headwater.engines.mariadb_programs import fetch, find
from headwater.engines.process import EngineLost

PORT = 33061
PASSWORD = "it's a \\ secret"


def server(folder: Path, cache: Path, **options: Any) -> MariaDB:
    host, port = free_address(str(folder), PORT)
    return MariaDB(folder / "data", host, port, cache=cache, **options)


@asynccontextmanager
async def running(database: MariaDB) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        database.start(tasks)
        try:
            await database.ready()
            yield
        finally:
            await database.stop()


def query(server: MariaDB, sql: str, *arguments: object, **options: Any) -> list[tuple[Any, ...]]:
    login = {"user": "admin", "password": PASSWORD, "autocommit": True, "connect_timeout": 5} | options
    with pymysql.connect(host=server.host, port=server.port, **login) as connection, connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return list(cursor.fetchall())


@pytest.fixture
async def shop(tmp_path: Path, mariadb_cache: Path) -> AsyncIterator[MariaDB]:
    database = server(tmp_path, mariadb_cache)
    await database.create("admin", PASSWORD, "shop")
    async with running(database):
        yield database


async def test_the_master_user_reaches_a_new_server_at_its_address_and_port(shop: MariaDB) -> None:
    assert shop.port == PORT
    answered = await asyncio.to_thread(query, shop, "SELECT CURRENT_USER(), DATABASE(), @@port, @@time_zone", database="shop")
    assert answered == [("admin@%", "shop", PORT, "+00:00")]


async def test_a_server_has_the_defaults_of_mysql_8(shop: MariaDB) -> None:
    asked = "SELECT @@sql_mode, @@character_set_server, @@explicit_defaults_for_timestamp, @@event_scheduler"
    mode, charset, explicit, events = (await asyncio.to_thread(query, shop, asked))[0]
    assert {"STRICT_TRANS_TABLES", "ONLY_FULL_GROUP_BY"} <= set(mode.split(","))
    assert (charset, explicit, events) == ("utf8mb4", 1, "ON")


async def test_named_time_zones_are_known_with_their_summer_time(shop: MariaDB) -> None:
    asked = (
        "SELECT CONVERT_TZ('2016-07-01 12:00:00', 'UTC', 'America/New_York'), CONVERT_TZ('2016-01-01', 'UTC', 'America/New_York'), "
        "CONVERT_TZ('2036-07-01 12:00:00', 'UTC', 'Europe/Berlin'), CONVERT_TZ('2016-01-01 12:00:00', 'UTC', 'Asia/Tokyo')"
    )
    (row,) = await asyncio.to_thread(query, shop, asked)
    assert [moment.hour for moment in row] == [8, 19, 14, 21]


async def test_a_wrong_password_and_an_anonymous_user_are_refused(shop: MariaDB) -> None:
    for login in ({"password": "wrong"}, {"user": "", "password": ""}, {"user": "root", "password": ""}):
        with pytest.raises(pymysql.err.OperationalError) as refusal:
            await asyncio.to_thread(query, shop, "SELECT 1", **login)
        assert refusal.value.args[0] == 1045


async def test_the_master_user_may_grant_but_is_no_superuser(shop: MariaDB) -> None:
    await asyncio.to_thread(query, shop, "CREATE USER clerk@'%%' IDENTIFIED BY %s", "clerk1234")
    await asyncio.to_thread(query, shop, "GRANT SELECT ON shop.* TO clerk@'%'")
    await asyncio.to_thread(query, shop, "GRANT AWS_LAMBDA_ACCESS TO clerk@'%'")
    for forbidden in ("SET GLOBAL max_connections = 5", "SELECT 1 INTO OUTFILE '/tmp/headwater-no'", "SHUTDOWN"):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            await asyncio.to_thread(query, shop, forbidden)


async def test_a_session_is_ended_with_the_procedure_of_rds(shop: MariaDB) -> None:
    other = await asyncio.to_thread(pymysql.connect, host=shop.host, port=shop.port, user="admin", password=PASSWORD)
    await asyncio.to_thread(query, shop, f"CALL mysql.rds_kill({other.thread_id()})")
    with pytest.raises(pymysql.err.OperationalError):
        await asyncio.to_thread(other.ping, reconnect=False)


async def test_a_changed_password_holds_at_once_and_after_a_restart(shop: MariaDB) -> None:
    await shop.set_password("admin", "another1234")
    with pytest.raises(pymysql.err.OperationalError):
        await asyncio.to_thread(query, shop, "SELECT 1")
    await shop.stop()
    async with running(shop):
        assert await asyncio.to_thread(query, shop, "SELECT 1", password="another1234") == [(1,)]


async def test_a_master_user_who_was_dropped_comes_back_with_a_new_password(shop: MariaDB) -> None:
    await asyncio.to_thread(query, shop, "DROP USER admin@'%'")
    await shop.set_password("admin", PASSWORD)
    assert "CREATE USER" in str(await asyncio.to_thread(query, shop, "SHOW GRANTS"))


async def test_a_database_that_was_dropped_does_not_come_back_with_a_restart(shop: MariaDB) -> None:
    await asyncio.to_thread(query, shop, "DROP DATABASE shop")
    await shop.stop()
    async with running(shop):
        assert await asyncio.to_thread(query, shop, "SHOW DATABASES LIKE 'shop'") == []


async def test_what_was_committed_survives_kill_9_of_the_server(shop: MariaDB) -> None:
    def insert_until_killed() -> int:
        with pymysql.connect(
            host=shop.host, port=shop.port, user="admin", password=PASSWORD, database="shop", autocommit=True
        ) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE TABLE orders (id INT PRIMARY KEY) ENGINE=InnoDB")
            for number in range(500):
                if number == 400:
                    os.kill(pid, signal.SIGKILL)
                try:
                    cursor.execute("INSERT INTO orders VALUES (%s)", (number,))
                except pymysql.MySQLError:
                    return number
        return 500

    assert shop._process is not None
    pid = shop._process.pid
    assert pid is not None
    acknowledged = await asyncio.to_thread(insert_until_killed)
    async with asyncio.timeout(20):
        while shop._process.pid in (pid, None):
            await asyncio.sleep(0.02)
    await shop.ready()
    (rows,) = (await asyncio.to_thread(query, shop, "SELECT COUNT(*) FROM shop.orders"))[0]
    assert rows >= acknowledged >= 400


async def test_settings_hold_from_the_start_and_may_change_while_it_runs(tmp_path: Path, mariadb_cache: Path) -> None:
    database = server(tmp_path, mariadb_cache, settings={"max_connections": "77", "time_zone": "+02:00"})
    await database.create("admin", PASSWORD)
    async with running(database):
        asked = "SELECT @@global.max_connections, @@global.time_zone, @@global.long_query_time"
        assert await asyncio.to_thread(query, database, asked) == [(77, "+02:00", 10.0)]
        await database.apply({"max_connections": "88", "long_query_time": "3"})
        assert await asyncio.to_thread(query, database, asked) == [(88, "+00:00", 3.0)]


async def test_a_setting_that_the_server_refuses_leaves_it_lost_with_the_servers_words(
    tmp_path: Path, mariadb_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BACKOFF_FIRST_S", 0.001)
    database = server(tmp_path, mariadb_cache, settings={"no_such_setting": "1"})
    await database.create("admin", PASSWORD)
    async with asyncio.TaskGroup() as tasks:
        database.start(tasks)
        with pytest.raises(EngineLost):
            await database.ready()
        assert "no_such_setting" in database.last_words() or "no-such-setting" in database.last_words()
        await database.stop()


async def test_a_data_directory_with_a_long_name_works(tmp_path: Path, mariadb_cache: Path) -> None:
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    database = server(folder, mariadb_cache)
    await database.create("admin", PASSWORD)
    async with running(database):
        assert await asyncio.to_thread(query, database, "SELECT 1") == [(1,)]


async def test_the_engine_describes_its_own_settings(mariadb_cache: Path) -> None:
    described = {variable.name: variable for variable in await variables(mariadb_cache)}
    assert described["max_connections"].default == "200"
    assert described["max_connections"].allowed == "10-100000"
    assert described["max_connections"].dynamic
    assert not described["innodb_log_files_in_group" if "innodb_log_files_in_group" in described else "port"].dynamic


async def test_a_client_that_checks_the_certificate_connects_with_tls(tmp_path: Path, mariadb_cache: Path, certified: Tls) -> None:
    database = MariaDB(tmp_path / "data", *free_address(str(tmp_path), PORT), cache=mariadb_cache, tls=certified)
    await database.create("admin", PASSWORD)
    async with running(database):
        context = ssl.create_default_context(cafile=str(certified.authority))
        ((_, cipher),) = await asyncio.to_thread(query, database, "SHOW STATUS LIKE 'Ssl_cipher'", ssl=context)
        assert cipher


@pytest.mark.slow
def test_mariadb_can_be_brought_without_root_and_says_so_first(tmp_path: Path) -> None:
    said: list[str] = []
    fetch(said.append, tmp_path)
    assert "mariadb-server-core" in said[0]
    assert (tmp_path / "mariadb" / "usr" / "sbin" / "mariadbd").exists()
    programs = find(tmp_path)
    assert programs is not None
    assert "MariaDB" in programs.version()
