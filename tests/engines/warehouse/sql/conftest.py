"""A database in a temporary folder, and a lake that is a folder beside it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from headwater.engines.warehouse.sql.lake import ExternalTable, LakeError, LakeFile, Partition
from headwater.engines.warehouse.sql.session import Database, Session

ROLE = "arn:aws:iam::123456789012:role/spectrum"
FORBIDDEN = "arn:aws:iam::123456789012:role/forbidden"


class FolderLake:
    """The lake as a folder: a bucket is a folder in it, an object a file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog: dict[str, dict[str, ExternalTable]] = {}
        self.parts: dict[tuple[str, str], list[Partition]] = {}

    def put(self, bucket: str, key: str, body: bytes) -> None:
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def under(self, role_arn: str) -> Self:
        return self

    def database(self, name: str) -> bool:
        return name in self.catalog

    def create_database(self, name: str) -> None:
        self.catalog[name] = {}

    def table(self, database: str, name: str) -> ExternalTable | None:
        return self.catalog.get(database, {}).get(name)

    def create_table(self, database: str, table: ExternalTable) -> None:
        self.catalog[database][table.name] = table

    def drop_table(self, database: str, name: str) -> None:
        del self.catalog[database][name]

    def tables(self, database: str) -> Sequence[ExternalTable]:
        return list(self.catalog.get(database, {}).values())

    def add_partition(self, database: str, table: str, partition: Partition) -> None:
        self.parts.setdefault((database, table), []).append(partition)

    def drop_partition(self, database: str, table: str, values: Sequence[str]) -> None:
        self.parts[database, table] = [each for each in self.parts[database, table] if each.values != tuple(values)]

    def partitions(self, database: str, table: str) -> Sequence[Partition]:
        return self.parts.get((database, table), [])

    def files(self, bucket: str, prefix: str, role_arn: str) -> Sequence[LakeFile]:
        if role_arn == FORBIDDEN:
            raise LakeError("AccessDenied", "User is not authorized to perform: s3:ListBucket", 403, "4B2F")
        folder = self.root / bucket
        if not folder.is_dir():
            raise LakeError("NoSuchBucket", "The specified bucket does not exist", 404)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        keys = [(path, path.relative_to(folder).as_posix()) for path in paths]
        return [LakeFile(path=path, key=key, size=path.stat().st_size) for path, key in keys if key.startswith(prefix)]

    def write(self, bucket: str, key: str, path: Path, role_arn: str) -> None:
        if role_arn == FORBIDDEN:
            raise LakeError("AccessDenied", "User is not authorized to perform: s3:PutObject", 403)
        self.put(bucket, key, path.read_bytes())


class TestClock:
    __test__ = False

    def __init__(self) -> None:
        self.moment = datetime(2016, 3, 1, 12, 30, 45, 123456, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@pytest.fixture
def lake(tmp_path: Path) -> FolderLake:
    (tmp_path / "lake").mkdir()
    return FolderLake(tmp_path / "lake")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / "cluster" / "dev.db", 400_000_000, 2)
    found.set_users({"admin": True, "analyst": False})
    yield found
    found.close()


@pytest.fixture
def session(database: Database, lake: FolderLake, clock: TestClock) -> Iterator[Session]:
    found = database.session("admin", "dev", lake, clock)
    yield found
    found.close()
