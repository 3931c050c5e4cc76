"""The entry. `headwater up` takes the short way: a server that starts in 0.2 s imports neither Typer nor Rich."""

from __future__ import annotations

import sys


def main() -> None:
    """What the `headwater` program runs."""
    if sys.argv[1:2] == ["up"]:
        from headwater.cli.up import up

        up(sys.argv[2:])
        return
    from headwater.cli.app import app

    app(prog_name="headwater")
