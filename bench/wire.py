"""How fast a million rows leave the warehouse over the PostgreSQL wire, against DuckDB writing the same rows as CSV.

The client only counts bytes, so that the server is what is measured. Printed are ratios of one run: the wire's time over the
CSV's, for text and binary formats, and by how much the server's memory grew while it streamed.
Run: `PYTHONPATH=src python bench/wire.py [--rows N]`.
"""

import argparse
import asyncio
import hashlib
import multiprocessing
import os
import resource
import socket
import struct
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater.engines.warehouse import authentication
from headwater.engines.warehouse.server import Server
from headwater.engines.warehouse.sql.session import Database, Session

USER, PASSWORD = "awsuser", "Secret99"
TABLE = "CREATE TABLE million (id INTEGER, name VARCHAR(32), price FLOAT8, total DECIMAL(12,2), sold TIMESTAMP)"
ROWS = """INSERT INTO public.million SELECT range::INT, CASE WHEN range % 7 = 0 THEN NULL ELSE 'item ' || range END,
 range * 1.37::DOUBLE, (range * 1.25)::DECIMAL(12,2), TIMESTAMP '2016-01-01' + to_seconds(range) FROM range({})"""
SELECT = "SELECT id, name, price, total, sold FROM million"
SELECT_BINARY = "SELECT id, name, price, price AS again, sold FROM million"


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Gate:
    def __init__(self, path: Path) -> None:
        self._database = Database(path, 2 << 30, os.cpu_count() or 2)

    def verifiers(self, user: str) -> list[str]:
        return [authentication.verifier(USER, PASSWORD)] if user == USER else []

    def session(self, user: str, dbname: str, pid: int) -> Session:
        lake: Any = None  # nothing here reaches for it
        return self._database.session(user, dbname, lake, Clock(), pid=pid)

    def close(self) -> None:
        self._database.close()


def serve(path: Path, report: Any) -> None:
    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            listener = await Server(Gate(path)).listen(tasks, "127.0.0.1", 0)
            report.send(listener.sockets[0].getsockname()[1])
            await asyncio.Event().wait()  # until it is terminated

    asyncio.run(run())


class Counter:
    """A client that logs in, asks, and counts what comes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._say(b"", struct.pack("!HH", 3, 0) + b"user\0" + USER.encode() + b"\0database\0dev\0\0")
        salt = self._until_ready(b"R")[-4:]
        inner = hashlib.md5((PASSWORD + USER).encode()).hexdigest()
        self._say(b"p", b"md5" + hashlib.md5(inner.encode() + salt).hexdigest().encode() + b"\0")
        self._until_ready(b"Z")

    def _say(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _until_ready(self, kind: bytes) -> bytes:
        heard = self._socket.recv(1 << 16)
        while heard[:1] != kind and b"Z\0\0\0\5I" not in heard[-6:]:
            heard += self._socket.recv(1 << 16)
        return heard

    def count(self, sql: str, *, binary: bool = False) -> int:
        if binary:
            ask = [(b"P", b"\0" + sql.encode() + b"\0\0\0"), (b"B", b"\0\0\0\0\0\0" + struct.pack("!hh", 1, 1))]
            for kind, body in [*ask, (b"E", b"\0\0\0\0\0"), (b"S", b"")]:
                self._say(kind, body)
        else:
            self._say(b"Q", sql.encode() + b"\0")
        total, last = 0, b""
        first = b""
        buffer = bytearray(1 << 20)
        while last != b"Z\0\0\0\5I":
            size = self._socket.recv_into(buffer)
            if size == 0:
                raise ConnectionResetError("the server hung up")
            if not first:
                first = bytes(buffer[:1])
            if first == b"E":
                raise RuntimeError(bytes(buffer[:size]))
            total += size
            last = (last + buffer[:size])[-6:] if size < 6 else bytes(buffer[size - 6 : size])
        return total


def timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def prepare(path: Path, rows: int) -> float:
    """Makes the table as the warehouse's file has it and says how long DuckDB takes to write it as CSV."""
    import duckdb

    gate = Gate(path)
    session = gate.session(USER, "dev", 1)
    for _ in session.execute(TABLE):
        pass
    session.close()
    gate.close()
    with duckdb.connect(str(path)) as plain:
        plain.execute(ROWS.format(rows))
        plain.execute("CHECKPOINT")
        plain.execute("SET search_path = 'public'")
        csv = f"COPY ({SELECT}) TO '{path.with_suffix('.csv')}' (HEADER false)"
        return min(timed(lambda: plain.execute(csv))[0] for _ in range(3))


def peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    rows = options.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        csv_s = prepare(path, rows)
        receiver, sender = multiprocessing.Pipe(duplex=False)
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(path, sender), daemon=True)
        server.start()
        assert server.pid is not None
        client = Counter(receiver.recv())
        client.count("SELECT 1 AS n")
        before = peak_kib(server.pid)
        text_s, text_bytes = min(timed(lambda: client.count(SELECT)) for _ in range(3))
        binary_s, binary_bytes = min(timed(lambda: client.count(SELECT_BINARY, binary=True)) for _ in range(3))
        small_s, _ = timed(lambda: [client.count("SELECT 1 AS n") for _ in range(500)])
        print(f"rows                {rows:,} of five columns, {resource.getpagesize()} byte pages, {os.cpu_count()} CPUs")
        print(f"DuckDB's CSV        {csv_s:.3f} s  1.00x")
        print(f"wire, text          {text_s:.3f} s  {text_s / csv_s:.2f}x  {text_bytes:,} bytes")
        print(f"wire, binary        {binary_s:.3f} s  {binary_s / csv_s:.2f}x  {binary_bytes:,} bytes")
        print(f"peak memory grew    {(peak_kib(server.pid) - before) / 1024:.0f} MiB while streaming")
        print(f"SELECT 1            {500 / small_s:,.0f} a second on one connection")
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
