"""SQL that calls Lambda functions, in a real MariaDB with our library, at our door.

Truth: the Aurora User Guide ("Invoking a Lambda function from an Amazon Aurora MySQL DB cluster"), scenario S11, and for what happens to
a row whose call fails, S11's failure cases. The error number 1873 is from memory of Aurora's own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from headwater.engines.addresses import free_address
from headwater.engines.database import SqlFailed
from headwater.engines.mariadb import MariaDB
from headwater.engines.mariadb_lambda import library
from headwater.engines.mariadb_lambda.door import LambdaDoor
from headwater.engines.mariadb_lambda.library import FLAGS, SOURCE

ARN = "arn:aws:lambda:us-east-1:123456789012:function:CDCFromAuroraToKinesis"
GONE = "arn:aws:lambda:us-east-1:123456789012:function:gone"
PASSWORD = "secret99"

TABLE = """CREATE TABLE Sales (InvoiceID int NOT NULL AUTO_INCREMENT, ItemID int NOT NULL, Category varchar(255), Price double(10,2),
  Quantity int not NULL, OrderDate timestamp, PRIMARY KEY (InvoiceID))"""
PROCEDURE = f"""CREATE PROCEDURE CDC_TO_FIREHOSE (IN ItemID VARCHAR(255), IN Category varchar(255), IN Price double(10,2),
  IN Quantity int(11), IN OrderDate timestamp) LANGUAGE SQL
BEGIN
  CALL mysql.lambda_async('{ARN}', CONCAT('{{ "ItemID" : "', ItemID, '", "Category" : "', Category, '", "Price" : "', Price,
    '", "Quantity" : "', Quantity, '", "OrderDate" : "', OrderDate, '"}}'));
END"""
TRIGGER = """CREATE TRIGGER TR_Sales_CDC AFTER INSERT ON Sales FOR EACH ROW
BEGIN
  SELECT NEW.ItemID, NEW.Category, New.Price, New.Quantity, New.OrderDate INTO @ItemID, @Category, @Price, @Quantity, @OrderDate;
  CALL CDC_TO_FIREHOSE(@ItemID, @Category, @Price, @Quantity, @OrderDate);
END"""
INSERT = "INSERT INTO Sales (ItemID, Category, Price, Quantity, OrderDate) VALUES (%s, %s, %s, %s, %s)"
GARDEN = (1, "Garden", 10, 2, "2016-01-05")


class Function:
    """The Lambda side: remembers its calls, and can be slow, missing or silent."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes, bool]] = []
        self.pause_s = 0.0
        self.at_once = 0
        self.at_once_max = 0

    async def invoke(self, arn: str, payload: bytes, sync: bool) -> bytes:
        if arn == GONE:
            raise LookupError(f"ResourceNotFoundException: Function not found: {arn}")
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(self.pause_s)
        self.at_once -= 1
        self.calls.append((arn, payload, sync))
        return payload.upper() if sync else b""


class House:
    def __init__(self, database: MariaDB, door: LambdaDoor, function: Function, tasks: asyncio.TaskGroup) -> None:
        self.database = database
        self.door = door
        self.function = function
        self.tasks = tasks

    def connect(self, **options: Any) -> Any:
        login = {"user": "admin", "password": PASSWORD, "database": "shop", "autocommit": True} | options
        return pymysql.connect(host=self.database.host, port=self.database.port, **login)

    async def sql(self, *statements: str, **options: Any) -> list[tuple[Any, ...]]:
        def run() -> list[tuple[Any, ...]]:
            with self.connect(**options) as connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())

        return await asyncio.to_thread(run)


@pytest.fixture
async def house(tmp_path: Path, mariadb_cache: Path) -> AsyncIterator[House]:
    host, port = free_address(str(tmp_path), 33062)
    database = MariaDB(tmp_path / "data", host, port, cache=mariadb_cache)
    await database.create("admin", PASSWORD, "shop")
    function = Function()
    door = LambdaDoor(database.door, function.invoke)
    async with asyncio.TaskGroup() as tasks:
        await door.open(tasks)
        database.start(tasks)
        await database.ready()
        yield House(database, door, function, tasks)
        await database.stop()
        await door.close()


FORMS = {
    "the native function": f"SELECT lambda_async('{ARN}', '{{}}')",
    "the native function into a variable": f"SELECT lambda_async('{ARN}', '{{}}') INTO @answer",
    "an assignment": f"SET @answer = lambda_async('{ARN}', '{{}}')",
    "the procedure": f"CALL mysql.lambda_async('{ARN}', '{{}}')",
}


async def test_each_asynchronous_form_calls_from_any_database_or_none(house: House) -> None:
    await house.sql("CREATE DATABASE elsewhere")
    for name in (None, "elsewhere", "shop"):
        for form in FORMS.values():
            await house.sql(form, database=name)
    assert house.function.calls == [(ARN, b"{}", False)] * len(FORMS) * 3


async def test_lambda_sync_returns_the_functions_answer(house: House) -> None:
    assert await house.sql(f"SELECT lambda_sync('{ARN}', '{{\"größe\": 1}}')") == [('{"größe": 1}'.encode().upper(),)]
    big = "x" * 300_000
    assert await house.sql(f"SELECT lambda_sync('{ARN}', '{big}')") == [(big.upper().encode(),)]
    assert await house.sql("SELECT 1 + 1") == [(2,)]


async def test_each_row_of_a_query_is_a_call_of_its_own(house: House) -> None:
    asked = f"SELECT lambda_sync('{ARN}', CONCAT('a', n)) FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) AS numbers"
    assert await house.sql(asked) == [(b"A1",), (b"A2",), (b"A3",)]


async def test_the_posts_trigger_calls_once_for_each_row(house: House) -> None:
    await house.sql(TABLE, PROCEDURE, TRIGGER)
    await house.sql(INSERT % ("1", "'Garden'", "10", "2", "'2016-01-05'"))
    ((arn, payload, sync),) = house.function.calls
    assert (arn, sync) == (ARN, False)
    expected = {"ItemID": "1", "Category": "Garden", "Price": "10.00", "Quantity": "2", "OrderDate": "2016-01-05 00:00:00"}
    assert json.loads(payload) == expected


async def test_an_insert_of_ten_thousand_rows_calls_ten_thousand_times_and_a_rollback_does_not_undo_them(house: House) -> None:
    await house.sql(TABLE, PROCEDURE, TRIGGER)

    def insert() -> tuple[int, int]:
        with house.connect(autocommit=False) as connection, connection.cursor() as cursor:
            cursor.executemany(INSERT, [(number, *GARDEN[1:]) for number in range(10_000)])
            calls = len(house.function.calls)
            connection.rollback()
            cursor.execute("SELECT COUNT(*) FROM Sales")
            return calls, cursor.fetchone()[0]

    assert await asyncio.to_thread(insert) == (10_000, 0)
    assert [json.loads(payload)["ItemID"] for _, payload, _ in house.function.calls] == [str(number) for number in range(10_000)]


async def test_update_and_delete_fire_with_triggers_of_their_own(house: House) -> None:
    await house.sql(TABLE)
    for event, row in (("UPDATE", "NEW"), ("DELETE", "OLD")):
        action = f"SELECT lambda_async('{ARN}', CONCAT('{event} ', {row}.ItemID)) INTO @answer"
        await house.sql(f"CREATE TRIGGER after_{event} AFTER {event} ON Sales FOR EACH ROW {action}")
    await house.sql(INSERT % ("1", "'Garden'", "10", "2", "'2016-01-05'"), "UPDATE Sales SET ItemID = 2", "DELETE FROM Sales")
    assert [payload for _, payload, _ in house.function.calls] == [b"UPDATE 2", b"DELETE 2"]


FAILING = {
    "the native function": f"SELECT lambda_async('{GONE}', '{{}}') INTO @answer",
    "the synchronous one": f"SET @answer = lambda_sync('{GONE}', '{{}}')",
    "the procedure": f"CALL mysql.lambda_async('{GONE}', '{{}}')",
}


@pytest.mark.parametrize("call", FAILING.values(), ids=FAILING)
async def test_a_call_that_fails_fails_the_insert_and_names_the_function_and_the_cause(house: House, call: str) -> None:
    await house.sql(TABLE, f"CREATE TRIGGER failing AFTER INSERT ON Sales FOR EACH ROW {call}")
    with pytest.raises(pymysql.err.OperationalError) as failure:
        await house.sql(INSERT % ("1", "'Garden'", "10", "2", "'2016-01-05'"))
    assert failure.value.args[0] == 1873
    assert failure.value.args[1] == f"Lambda API returned error: ResourceNotFoundException: Function not found: {GONE}"
    assert await house.sql("SELECT COUNT(*) FROM Sales") == [(0,)]


async def test_a_null_in_a_column_is_an_invalid_payload_and_the_row_is_not_there(house: House) -> None:
    await house.sql(TABLE, PROCEDURE, TRIGGER)
    with pytest.raises(pymysql.err.OperationalError, match="payload is NULL") as failure:
        await house.sql(INSERT % ("1", "NULL", "10", "2", "'2016-01-05'"))
    assert ARN in failure.value.args[1]
    assert await house.sql("SELECT COUNT(*) FROM Sales") == [(0,)]
    assert house.function.calls == []


async def test_a_handler_in_sql_may_catch_the_failure(house: House) -> None:
    caught = f"""CREATE PROCEDURE careful() BEGIN
      DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET @caught = 1;
      CALL mysql.lambda_async('{GONE}', '{{}}'); SELECT @caught; END"""
    await house.sql(caught)
    assert await house.sql("CALL careful()") == [(1,)]


async def test_the_wrong_number_of_arguments_is_refused(house: House) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="a function's ARN and a payload"):
        await house.sql(f"SELECT lambda_async('{ARN}')")


async def test_slow_functions_of_many_connections_run_at_the_same_time(house: House) -> None:
    house.function.pause_s = 0.3
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(8):
            tasks.create_task(house.sql(f"SELECT lambda_sync('{ARN}', '{number}')"))
    assert house.function.at_once_max >= 4  # as many as the threads of this test's own pool let through
    assert time.monotonic() - began < 8 * 0.3


async def test_a_call_waits_for_a_door_that_opens_again(house: House) -> None:
    connection = await asyncio.to_thread(house.connect)
    cursor = connection.cursor()
    await asyncio.to_thread(cursor.execute, FORMS["an assignment"])
    await house.door.close()
    waiting = threading.Thread(target=cursor.execute, args=(FORMS["an assignment"],))
    waiting.start()
    await asyncio.sleep(0.3)
    assert waiting.is_alive()
    await house.door.open(house.tasks)
    await asyncio.to_thread(waiting.join)
    connection.close()
    assert len(house.function.calls) == 2


async def test_a_synchronous_call_whose_answer_was_lost_fails_and_is_not_sent_again(house: House) -> None:
    house.function.pause_s = 60

    async def ask() -> str:
        with pytest.raises(pymysql.err.OperationalError) as failure:
            await house.sql(f"SELECT lambda_sync('{ARN}', '1')")
        return str(failure.value)

    call = house.tasks.create_task(ask())
    while not house.function.at_once:
        await asyncio.sleep(0.01)
    await house.door.close()
    house.function.pause_s = 0
    await house.door.open(house.tasks)
    assert "Headwater does not answer" in await call
    assert house.function.calls == []


async def test_a_killed_query_stops_waiting_for_its_function(house: House) -> None:
    house.function.pause_s = 60
    connection = await asyncio.to_thread(house.connect)
    failures: list[Exception] = []

    def wait() -> None:
        try:
            connection.cursor().execute(f"SELECT lambda_sync('{ARN}', '1')")
        except pymysql.MySQLError as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not house.function.at_once:
        await asyncio.sleep(0.01)
    await house.sql(f"CALL mysql.rds_kill_query({connection.thread_id()})")
    await asyncio.to_thread(waiting.join, 3)
    assert not waiting.is_alive()
    assert "interrupted" in str(failures[0])
    connection.close()


async def test_a_machine_that_cannot_have_the_library_has_a_database_all_the_same(
    tmp_path: Path, mariadb_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.platform, "machine", lambda: "riscv128")
    monkeypatch.setattr(library.shutil, "which", lambda name: None if name in ("cc", "gcc", "clang") else name)
    assert "riscv128" in str(library.missing())
    database = MariaDB(tmp_path / "data", *free_address(str(tmp_path), 33062), cache=mariadb_cache)
    await database.create("admin", PASSWORD, "shop")
    async with asyncio.TaskGroup() as tasks:
        database.start(tasks)
        await database.ready()
        with pytest.raises(SqlFailed, match="does not exist"):
            await database.execute(f"SELECT lambda_async('{ARN}', '')")
        await database.stop()


def test_a_machine_that_the_library_is_not_shipped_for_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_shipped_here", lambda: b"")
    assert (library.plugin_folder(tmp_path) / library.NAME).read_bytes().startswith(b"\x7fELF")


def test_the_library_compiles_without_a_warning_where_a_compiler_is(tmp_path: Path) -> None:
    built = subprocess.run(
        ["cc", "-Werror", *FLAGS, str(SOURCE), "-o", str(tmp_path / "l.so")], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
