"""Post 11 end to end: a row in Aurora becomes a bar in a chart.

Two passes over the same architecture: six golden rows whose totals are known by hand, then real orders. Exits non-zero when
any check fails.
"""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

import architecture
import botocore.exceptions
import chart
import checks
import orders
import psycopg
import pymysql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from headwater.cli.serving import end_server, ensure_server

ARRIVAL_S = 120
"""How long no new line may arrive before the pass is given up."""
ROWS = 20_000
GONE = (
    botocore.exceptions.ConnectionError,
    botocore.exceptions.HTTPClientError,
    psycopg.OperationalError,
    pymysql.err.InterfaceError,
    pymysql.err.OperationalError,
)
"""What the clients raise when the server ends under them."""
INSERT = (
    "INSERT INTO Sales (ItemID, Category, Price, Quantity, OrderDate, DestinationState, ShippingType, Referral) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
say = Console(highlight=False)


class Run:
    """One run: its flags, what went wrong, how long each stage took."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.aws = architecture.session()
        self.failures: list[str] = []
        self.facts: list[tuple[str, str]] = []

    def check(self, holds: bool, words: str) -> None:
        say.print(f"  [green]✓[/] {words}" if holds else f"  [red]✗ {words}[/]")
        if not holds:
            self.failures.append(words)

    def stage(self, name: str, started: float, detail: str = "") -> None:
        took = time.perf_counter() - started
        self.facts.append((name, f"{took:.1f} s{', ' + detail if detail else ''}"))
        say.print(f"  [dim]{name}: {took:.1f} s{'  ' + detail if detail else ''}[/]")


def main() -> int:
    options = flags().parse_args()
    if options.home is not None:
        os.environ["HEADWATER_HOME"] = str(options.home)
    own_server = ensure_server()
    run = Run(options)
    try:
        everything(run)
    except GONE as error:
        say.print(f"\n[red bold]The server or an engine of its does not answer any more:[/] {error}")
        say.print("`headwater up --detach` starts it again, and `headwater try sales-analytics --continue` goes on.")
        return 1
    except KeyboardInterrupt:
        say.print("\nStopped. `headwater try sales-analytics --continue` goes on.")
        return 130
    finally:
        if own_server and not options.keep:
            end_server()
    if run.failures:
        say.print(f"\n[red bold]{len(run.failures)} checks failed.[/]")
        return 1
    say.print("\n[green bold]Every check holds.[/]")
    return 0


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headwater try sales-analytics", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=rows_wanted, help="how many of the 69,659 real orders to insert, or `all` (default 20000)")
    parser.add_argument("--keep", action="store_true", help="leave everything standing, and the server up")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="go on where a run was cut off, by kill -9 for example")
    parser.add_argument("--home", type=Path, help="the server's folder (default HEADWATER_HOME or ~/.headwater)")
    return parser


def rows_wanted(text: str) -> int:
    if text == "all":
        return orders.COUNT
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= orders.COUNT):
        raise argparse.ArgumentTypeError(f"{text!r} is neither `all` nor a number from 1 to {orders.COUNT:,}")
    return int(text)


def everything(run: Run) -> None:
    say.print("\n[bold]Post 11: combine transactional and analytical data[/]  Aurora → Lambda → Firehose → S3 → Redshift")
    count = architecture.orders_begun(run.aws) if run.options.go_on else None
    if count is not None:
        say.print("\nGoing on where the last run stopped.")
        run.options.rows = run.options.rows or count
        mysql, redshift = architecture.endpoints_again(run.aws)
    else:
        if run.options.go_on:
            say.print("\nNo run was cut off in its second pass: starting from the beginning.")
            run.options.go_on = False
        mysql, redshift = build(run)
        golden_pass(run, mysql, redshift)
    real_pass(run, mysql, redshift)
    if not run.options.keep and not run.failures:
        started = time.perf_counter()
        architecture.tear_down(run.aws)
        run.stage("clean up", started)


def build(run: Run) -> tuple[tuple[str, int], tuple[str, int]]:
    say.print("\n[bold]Build[/]")
    started = time.perf_counter()
    architecture.tear_down(run.aws)
    architecture.build_stream(run.aws)
    function_arn = architecture.build_function(run.aws)
    mysql = architecture.build_database(run.aws, function_arn)
    redshift = architecture.build_warehouse(run.aws)
    say.print(f"  Aurora MySQL (a real MariaDB) at {mysql[0]}:{mysql[1]}, Redshift at {redshift[0]}:{redshift[1]}")
    run.stage("build the architecture", started)
    return mysql, redshift


def golden_pass(run: Run, mysql: tuple[str, int], redshift: tuple[str, int]) -> None:
    say.print("\n[bold]Pass 1: six golden rows[/]")
    rows = orders.golden()
    insert(run, mysql, rows)
    lake = wait_for_lines(run, rows)
    run.check(
        rows[0].line() == "1,Garden,10.00,2,2016-01-05 00:00:00,WA,Free,Other" and rows[0].line() in lake.lines,
        "the first line is the post's",
    )
    totals = verify(run, mysql, redshift, lake, rows, (2016, 2016))
    for name, wanted in orders.GOLDEN_TOTALS.items():
        run.check(totals[name] == wanted, f"golden totals by {name}")
    show(totals)
    with architecture.redshift(redshift) as warehouse:
        top = warehouse.execute("select top 10 * from spectrum_schema.ecommerce_sales").fetchall()
        run.check(len(top) == len(rows), "SELECT TOP 10 * shows the six rows")
    by_season = {
        season: round(float(cents) * 100) for cents, season in checks.through_the_data_api(run.aws, architecture.script("by_season.sql")[0])
    }
    run.check(by_season == orders.GOLDEN_TOTALS["season"], "the Redshift Data API answers the same")


def real_pass(run: Run, mysql: tuple[str, int], redshift: tuple[str, int]) -> None:
    rows = orders.real(run.options.rows or ROWS)
    say.print(f"\n[bold]Pass 2: {len(rows):,} real orders[/]")
    left = rows
    if run.options.go_on:
        left = not_yet_inserted(rows, mysql)
        say.print(f"  {len(rows) - len(left):,} were acknowledged before; {len(left):,} are left.")
    else:
        empty(run, mysql)
        architecture.remember_orders(run.aws, len(rows))
    insert(run, mysql, left)
    lake = wait_for_lines(run, rows)
    totals = verify(run, mysql, redshift, lake, rows, (1997, 1998))
    if len(rows) == orders.COUNT and not run.options.go_on:
        for name, wanted in orders.ALL_TOTALS.items():
            run.check(totals[name] == wanted, f"the known totals of all orders by {name}")
    show(totals)
    draw(run, totals, len(rows))


def not_yet_inserted(rows: list[orders.Sale], mysql: tuple[str, int]) -> list[orders.Sale]:
    """What the database has not got. Counted, since orders may be exact repeats."""
    with architecture.mysql(mysql) as database:
        there = checks.rows_in_mysql(database)
    left = []
    for row in rows:
        line = row.line()
        if there[line] > 0:
            there[line] -= 1
        else:
            left.append(row)
    return left


def empty(run: Run, mysql: tuple[str, int]) -> None:
    """Clear the golden rows away."""
    with architecture.mysql(mysql) as database, database.cursor() as cursor:
        cursor.execute("TRUNCATE TABLE Sales")
    s3 = run.aws.client("s3")
    keys = [{"Key": item["Key"]} for item in s3.list_objects_v2(Bucket=architecture.BUCKET, Prefix="CDC/").get("Contents", [])]
    s3.delete_objects(Bucket=architecture.BUCKET, Delete={"Objects": keys})


def insert(run: Run, mysql: tuple[str, int], rows: list[orders.Sale]) -> None:
    """One row at a time, each acknowledged before the next."""
    started = time.perf_counter()
    with progress() as bar, architecture.mysql(mysql) as database, database.cursor() as cursor:
        task = bar.add_task("rows inserted", total=len(rows))
        for row in rows:
            cursor.execute(INSERT, row)
            bar.advance(task)
    took = time.perf_counter() - started
    run.stage(f"insert {len(rows):,} rows", started, f"{len(rows) / took:,.0f} rows/s" if rows else "")


def wait_for_lines(run: Run, rows: list[orders.Sale]) -> checks.Lake:
    """Until Firehose has delivered a line for each row; gives up when nothing new arrives for long."""
    wanted = Counter(row.line() for row in rows)
    started = last = time.perf_counter()
    lake = checks.Lake(run.aws.client("s3"))
    with progress() as bar:
        task = bar.add_task("lines in S3", total=len(rows))
        while (there := lake.look(wanted)) < len(rows) and time.perf_counter() - last < ARRIVAL_S:
            if there != bar.tasks[task].completed:
                last = time.perf_counter()
                bar.update(task, completed=there)
            time.sleep(architecture.POLL_S)
        bar.update(task, completed=there)
    if run.options.go_on:
        time.sleep(architecture.FLUSH_S + 1)  # repeats of what was in flight at the kill may still be on their way
        lake.look(wanted)
    run.stage("arrival in S3", started, f"{lake.objects} objects")
    return lake


def verify(
    run: Run, mysql: tuple[str, int], redshift: tuple[str, int], lake: checks.Lake, rows: list[orders.Sale], years: tuple[int, int]
) -> checks.Totals:
    """The checks of both passes; Redshift's totals."""
    started = time.perf_counter()
    wanted = Counter(row.line() for row in rows)
    with architecture.mysql(mysql) as database:
        in_mysql = checks.rows_in_mysql(database)
        mysql_totals = checks.totals_in_mysql(database)
    run.check(in_mysql == wanted, f"MariaDB has the {len(rows):,} rows")
    missing, surplus = checks.differences(in_mysql, lake.lines, at_least_once=run.options.go_on)
    run.check(missing == 0, "no row of MariaDB is missing in S3")
    run.check(surplus == 0, "S3 has no line that MariaDB has not")
    repeats = (lake.lines - in_mysql).total()
    if run.options.go_on:
        say.print(f"  {repeats} lines arrived again: what was in flight at the kill (at least once, as on AWS)")
    name = f"{years[0]}dates" if years[0] == years[1] else f"{years[0]}-{years[1]}dates"
    run.aws.client("s3").put_object(Bucket=architecture.BUCKET, Key=name, Body=orders.dates(*years).encode())
    with architecture.redshift(redshift) as warehouse:
        for statement in architecture.script(
            "warehouse.sql", role_arn=architecture.warehouse_role(run.aws), bucket=architecture.BUCKET, dates=name
        ):
            warehouse.execute(statement)
        run.check(checks.orders_without_a_date(warehouse) == 0, "every order finds its date in the join")
        totals = checks.totals_in_redshift(warehouse)
        run.check(bool(warehouse.execute(architecture.script("by_season.sql")[0]).fetchall()), "the post's query by season answers")
        run.check(bool(warehouse.execute(architecture.script("by_weekday.sql")[0]).fetchall()), "the post's query by weekday answers")
    run.stage("Redshift: load the dates, join, sum", started)
    if repeats and run.options.go_on:
        say.print("  [dim]the totals are not compared: repeated lines are counted as often as they arrived[/]")
        return totals
    for group in totals:
        run.check(
            totals[group] == mysql_totals[group] and bool(totals[group]), f"Redshift's totals by {group} equal MariaDB's, and are not empty"
        )
    return totals


def show(totals: checks.Totals) -> None:
    chart.bars(say, "Total sales by season", checks.in_order(totals["season"], orders.SEASONS))
    chart.bars(say, "Total sales by weekday", by_weekday(totals))


def by_weekday(totals: checks.Totals) -> dict[str, int]:
    import calendar

    return checks.in_order(totals["weekday"], calendar.day_name)


def draw(run: Run, totals: checks.Totals, count: int) -> None:
    months = {chart.MONTHS[int(month) - 1]: cents for month, cents in sorted(totals["month"].items(), key=lambda item: int(item[0]))}
    groups = {
        "Total sales by season": checks.in_order(totals["season"], orders.SEASONS),
        "Total Sales $ by month": months,
        "Total sales by weekday": by_weekday(totals),
    }
    path = charts_folder() / "sales-analytics.html"
    chart.page(path, f"Sales analytics: {count:,} orders", groups, run.facts)
    say.print(f"\nThe charts: [link={path.as_uri()}]{path}[/link]  (headwater open)")


def charts_folder() -> Path:
    from headwater.cli.up import default_home

    return default_home() / "charts"


def progress() -> Progress:
    return Progress(TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=say)


if __name__ == "__main__":
    sys.exit(main())
