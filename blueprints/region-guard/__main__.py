"""Post 2 end to end: developers who may read everywhere and write in one region alone.

Builds the post's policy, makes each call of its matrix as a user of the group and as a session of the role, and lets the developers'
own function read their own database. Exits non-zero when any answer is not AWS's.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import guard
import matrix
from rich import box
from rich.console import Console
from rich.table import Column, Table

from headwater.cli.serving import end_server, ensure_server

say = Console(highlight=False)
REFUSED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Run:
    """One run, and what went wrong in it."""

    def __init__(self) -> None:
        self.aws = guard.root()
        self.failures: list[str] = []

    def check(self, holds: bool, words: str) -> bool:
        say.print(f"  [green]✓[/] {words}" if holds else f"  [red]✗ {words}[/]", soft_wrap=True)
        if not holds:
            self.failures.append(words)
        return holds


def main() -> int:
    options = flags().parse_args()
    if options.home is not None:
        os.environ["HEADWATER_HOME"] = str(options.home)
    own_server = ensure_server()
    run = Run()
    started = time.perf_counter()
    try:
        everything(run)
        if not options.keep:
            guard.tear_down(run.aws)
    finally:
        if own_server and not options.keep:
            end_server()
    if run.failures:
        say.print(f"\n[red bold]{len(run.failures)} checks failed.[/]")
        return 1
    say.print(f"\n[green bold]Every check holds.[/]  {time.perf_counter() - started:.1f} s")
    return 0


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headwater try region-guard", description=__doc__, allow_abbrev=False)
    parser.add_argument("--keep", action="store_true", help="leave everything standing, and the server up")
    parser.add_argument("--home", type=Path, help="the server's folder (default HEADWATER_HOME or ~/.headwater)")
    return parser


def everything(run: Run) -> None:
    say.print("\n[bold]Post 2: read everywhere, write in Frankfurt[/]  IAM · RDS · Lambda · EC2")
    guard.tear_down(run.aws)
    developers = guard.build(run.aws)
    the_matrix(run, developers)
    at_work(run, developers)
    pass_role(run, developers)
    operators(run)
    deny_form(run)
    simulated(run)


def the_matrix(run: Run, developers: guard.Developers) -> None:
    """Each call in each region, as both kinds of developer; the first refusal explained."""
    say.print("\n[bold]The matrix[/]")
    table = Table(
        Column("call", no_wrap=True),
        Column("region", no_wrap=True),
        Column("user", no_wrap=True, min_width=4),
        Column("role", no_wrap=True),
        Column("answer", no_wrap=True, min_width=21),
        box=box.SIMPLE_HEAD,
    )
    sentence = None
    for row in matrix.ROWS:
        for region, wanted in row.wanted.items():
            answers = [matrix.answer(row.call, session, region) for session in developers]
            table.add_row(
                row.what, region, *(shown(each.code, wanted) for each in answers), f"[{colour(wanted)}]{wanted or 'a success'}[/]"
            )
            run.failures += [f"{row.what} in {region}: {each}" for each in answers if each.code != wanted]
            if wanted == "AccessDenied" and sentence is None:
                sentence = answers[0]
    say.print(table)
    arn = f"arn:aws:rds:us-east-1:{guard.ACCOUNT}:db:{guard.INSTANCE}"
    expected = (
        f"User: arn:aws:iam::{guard.ACCOUNT}:user/{guard.USER} is not authorized to perform: rds:CreateDBInstance on resource: {arn} "
        "because no identity-based policy allows the rds:CreateDBInstance action"
    )
    run.check(sentence is not None and sentence.message == expected, "the refusal says who, what, to what and why")
    if sentence is not None:
        say.print(f"    [dim]{sentence.message}[/]\n    [dim]headwater why {sentence.request_id}[/]", soft_wrap=True)


def shown(code: str, wanted: str) -> str:
    """A mark where the answer is AWS's, else what came instead."""
    return f"[{colour(wanted)}]✓[/]" if code == wanted else f"[red]✗ {code or 'passes'}[/]"


def colour(code: str) -> str:
    return "yellow" if code in REFUSED else "green"


def at_work(run: Run, developers: guard.Developers) -> None:
    say.print("\n[bold]The developers' work in eu-central-1[/]")
    guard.create_instance(developers.user)
    endpoint = guard.fill(developers.user)
    run.check(True, f"dev created a MySQL instance (a real MariaDB) at {endpoint[0]}:{endpoint[1]}")
    rows = guard.rows_read(developers.user, endpoint)
    run.check(rows == sorted([list(town) for town in guard.TOWNS]), f"dev's own function reads its rows: {rows}")


def pass_role(run: Run, developers: guard.Developers) -> None:
    say.print("\n[bold]A second policy narrows iam:PassRole to one role[/]")
    run.aws.client("iam").put_user_policy(UserName=guard.USER, PolicyName="pass-one-role", PolicyDocument=guard.document("pass-one-role"))
    again = f"{guard.FUNCTION}-again"
    other = matrix.answer(guard.create_function, developers.user, again, role=guard.OTHER_ROLE)
    words = f"is not authorized to perform: iam:PassRole on resource: arn:aws:iam::{guard.ACCOUNT}:role/{guard.OTHER_ROLE}"
    run.check(other.code == "AccessDeniedException" and words in other.message, f"{guard.OTHER_ROLE} is refused: {other.message}")
    run.check(matrix.answer(guard.create_function, developers.user, again).code == "", f"{guard.EXECUTION_ROLE} may be passed")


def operators(run: Run) -> None:
    say.print("\n[bold]Every string operator[/]  (dry runs of ec2.run_instances)")
    for case in matrix.OPERATORS:
        session = limited(run, case.statements)
        codes = {region: matrix.answer(matrix.run_instances, session, region, dry=True).code for region in (*case.passes, *case.refused)}
        wanted = dict.fromkeys(case.passes, "DryRunOperation") | dict.fromkeys(case.refused, "UnauthorizedOperation")
        where = ", ".join(f"{region} {'passes' if code == 'DryRunOperation' else 'refused'}" for region, code in codes.items())
        run.check(codes == wanted, f"{case.what}: {where}")


def limited(run: Run, statements: list[dict[str, Any]]) -> Any:
    """A federated session of the role, narrowed by a policy: quick to make, and gone by itself."""
    iam = run.aws.client("iam")
    name = "Operators"
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    try:
        iam.create_user(UserName=name)
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.put_user_policy(UserName=name, PolicyName="condition", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return guard.boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=guard.HOME_REGION)


def deny_form(run: Run) -> None:
    say.print("\n[bold]The form that today's documentation shows, and its trap[/]")
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1"]}}
    spared = ["cloudfront:*", "iam:*", "route53:*", "support:*"]
    for what, action, wanted in (
        ("Deny with NotAction spares the global services: iam.list_roles", {"NotAction": spared}, ""),
        ('the same with Action "*" blocks iam.list_roles, for IAM is always in us-east-1', {"Action": "*"}, "AccessDenied"),
    ):
        session = limited(run, [allow, {"Effect": "Deny", "Resource": "*", "Condition": elsewhere} | action])
        answers = [
            matrix.answer(session.client("iam").list_roles),
            matrix.answer(matrix.run_instances, session, "us-east-1", dry=True),
        ]
        run.check([each.code for each in answers] == [wanted, "UnauthorizedOperation"], what)
    iam = run.aws.client("iam")
    for key in iam.list_access_keys(UserName="Operators")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="Operators", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="Operators", PolicyName="condition")
    iam.delete_user(UserName="Operators")


def simulated(run: Run) -> None:
    say.print("\n[bold]Asked without a call: iam.simulate_principal_policy[/]")
    for region, wanted in (("us-east-1", "implicitDeny"), ("eu-central-1", "allowed")):
        entry = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [region], "ContextKeyType": "string"}
        (result,) = run.aws.client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{guard.ACCOUNT}:user/{guard.USER}", ActionNames=["ec2:RunInstances"], ContextEntries=[entry]
        )["EvaluationResults"]
        run.check(result["EvalDecision"] == wanted, f"ec2:RunInstances with {region}: {result['EvalDecision']}")


if __name__ == "__main__":
    sys.exit(main())
