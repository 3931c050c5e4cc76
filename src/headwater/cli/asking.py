"""How the command line asks a running Headwater: `/_headwater/...`, and what it says when nobody answers."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from headwater.cli.up import default_home
from headwater.gateway.server import running

say = Console()
HomeOption = Annotated[
    Path, typer.Option("--home", help="Headwater's folder (HEADWATER_HOME, or ~/.headwater).", default_factory=default_home)
]


def endpoint_of(home: Path) -> str:
    """AWS_ENDPOINT_URL, or the server that runs on the home."""
    named = os.environ.get("AWS_ENDPOINT_URL")
    if named:
        return named.rstrip("/")
    found = running(home)
    if found is None:
        say.print(f"No Headwater runs on {home}: `headwater up` starts one.")
        raise typer.Exit(1)
    return found.endpoint


def ask(endpoint: str, what: str, body: dict[str, Any] | None = None) -> Any:
    """The page's JSON; words and an end where there is none."""
    import urllib.error
    import urllib.request

    import msgspec

    if not endpoint.startswith(("http://", "https://")):
        say.print(f"AWS_ENDPOINT_URL is {endpoint}: no address such as http://127.0.0.1:4566.")
        raise typer.Exit(1)
    request = urllib.request.Request(f"{endpoint}/_headwater/{what}", data=msgspec.json.encode(body) if body else None)  # noqa: S310 - our own endpoint
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own endpoint
            return msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as error:
        say.print(_why(error, endpoint))
    except (OSError, http.client.HTTPException) as error:
        say.print(f"{endpoint} does not answer: {getattr(error, 'reason', error)}")
    except ValueError:
        say.print(f"What answers on {endpoint} is no Headwater.")
    raise typer.Exit(1)


def _why(refusal: Any, endpoint: str) -> str:
    """The sentence with which a Headwater refused, or that it is none."""
    import msgspec

    try:
        return f"Refused: {msgspec.json.decode(refusal.read())['error']}"
    except (ValueError, LookupError, TypeError):
        return f"What answers on {endpoint} is no Headwater."
