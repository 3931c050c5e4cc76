"""`headwater secrets`: what the Secrets Manager console does in one step and the API in four."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from headwater.cli.asking import HomeOption, endpoint_of, say

secrets = typer.Typer(help="Secrets that rotate.", no_args_is_help=True)
DAYS_MAX: Final = 1000
REGION: Final = "us-east-1"


@secrets.callback()
def group() -> None:
    """Secrets that rotate."""


@secrets.command()
def rotate(
    name: Annotated[str, typer.Argument(help="The secret's name or ARN. Its JSON says engine, host, username and password.")],
    home: HomeOption,
    every: Annotated[str, typer.Option(help="How often: 1d to 1000d.")],
    using: Annotated[
        str | None, typer.Option(help="The secret of a superuser, who makes a second user: two users in turn, and no login is refused.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The secret's region (AWS_REGION, AWS_DEFAULT_REGION, or us-east-1).")] = None,
) -> None:
    """Rotate a database's credential now and every so many days: makes the function, its role and its permission."""
    from botocore.exceptions import BotoCoreError, ClientError

    from headwater.cli.rotation_set_up import CannotRotate, SetUp

    days = _days(every)
    clients = _clients(home, region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION)
    try:
        _rotate(SetUp(clients, name, using=using), days)
    except (CannotRotate, ClientError, BotoCoreError) as error:
        say.print(escape(str(error)), highlight=False, emoji=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _rotate(set_up: Any, days: int) -> None:
    role_arn, new_role = set_up.role()
    _tell("role", role_arn, new=new_role)
    _tell("function", set_up.function_arn, new=set_up.function(role_arn))
    _tell("permission", "secretsmanager.amazonaws.com may invoke it", new=set_up.permission())
    if set_up.name_superuser():
        say.print("  the secret names the superuser's secret as masterarn", highlight=False, emoji=False)
    done = set_up.finished(set_up.rotate(days))
    say.print(f"Rotated: AWSCURRENT is version {done.version}.", highlight=False, emoji=False, soft_wrap=True)
    if done.next_date is not None:
        say.print(f"Every {days} days; the next by {done.next_date:%Y-%m-%d %H:%M:%S %Z}.", highlight=False, emoji=False)


def _tell(what: str, which: str, *, new: bool) -> None:
    say.print(f"  {'made' if new else 'kept'} {what}: {which}", highlight=False, emoji=False, soft_wrap=True)


def _days(text: str) -> int:
    found = re.fullmatch(r"(\d{1,4})d", text)
    if found is None or not 1 <= int(found[1]) <= DAYS_MAX:
        raise typer.BadParameter(f"{text} is no number of days from 1d to {DAYS_MAX}d", param_hint="--every")
    return int(found[1])


def _clients(home: Path, region: str) -> Callable[[str], Any]:
    """Under the caller's own credentials, as boto3 finds them; without any, as the root of the default account."""
    import boto3

    endpoint = endpoint_of(home)
    session = boto3.session.Session(region_name=region)
    keys = {} if session.get_credentials() is not None else {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client: Any = session.client  # its type stubs know services by literals alone
    return lambda service: client(service, endpoint_url=endpoint, **keys)
