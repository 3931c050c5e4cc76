"""Which ARNs a request means, for the lines of `requires`."""

from collections.abc import Iterable
from typing import Any

from headwater.kernel.context import Context

Request = dict[str, Any]


def alarm_arn(ctx: Context, request: Request) -> str:
    return f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:alarm:{request['AlarmName']}"


def alarm_arns(ctx: Context, request: Request) -> Iterable[str]:
    return [f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:alarm:{name}" for name in request["AlarmNames"]]


def any_alarm(ctx: Context, request: Request) -> str:
    return f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:alarm:*"


def history_arn(ctx: Context, request: Request) -> str:
    return f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:alarm:{request.get('AlarmName', '*')}"


def dashboard_arn(ctx: Context, request: Request) -> str:
    return f"arn:aws:cloudwatch::{ctx.account}:dashboard/{request.get('DashboardName', '*')}"


def dashboard_arns(ctx: Context, request: Request) -> Iterable[str]:
    return [f"arn:aws:cloudwatch::{ctx.account}:dashboard/{name}" for name in request["DashboardNames"]]
