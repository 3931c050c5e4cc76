"""Which ARN a request to Lambda means, for the lines of `requires`.

A function may be named in four ways, with a qualifier or without; AWS asks about the function as it was named: a policy for
`function:f` does not cover `function:f:PROD`. Source: "Lambda resources and conditions for API actions" of the developer guide.
"""

from collections.abc import Iterable
from typing import Any, Final

from headwater.kernel.context import Context

from .names import parts_of

Request = dict[str, Any]

PRINCIPAL: Final = "lambda.amazonaws.com"
"""Whom a function's role is passed to."""


def function_arn(ctx: Context, request: Request) -> str:
    return arn_of(ctx, request["FunctionName"], request.get("Qualifier"))


def arn_of(ctx: Context, name: str, qualifier: str | None = None) -> str:
    """A name that is none is asked about as it stands: the operation will say what is wrong with it."""
    found = parts_of(name)
    if found is None:
        return f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{name}"
    qualifier = found["qualifier"] or qualifier
    arn = f"arn:aws:lambda:{found['region'] or ctx.region}:{found['account'] or ctx.account}:function:{found['name']}"
    return arn if qualifier is None else f"{arn}:{qualifier}"


def tagged_arn(ctx: Context, request: Request) -> str:
    return _here(ctx, request["Resource"])


def _here(ctx: Context, arn: str) -> str:
    """Lambda reads no partition, so an ARN of another one is asked about as the one of this that it comes to."""
    return f"arn:{ctx.partition}:{arn.split(':', 2)[2]}"


def passes_role(ctx: Context, request: Request) -> bool:
    """A role of another account is passed by nobody: the operation says so."""
    role: str = request.get("Role", "")
    return role.split(":")[4:5] == [ctx.account]


def layers(ctx: Context, request: Request) -> Iterable[str]:
    return [_here(ctx, each) for each in request["Layers"]]


def layer_arn(ctx: Context, request: Request) -> str:
    name: str = request["LayerName"]
    return name if name.startswith("arn:") else f"arn:aws:lambda:{ctx.region}:{ctx.account}:layer:{name}"


def layer_version_arn(ctx: Context, request: Request) -> str:
    return f"{layer_arn(ctx, request)}:{request['VersionNumber']}"
