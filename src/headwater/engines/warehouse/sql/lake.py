"""What the SQL engine asks of the lake: the data catalog's databases and tables, and the files behind an S3 prefix.

The lake is reached through this protocol so that the SQL engine can be tested on a local folder and knows no AWS API.
Each call may block: sessions run in worker threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec


class LakeError(Exception):
    """The lake refused, in AWS's own code and words (`AccessDenied`, `EntityNotFoundException`, `NoSuchBucket` …)."""

    def __init__(self, code: str, message: str, status: int = 400, request_id: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


class RoleRefused(LakeError):
    """The warehouse may not take on the role: Redshift's own sentence, whatever it was wanted for."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDenied", message, 403)


class LakeFile(msgspec.Struct, frozen=True, kw_only=True):
    """One S3 object, readable as a plain file; one that does not stand on the disk in the clear has to be fetched first."""

    path: Path
    key: str
    size: int
    fetch: Callable[[Path], None] | None = None
    """Writes what is read over HTTP into a file. `LakeError` where it may not be read."""


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One partition of an external table: its key values as text, in the order of the table's partition keys."""

    values: tuple[str, ...]
    location: str


class ExternalTable(msgspec.Struct, frozen=True, kw_only=True):
    """What the data catalog says of a table. Types are Hive's (`int`, `string`, `varchar(10)`, `decimal(10,2)`)."""

    name: str
    columns: tuple[tuple[str, str], ...]
    partition_keys: tuple[tuple[str, str], ...] = ()
    location: str = ""
    input_format: str = ""
    output_format: str = ""
    serde: str = ""
    serde_parameters: dict[str, str] = msgspec.field(default_factory=dict)
    table_parameters: dict[str, str] = msgspec.field(default_factory=dict)
    compressed: bool = False


class Lake(Protocol):
    """The data catalog and S3. Every refusal is a `LakeError`; what is not there is None, False or empty."""

    def under(self, role_arn: str) -> Lake:
        """This lake with its data catalog asked under a role; as for files, it may be `default`."""
        ...

    def database(self, name: str) -> bool:
        """Whether the data catalog has this database."""
        ...

    def create_database(self, name: str) -> None: ...

    def table(self, database: str, name: str) -> ExternalTable | None: ...

    def create_table(self, database: str, table: ExternalTable) -> None: ...

    def drop_table(self, database: str, name: str) -> None: ...

    def tables(self, database: str) -> Sequence[ExternalTable]: ...

    def add_partition(self, database: str, table: str, partition: Partition) -> None:
        """`LakeError("AlreadyExistsException", …)` when its values are there already."""
        ...

    def drop_partition(self, database: str, table: str, values: Sequence[str]) -> None: ...

    def partitions(self, database: str, table: str) -> Sequence[Partition]: ...

    def files(self, bucket: str, prefix: str, role_arn: str) -> Sequence[LakeFile]:
        """All objects whose key begins with `prefix`, in key order. `role_arn` may be `default`: the cluster's default role."""
        ...

    def write(self, bucket: str, key: str, path: Path, role_arn: str) -> None:
        """Put the file at `path` into the bucket (UNLOAD)."""
        ...
