"""`headwater why` and `headwater policy`: what was decided of a request, and which policy a principal's calls need."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Column, Table

from headwater.cli.asking import HomeOption, ask, endpoint_of, say

policy = typer.Typer(help="Policies that recorded calls need, and calls that policies refused.", no_args_is_help=True)
MARKS = {"matched": "[bold]matched[/]", "resource": "another resource", "principal": "another principal"}


def why(
    request_id: Annotated[str, typer.Argument(help="The x-amzn-RequestId of an answer.")],
    home: HomeOption,
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")] = False,
) -> None:
    """Every statement that was considered for a request, and the one that decided."""
    answer = ask(endpoint_of(home), f"why?request_id={quote(request_id)}")
    if as_json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
        return
    if not answer:
        say.print(
            f"No decision is kept for {escape(request_id)}: an account's root is decided without policies, "
            "and allowed calls are remembered for the last 2,000 requests of this run."
        )
        raise typer.Exit(1)
    for explanation in answer:
        _print(explanation)


def _print(explanation: dict[str, Any]) -> None:
    verdict = (
        "[green]allowed[/]" if explanation["allowed"] else "[yellow]would be refused[/]" if explanation.get("passed") else "[red]refused[/]"
    )
    say.print(f"{verdict}  {escape(explanation['action'])} on {escape(explanation['resource'])}", highlight=False, soft_wrap=True)
    say.print(f"  {escape(explanation['sentence'])}", highlight=False, soft_wrap=True)
    if not explanation["reasons"]:
        say.print("  No policy has a statement with this action.")
        return
    table = Table("", Column("policy", overflow="fold"), Column("statement", overflow="fold"), "effect", Column("came to", overflow="fold"))
    for reason in explanation["reasons"]:
        came_to = (
            MARKS.get(reason["verdict"])
            or f"{escape(reason['verdict'])} (the request has {escape(', '.join(reason.get('found', [])) or 'none')})"
        )
        table.add_row(
            "→" if reason.get("decided") else "",
            escape(f"{reason['kind']}: {reason['policy']}"),
            escape(reason["statement"]),
            reason["effect"],
            came_to,
        )
    say.print(table)


@policy.command()
def suggest(principal: Annotated[str, typer.Argument(help="The ARN of a user or a role.")], home: HomeOption) -> None:
    """The least policy that the recorded calls of a user or role needed."""
    used = ask(endpoint_of(home), f"permissions?principal={quote(principal)}")
    if not used:
        say.print(
            f"No call of {escape(principal)} is recorded. A principal is named by the ARN of the user or role, "
            "such as arn:aws:iam::123456789012:role/NAME: the sessions of a role count as its own calls.",
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(1)
    sys.stdout.write(json.dumps(least_policy(used), indent=2) + "\n")


def least_policy(used: list[dict[str, Any]]) -> dict[str, Any]:
    """One statement for each set of resources, with all actions that were needed on exactly these."""
    actions = defaultdict(list)
    for each in used:
        actions[tuple(sorted({*each["resources"], *each["refused"]}))].append(each["action"])
    statements = [
        {"Effect": "Allow", "Action": sorted(needed), "Resource": "*" if "*" in resources else list(resources)}
        for resources, needed in sorted(actions.items())
    ]
    return {"Version": "2012-10-17", "Statement": statements}


@policy.command()
def refused(home: HomeOption, account: Annotated[str, typer.Option(help="Of one account alone.")] = "") -> None:
    """What policies refused, or with `headwater up --iam audit` would have refused."""
    used = ask(endpoint_of(home), f"permissions?account={quote(account)}")
    rows = [(each["principal"], each["action"], "\n".join(each["refused"])) for each in used if each["refused"]]
    if not rows:
        say.print("Nothing was refused.")
        return
    table = Table(Column("principal", overflow="fold"), Column("action", overflow="fold"), Column("resource", overflow="fold"))
    for row in rows:
        table.add_row(*map(escape, row))
    say.print(table)
