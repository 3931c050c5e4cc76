"""The command line: everything but `headwater up` (see main.py)."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Column, Table

from headwater.cli import clock, policies
from headwater.cli import doctor as examination
from headwater.cli.asking import HomeOption, ask, endpoint_of, say
from headwater.cli.run import command
from headwater.cli.secrets import secrets
from headwater.cli.up import up
from headwater.gateway.server import running
from headwater.kernel.condition_keys import known_keys
from headwater.kernel.home import is_held
from headwater.kernel.service import folder_of, room, room_names

app = typer.Typer(
    help="Headwater runs AWS data architectures on this machine, on engines that really run.", no_args_is_help=True, add_completion=False
)
STOP_S: Final = 60
app.command()(policies.why)
app.add_typer(policies.policy, name="policy")
app.add_typer(clock.clock, name="clock")
app.command("run", context_settings={"allow_extra_args": True, "allow_interspersed_args": False})(command.run)
app.add_typer(secrets, name="secrets")


@app.command("up", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def up_command(context: typer.Context) -> None:
    """Run the server (`headwater up --help` shows its flags)."""
    up(context.args)


@app.command()
def down(home: HomeOption) -> None:
    """End the server that runs on this home; its engines end with it."""
    found = running(home)
    if found is None:
        say.print(f"No Headwater runs on {home}.")
        return
    if not _end(found.pid):
        say.print(f"Process {found.pid} has not ended within {STOP_S} s; {home}/log/headwater.log may say why.")
        raise typer.Exit(1)
    say.print("Headwater is down.")


def _end(pid: int) -> bool:
    """Ask the process to end, and wait until it has: woken where the system can (Linux), else by asking again."""
    try:
        if hasattr(os, "pidfd_open"):
            handle = os.pidfd_open(pid)
            os.kill(pid, signal.SIGTERM)
            return bool(select.select([handle], [], [], STOP_S)[0])
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)  # noqa: TID251 - the process is not ours to await, and no time of AWS
    except ProcessLookupError:
        return True
    return False


@app.command()
def status(home: HomeOption, as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")] = False) -> None:
    """What runs: the endpoint, the rooms in use and their engines."""
    answer = ask(endpoint_of(home), "status")
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
        return
    say.print(f"[bold]{answer['endpoint']}[/]  home {answer['home']}  time {answer['now']}")
    table = Table("room", Column("what", overflow="fold"), "state")
    for name, rows in answer["rooms"].items():
        for what, state in (rows or {"": "open"}).items():
            table.add_row(name, what, _in_words(state))
    say.print(table)


def _in_words(state: Any) -> str:
    return "\n".join(f"{key}: {value}" for key, value in state.items()) if isinstance(state, dict) else str(state)


@app.command()
def reset(home: HomeOption, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete everything in this home: data, keys, logs. The server must be down."""
    if is_held(home):
        say.print("A Headwater runs on this home: `headwater down` first.")
        raise typer.Exit(1)
    if not home.exists():
        say.print(f"{home} does not exist.")
        return
    if not (home / "format").exists():
        say.print(f"{home} is not a Headwater home: nothing is deleted.")
        raise typer.Exit(1)
    if not yes and not typer.confirm(f"Delete {home} and everything in it?"):
        raise typer.Exit(1)
    shutil.rmtree(home.resolve())
    say.print(f"{home} is gone.")


@app.command()
def coverage(service: Annotated[str | None, typer.Argument(help="One service, operation by operation.")] = None) -> None:
    """Which operations are built, and which condition keys of policies are honoured, read off the code."""
    if service is not None:
        if service not in room_names():
            say.print(f"{service} has no room yet.")
            raise typer.Exit(1)
        built = room(service).functions
        for name in sorted(room(service).model.operations):
            say.print(f"[green]built[/]    {name}" if name in built else f"[dim]not yet  {name}[/]")
        for key in sorted(room(service).condition_keys):
            say.print(f"[green]key[/]      {key}", highlight=False)
        return
    table = Table("service", "built", "of", "condition keys", "room")
    for name in sorted(room_names()):
        operations = room(name).model.operations
        count = str(len(room(name).functions))  # before its keys: it brings the room's modules in
        table.add_row(name, count, str(len(operations)), str(len(room(name).condition_keys)), f"services/{folder_of(name)}")
    say.print(table)
    say.print(f"Global condition keys that are honoured: {', '.join(known_keys())}.", highlight=False)


@app.command()
def doctor() -> None:
    """What is missing on this machine, and the command that brings it."""
    findings = examination.examine()
    for finding in findings:
        mark = "[green]ok[/]     " if finding.there else "[red]missing[/]" if finding.needed else "[yellow]without[/]"
        say.print(f"{mark} {finding.subject}: {finding.words}", highlight=False, soft_wrap=True)
    if any(finding.needed and not finding.there for finding in findings):
        raise typer.Exit(1)


@app.command()
def setup() -> None:
    """Bring what the engines need and pip cannot bring; said aloud before it happens."""
    examination.install(lambda words: say.print(words, highlight=False))


@app.command()
def ca(home: HomeOption) -> None:
    """The path of the certificate of Headwater's own authority, for clients that check TLS."""
    path = home / "tls" / "authority.pem"
    if not path.exists():
        say.print("No authority yet: it is made with the first engine that offers TLS.")
        raise typer.Exit(1)
    sys.stdout.write(f"{path}\n")


@app.command("try", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def try_command(
    context: typer.Context, blueprint: Annotated[str, typer.Argument(help="A folder of blueprints/, such as sales-analytics.")]
) -> None:
    """Run one of the blueprints end to end (`headwater try NAME --help` shows its flags)."""
    folder = blueprints_folder() / blueprint
    if not (folder / "__main__.py").exists():
        names = ", ".join(sorted(path.parent.name for path in blueprints_folder().glob("*/__main__.py")))
        say.print(f"There is no blueprint {blueprint}. There are: {names}.")
        raise typer.Exit(2)
    raise typer.Exit(subprocess.run([sys.executable, str(folder), *context.args], check=False).returncode)  # noqa: S603 - our own program


def blueprints_folder() -> Path:
    """blueprints/ of the checkout, or those that the wheel brings."""
    shipped = Path(__file__).parents[1] / "blueprints"
    return shipped if shipped.exists() else Path(__file__).parents[3] / "blueprints"


@app.command("open")
def open_command(home: HomeOption) -> None:
    """Show the last chart in the browser."""
    charts = sorted((home / "charts").glob("*.html"), key=lambda path: path.stat().st_mtime)
    if not charts:
        say.print("No chart yet: `headwater try sales-analytics` draws one.")
        raise typer.Exit(1)
    sys.stdout.write(f"{charts[-1]}\n")
    webbrowser.open(charts[-1].as_uri())
