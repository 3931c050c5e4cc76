"""One DuckDB file with all that its sessions share: the system views, the committed catalog, plans, the log of queries."""

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.engines.warehouse.sql import catalog, system
from headwater.engines.warehouse.sql.catalog import Catalog, text
from headwater.engines.warehouse.sql.settings import DEFAULTS
from headwater.engines.warehouse.sql.types import KINDS, SqlType, parsed
from headwater.engines.warehouse.type_names import TYPE_NAMES

if TYPE_CHECKING:
    import duckdb

PLANS_MAX: Final = 1000
QUERIES_LOGGED_MAX: Final = 10_000
SCHEMAS: Final = {"pg": "pg_catalog", "info": "information_schema"}
ARRAYS: Final = {"smallint": 1005, "integer": 1007, "oid": 1028, "text": 1009}


class Store:
    """The open file. Connections are cheap; each session has its own."""

    def __init__(self, path: Path, memory_limit_bytes: int, threads: int) -> None:
        import duckdb

        path.parent.mkdir(parents=True, exist_ok=True)
        self.spool = path.parent
        self._root = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{max(memory_limit_bytes // 1_000_000, 64)}MB",
                "threads": threads,
                "temp_directory": str(path.parent / f".{path.name}.tmp"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._root.execute(f"ATTACH {text(str(path))} AS wh")
        self._lock = threading.Lock()
        self._plans: OrderedDict[Hashable, Any] = OrderedDict()
        self._catalog: Catalog | None = None
        self._queries: deque[list[Any]] = deque(maxlen=QUERIES_LOGGED_MAX)
        self.on_lost: Callable[[], None] = lambda: None
        self.version = 0
        self.queries = itertools.count(1)
        self.pids = itertools.count(1)
        self._prepare_catalog()
        self._prepare_system()

    def connect(self) -> "duckdb.DuckDBPyConnection":
        connection = self._root.cursor()
        connection.execute("SET search_path = 'wh.public,memory.main'")
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def close(self) -> None:
        self._root.close()

    def _prepare_catalog(self) -> None:
        self._root.execute("BEGIN")
        self._root.execute(catalog.DEFINITIONS)
        if self._root.execute(f"SELECT count(*) FROM wh.{catalog.HIDDEN}.layout").fetchone() == (0,):
            self._root.execute(f"INSERT INTO wh.{catalog.HIDDEN}.layout VALUES ({catalog.LAYOUT_VERSION})")
            catalog.add_schema(self._root, catalog.Schema(oid=catalog.PUBLIC_OID, name="public", owner="rdsdb"))
        self._root.execute("COMMIT")

    def _prepare_system(self) -> None:
        self._root.execute("SET search_path = 'memory.main'")
        for name in system.FILES:
            self._root.execute(system.text(name))
        self._root.executemany("INSERT INTO memory.main.settings VALUES (?, ?)", list(DEFAULTS.items()))
        self._root.executemany("INSERT INTO memory.main.types VALUES (?, ?, ?, ?, ?, ?, ?)", list(type_rows()))
        self.set_users([("rdsdb", True)])
        self.system: dict[tuple[str, str], Mapping[str, SqlType]] = {}
        self._describe_system("memory", SCHEMAS)
        scratch = self.connect()
        scratch.execute(system.text(system.EXTERNAL_TABLES))
        scratch.execute(system.text(system.EXTERNAL))
        self._describe_external(scratch)
        scratch.close()
        self._list_system()

    def _describe_system(self, database: str, schemas: Mapping[str, str]) -> None:
        rows = self._root.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            f"WHERE database_name = {text(database)} AND schema_name IN {catalog.set_of(schemas)} ORDER BY table_oid, column_index"
        ).fetchall()
        found: dict[tuple[str, str], dict[str, SqlType]] = {}
        for schema, view, column, kind in rows:
            found.setdefault((schemas[schema], view), {})[column] = system_type(column, kind)
        self.system |= found

    def _describe_external(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """The views on the data catalog, which live in each session's own temporary space."""
        self.external_views: set[str] = set()
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE database_name = 'temp' AND NOT internal").fetchall()
        for (view,) in views:
            columns = connection.execute(f'DESCRIBE temp.main."{view}"').fetchall()
            self.system["pg_catalog", view] = {row[0]: system_type(row[0], row[1]) for row in columns}
            self.external_views.add(view)

    def _list_system(self) -> None:
        """Give each system view its place in pg_class and pg_attribute."""
        views, columns = [], []
        for number, ((schema, name), kinds) in enumerate(sorted(self.system.items(), key=lambda item: item[0]), 12000):
            views.append((number, "pg" if schema == "pg_catalog" else "info", name, len(kinds)))
            columns += [
                (number, place, column, kind.oid, kind.typmod, kind.typlen) for place, (column, kind) in enumerate(kinds.items(), 1)
            ]
        rows = ", ".join(f"({oid}, {text(schema)}, {text(name)}, {count})" for oid, schema, name, count in views)
        self._root.execute(f"INSERT INTO memory.main.system_views VALUES {rows}")
        rows = ", ".join(
            f"({oid}, {place}, {text(name)}, {kind}, {typmod}, {typlen})" for oid, place, name, kind, typmod, typlen in columns
        )
        self._root.execute(f"INSERT INTO memory.main.system_columns VALUES {rows}")

    def set_users(self, users: Iterable[tuple[str, bool]]) -> None:
        """The names that pg_user shows, with whether each is a superuser. Passwords are the wire's affair."""
        rows = [(number, name, is_super) for number, (name, is_super) in enumerate(users, 1)]
        with self._lock:
            self._root.execute("DELETE FROM memory.main.users")
            for number, name, is_super in rows:
                self._root.execute("INSERT INTO memory.main.users VALUES (?, ?, ?)", [1 if number == 1 else 98 + number, name, is_super])

    def users(self) -> dict[str, bool]:
        with self._lock:
            return dict(self._root.execute("SELECT name, super FROM memory.main.users ORDER BY id").fetchall())

    def catalog(self) -> tuple[int, Catalog]:
        """The committed catalog, with the number that changes when it does."""
        with self._lock:
            if self._catalog is None:
                self._catalog = catalog.read(self._root)
            return self.version, self._catalog

    def catalog_changed(self) -> None:
        with self._lock:
            self.version += 1
            self._catalog = None
            self._plans.clear()

    def plan(self, key: Hashable) -> Any | None:
        with self._lock:
            found = self._plans.get(key)
            if found is not None:
                self._plans.move_to_end(key)
            return found

    def keep_plan(self, key: Hashable, plan: Any) -> None:
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > PLANS_MAX:
                self._plans.popitem(last=False)

    def remember(self, query: int, pid: int, sql: str, started: datetime, ended: datetime, *, aborted: bool) -> None:
        """Note a query. Written to its table only when somebody looks, since nobody mostly does."""
        self._queries.append([query, pid, sql[:4000], started, ended, int(aborted)])

    def write_queries(self) -> None:
        rows = [self._queries.popleft() for _ in range(len(self._queries))]
        self.log("INSERT INTO memory.main.queries VALUES (?, ?, ?, ?, ?, ?)", rows)

    def log(self, sql: str, rows: list[list[Any]]) -> None:
        """Write to the tables that are kept only while the program runs."""
        with self._lock:
            for row in rows:
                self._root.execute(sql, row)


def system_type(column: str, native: str) -> SqlType:
    """The type of a system view's column: OIDs are of type oid, names of any length."""
    kind = parsed(native)
    if kind.name == "bigint" and (column == "oid" or column.endswith(("relid", "typid", "namespace"))):
        return SqlType("oid")
    return kind


def type_rows() -> Iterable[tuple[int, str, str, int, str, int, int]]:
    categories = {"b": "B", "c": "S", "t": "S", "d": "D", "i": "N", "n": "N", "r": "N", "s": "N"}
    for name, (oid, length, _native) in KINDS.items():
        element = next((KINDS[base][0] for base, array in ARRAYS.items() if array == oid), 0)
        category = "A" if name.endswith("[]") else categories.get(name[0], "U")
        yield oid, TYPE_NAMES.get(name, name), name, length, category, element, ARRAYS.get(name, 0)
