"""Post 4 end to end: a database's credential rotates, and the application that logs in with it never notices.

For each engine: an application opens 50 connections a second, rotation is switched on with one command and rotates at once, 60 days pass
and it rotates again. Then the post's other promises, one by one. Exits non-zero when a request failed or any check does not hold.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import chart
import credentials
import figures
from credentials import Case
from rich.console import Console
from rich.markup import escape

import promises
from headwater.cli.serving import end_server, ensure_server
from headwater.cli.up import default_home
from load import Load

RATE = 50
SETTLE_S = 1.0
"""How long the application is watched before, between and after the rotations."""
PASSWORD_LENGTH = 32
say = Console(highlight=False, emoji=False)


class Run:
    """One run, and what went wrong in it."""

    def __init__(self) -> None:
        self.aws = credentials.session()
        self.failures: list[str] = []
        self.figures: list[figures.Figures] = []

    def check(self, holds: bool, words: str) -> bool:
        say.print(f"  [green]✓[/] {escape(words)}" if holds else f"  [red]✗ {escape(words)}[/]", soft_wrap=True)
        if not holds:
            self.failures.append(words)
        return holds


def main() -> int:
    options = flags().parse_args()
    cases = chosen(options)
    if options.home is not None:
        os.environ["HEADWATER_HOME"] = str(options.home)
    own_server = ensure_server()
    run = Run()
    started = time.perf_counter()
    try:
        everything(run, cases, keep=options.keep)
    finally:
        if own_server and not options.keep:
            end_server()
    if run.failures:
        say.print(f"\n[red bold]{len(run.failures)} checks failed.[/]")
        return 1
    say.print(f"\n[green bold]Every check holds.[/]  {time.perf_counter() - started:.1f} s")
    return 0


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headwater try rotating-credentials", description=__doc__, allow_abbrev=False)
    parser.add_argument("--engine", choices=["mysql", "postgres", "aurora-mysql", "aurora-postgresql"], help="this engine alone")
    parser.add_argument("--users", choices=["single", "alternating"], help="this way alone")
    parser.add_argument("--all", action="store_true", help="all four engines, both ways")
    parser.add_argument("--keep", action="store_true", help="leave the last case standing, and the server up")
    parser.add_argument("--home", type=Path, help="the server's folder (default HEADWATER_HOME or ~/.headwater)")
    return parser


def chosen(options: argparse.Namespace) -> list[Case]:
    """Without a word MySQL with a single user, which is the post's, and PostgreSQL with alternating ones."""
    if not (options.engine or options.users or options.all):
        return [Case("mysql", "single"), Case("postgres", "alternating")]
    return [
        case for case in credentials.CASES if case.engine == (options.engine or case.engine) and case.users == (options.users or case.users)
    ]


def everything(run: Run, cases: list[Case], *, keep: bool) -> None:
    say.print("\n[bold]Post 4: credentials that rotate[/]  Secrets Manager · RDS · Lambda · IAM · KMS")
    for case in cases:
        rotate_under_load(run, case)
        if case == cases[-1]:
            say.print("\n[bold]The post's other promises[/]")
            promises.check_all(run, case)
        if not (keep and case == cases[-1]):
            credentials.tear_down(run.aws, case)
    path = default_home() / "charts" / "rotating-credentials.html"
    chart.page(path, run.figures)
    say.print(f"\nThe picture: [link={path.as_uri()}]{path}[/link]  (headwater open)")


def rotate_under_load(run: Run, case: Case) -> None:
    """One case: rotated at once, and again after 60 days, while the application works."""
    started = time.perf_counter()
    say.print(f"\n[bold]{case.title}[/]")
    credentials.tear_down(run.aws, case)
    first = credentials.build(run.aws, case)
    program = "MariaDB" if case.is_mysql else "PostgreSQL"
    say.print(f"  a real {program} at {first['host']}:{first['port']}; {case.secret} has its user {first['username']}", soft_wrap=True)
    described = run.aws.client("secretsmanager").describe_secret(SecretId=case.secret)
    run.check("RotationEnabled" not in described, "the secret does not rotate yet")
    keys = credentials.build_role(run.aws, case.secret)
    with tempfile.TemporaryDirectory() as folder, Load(case.secret, keys, Path(folder) / "requests", RATE) as load:
        say.print(f"  [dim]the application opens {RATE} connections a second, under {credentials.ROLE}[/]")
        time.sleep(SETTLE_S)
        rotations = [at_once(run, case, first), after_sixty_days(run, case)]
    told = figures.Figures(case.title, load.requests, rotations, time.perf_counter() - started)
    run.figures.append(told)
    report(run, case, told)


def at_once(run: Run, case: Case, first: dict[str, Any]) -> figures.Rotation:
    """One command does what the console does."""
    words = ["secrets", "rotate", case.secret, "--every", f"{credentials.DAYS}d", "--region", credentials.REGION]
    words += ["--using", case.superuser_secret] if case.is_alternating else []
    say.print(f"  [bold]$ headwater {' '.join(words)}[/]", soft_wrap=True)
    started = time.perf_counter()
    code, said = credentials.headwater(*words)
    say.print("\n".join(f"    {escape(line.strip())}" for line in said.splitlines()), soft_wrap=True)
    if not run.check(code == 0, f"rotation is on, and rotated at once ({time.perf_counter() - started:.1f} s)"):
        raise SystemExit(1)
    time.sleep(SETTLE_S)
    return rotated(run, case, first, "rotated at once")


def after_sixty_days(run: Run, case: Case) -> figures.Rotation:
    secrets = run.aws.client("secretsmanager")
    before = credentials.current_version(secrets.describe_secret(SecretId=case.secret))
    values = credentials.values_of(run.aws, case.secret)
    say.print(f"  [bold]$ headwater clock advance {credentials.DAYS}d[/]")
    credentials.clock(advance_s=credentials.DAYS * 86_400)
    credentials.moved(run.aws, case.secret, before)
    run.check(True, "60 days later it has rotated by itself")
    time.sleep(SETTLE_S)
    return rotated(run, case, values, "rotated after 60 days")


def rotated(run: Run, case: Case, before: dict[str, Any], what: str) -> figures.Rotation:
    """The rotation's outcome: in the database, in the secret's versions, in its description."""
    secrets = run.aws.client("secretsmanager")
    described = secrets.describe_secret(SecretId=case.secret)
    after = credentials.values_of(run.aws, case.secret)
    password = after["password"]
    run.check(len(password) == PASSWORD_LENGTH and password != before["password"], f"a new password of {len(password)} characters")
    run.check(credentials.logs_in(after), f"the database takes the new one, as {after['username']}")
    if case.is_alternating:
        other = after["username"] != before["username"] and credentials.logs_in(before)
        run.check(other, f"{before['username']} may still log in with the previous one")
    else:
        run.check(not credentials.logs_in(before), "the database refuses the old one")
    stages = {stage: version for version, held in described["VersionIdsToStages"].items() for stage in held}
    run.check(set(stages) >= {"AWSCURRENT", "AWSPREVIOUS"}, " · ".join(f"{stage} {stages[stage][:8]}" for stage in sorted(stages)))
    since = described["NextRotationDate"] - described["LastRotatedDate"]
    dates = f"last {described['LastRotatedDate']:%Y-%m-%d %H:%M:%S}, next by {described['NextRotationDate']:%Y-%m-%d %H:%M:%S}"
    run.check(described["RotationEnabled"] and credentials.DAYS <= since.days + 1 <= credentials.DAYS + 1, f"RotationEnabled, {dates}")
    function = described["RotationLambdaARN"].rpartition(":")[2]
    return figures.rotation_of(run.aws, function, stages["AWSCURRENT"], what)


def report(run: Run, case: Case, told: figures.Figures) -> None:
    """What the application saw."""
    for request in told.failed[:3]:
        say.print(f"  [red]{escape(str(request.failure))}[/]", soft_wrap=True)
    chart.timeline(say, told)
    run.check(not told.failed, f"requests failed: {len(told.failed)} of {len(told.requests):,} ({told.rate:.0f} a second)")
    if case.is_alternating:
        run.check(not told.refused, f"logins refused: {len(told.refused)}")
    else:
        windows = ", ".join(f"{len(told.refused_in(each))} in {each.window_ms:.0f} ms" for each in told.rotations)
        say.print(f"  single logins refused: {len(told.refused)}, between the new password and AWSCURRENT: {windows}", soft_wrap=True)
        run.check(not told.unexplained, "and none at any other time")
    say.print(f"  [dim]a request took {told.median_ms:.1f} ms (median), {told.longest_ms:.0f} ms at most; the case {told.seconds:.1f} s[/]")


if __name__ == "__main__":
    sys.exit(main())
