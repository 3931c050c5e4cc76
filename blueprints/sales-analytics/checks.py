"""What must be true at the end, in cents and never as floats."""

import gzip
from collections import Counter
from collections.abc import Iterable
from typing import Any

from architecture import BUCKET, DATABASE, USER, WAREHOUSE

Totals = dict[str, dict[str, int]]

CENTS = "sum(cast(round(price * 100) as bigint) * quantity)"
MYSQL_GROUPS = {
    "season": "elt(month(OrderDate) % 12 div 3 + 1, 'Winter', 'Spring', 'Summer', 'Fall')",
    "weekday": "dayname(OrderDate)",
    "month": "month(OrderDate)",
}
REDSHIFT_GROUPS = {"season": "d_season", "weekday": "d_dayofweek", "month": "d_monthnum"}


class Lake:
    """The lines that Firehose has delivered; each object is read once."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._read: set[str] = set()
        self.lines: Counter[str] = Counter()

    def look(self, wanted: Counter[str]) -> int:
        """Read what is new; how many of the wanted lines are there now."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="CDC/"):
            for item in page.get("Contents", []):
                if item["Key"] not in self._read:
                    body = self._s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
                    self.lines.update(gzip.decompress(body).decode().splitlines())
                    self._read.add(item["Key"])
        return wanted.total() - (wanted - self.lines).total()

    @property
    def objects(self) -> int:
        return len(self._read)


def rows_in_mysql(database: Any) -> Counter[str]:
    """Every row of Sales as the line that the function writes."""
    with database.cursor() as cursor:
        cursor.execute("SELECT ItemID, Category, Price, Quantity, OrderDate, DestinationState, ShippingType, Referral FROM Sales")
        return Counter(f"{row[0]},{row[1]},{row[2]:.2f},{row[3]},{row[4]:%Y-%m-%d %H:%M:%S},{row[5]},{row[6]},{row[7]}" for row in cursor)


def totals_in_mysql(database: Any) -> Totals:
    """Totals by season, weekday and month, in cents, as MariaDB computes them."""
    totals: Totals = {}
    with database.cursor() as cursor:
        for name, group in MYSQL_GROUPS.items():
            cursor.execute(f"SELECT {group}, sum(cast(round(Price * 100) as signed) * Quantity) FROM Sales GROUP BY 1")
            totals[name] = {str(key): int(cents) for key, cents in cursor}
    return totals


JOINED = (
    "from spectrum_schema.ecommerce_sales join date_dimension on spectrum_schema.ecommerce_sales.orderdate = date_dimension.d_prettydate"
)


def totals_in_redshift(warehouse: Any) -> Totals:
    """The same as Redshift computes them, from the files in S3 joined with the date dimension."""
    totals: Totals = {}
    for name, group in REDSHIFT_GROUPS.items():
        rows = warehouse.execute(f"select date_dimension.{group}, {CENTS} {JOINED} group by 1").fetchall()
        totals[name] = {str(key): int(cents) for key, cents in rows}
    return totals


def orders_without_a_date(warehouse: Any) -> int:
    """Orders in the lake that find no row of the date dimension."""
    everything = warehouse.execute("select count(*) from spectrum_schema.ecommerce_sales").fetchone()[0]
    joined = warehouse.execute(f"select count(*) {JOINED}").fetchone()[0]
    return int(everything) - int(joined)


def through_the_data_api(aws: Any, statement: str) -> list[list[Any]]:
    """The same warehouse asked through the Redshift Data API."""
    import time

    api = aws.client("redshift-data")
    asked = api.execute_statement(ClusterIdentifier=WAREHOUSE, Database=DATABASE, DbUser=USER, Sql=statement)["Id"]
    while (said := api.describe_statement(Id=asked))["Status"] not in {"FINISHED", "FAILED", "ABORTED"}:
        time.sleep(0.05)
    if said["Status"] != "FINISHED":
        raise RuntimeError(said.get("Error", said["Status"]))
    return [[next(iter(field.values())) for field in record] for record in api.get_statement_result(Id=asked)["Records"]]


def differences(wanted: Counter[str], found: Counter[str], at_least_once: bool) -> tuple[int, int]:
    """(missing, repeated or foreign) lines. After a kill an acknowledged row may arrive again; it may never be missing."""
    missing = (wanted - found).total()
    surplus = (found - wanted).total()
    foreign = sum(count for line, count in (found - wanted).items() if line not in wanted)
    return missing, (foreign if at_least_once else surplus)


def in_order(totals: dict[str, int], names: Iterable[str]) -> dict[str, int]:
    return {name: totals[name] for name in names if name in totals}
