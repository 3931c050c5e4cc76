"""`headwater clock`: AWS time shown, moved, stopped and let go on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from headwater.cli.asking import HomeOption, ask, endpoint_of, say

clock = typer.Typer(
    help="AWS time: schedules, rotation, TTLs, retention and expiry follow it. Moved back, what has run stays done, and what is due "
    "later waits until its time comes round."
)
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


@clock.callback(invoke_without_command=True)
def _clock(
    context: typer.Context, home: HomeOption, advance: Annotated[str | None, typer.Option(help="The same as the verb.", hidden=True)] = None
) -> None:
    if context.invoked_subcommand is None:
        _move(home, {"advance_s": _duration(advance).total_seconds()} if advance else None)


@clock.command("show")
def _show(home: HomeOption) -> None:
    """What time it is in AWS."""
    _move(home, None)


@clock.command("advance")
def _advance(by: Annotated[str, typer.Argument(help="90s, 15m, 3h, 60d, 2w, or 1d12h.")], home: HomeOption) -> None:
    """Move AWS time forward: what becomes due runs."""
    _move(home, {"advance_s": _duration(by).total_seconds()})


@clock.command("set")
def _set(
    to: Annotated[str, typer.Argument(help="2027-03-01T03:00:00Z, or a day; UTC unless it says otherwise.")], home: HomeOption
) -> None:
    """Let it be this moment, before or behind."""
    _move(home, {"set": _moment(to)})


@clock.command("freeze")
def _freeze(home: HomeOption) -> None:
    """Stop AWS time: it stands until it is moved or resumed."""
    _move(home, {"freeze": True})


@clock.command("resume")
def _resume(home: HomeOption) -> None:
    """Let a stopped time go on from where it stands."""
    _move(home, {"resume": True})


@clock.command("reset")
def _reset(home: HomeOption) -> None:
    """Back to the machine's time."""
    _move(home, {"reset": True})


def _move(home: Any, body: dict[str, Any] | None) -> None:
    answer = ask(endpoint_of(home), "clock", body)
    stands = "  frozen" if answer["frozen"] else ""
    say.print(f"{answer['now']}  ({answer['offset_s']:+.0f} s from the machine's time){stands}")


def _duration(text: str) -> timedelta:
    if text.startswith("-"):
        raise typer.BadParameter("time moves forward here: `headwater clock set` moves it back")
    parts = PART.findall(text)
    try:
        if parts and "".join(number + unit for number, unit in parts) == text:
            return sum((timedelta(**{UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        pass
    raise typer.BadParameter(f"{text} is no duration: 90s, 15m, 3h, 60d, 1d12h")


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no moment: 2027-03-01T03:00:00Z") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).isoformat()
