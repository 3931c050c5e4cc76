"""Which ARN a request to CloudWatch Logs means, for the lines of `requires`.

Whatever concerns a group is asked about its streams as well: the resource of CreateLogGroup is `log-group:NAME:log-stream:`, as
AWS's refusals show, so that a policy for `log-group:NAME:*` covers it and one for `log-group:NAME` does not. Only the tagging
operations ask about the group's ARN without an end. Source: "Overview of managing access permissions" of the user guide.
"""

from typing import Any, Final

from headwater.kernel.context import Context

Request = dict[str, Any]

ALL_GROUPS: Final = "arn:aws:logs:{region}:{account}:log-group::log-stream:"


def group_arn(ctx: Context, request: Request) -> str:
    """A group is named by its name or, in newer members, by its ARN, which may be another account's."""
    name: str = request.get("logGroupName") or request.get("logGroupIdentifier") or ""
    whole = name if name.startswith("arn:") else f"arn:aws:logs:{ctx.region}:{ctx.account}:log-group:{name}"
    return f"{whole.removesuffix(':*')}:log-stream:"


def stream_arn(ctx: Context, request: Request) -> str:
    return f"{group_arn(ctx, request)}{request['logStreamName']}"


def queried_arns(ctx: Context, request: Request) -> list[str]:
    """The groups of a query, which may be named in three ways."""
    names = request.get("logGroupNames") or request.get("logGroupIdentifiers") or [request.get("logGroupName") or ""]
    return [group_arn(ctx, {"logGroupName": name}) for name in names]
