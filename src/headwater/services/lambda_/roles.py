"""The execution role: under it a function's code acts, its log is written and its destinations are told.

That Lambda may take the role on is asked when a function gets it, and again when a worker starts: a trust that was taken away in
between stops new workers, not those that run.
"""

from typing import TYPE_CHECKING

from headwater.aws.faults import fault
from headwater.kernel.client import Client
from headwater.kernel.context import Context

from .model import Version
from .names import invalid

if TYPE_CHECKING:
    from headwater.kernel.home import Home

NOT_ASSUMABLE = "The role defined for the function cannot be assumed by Lambda."


def session_name(function: str) -> str:
    """As AWS names the session; a session's name has two letters at least."""
    return function if len(function) > 1 else f"{function}@lambda_function"


def client_under(home: "Home", version: Version, service: str) -> Client:
    """Another room as the function's role sees it."""
    ctx = home.context(account=version.account, region=version.region, service="lambda")
    return ctx.client(service, role=version.role, session_name=session_name(version.name), source_arn=version.function_arn)


async def _check_given(ctx: Context, role: str, function_arn: str) -> None:
    """Raise for a role that Lambda could not take on. AWS says so after its own checks of the request, and so this comes last."""
    if not await ctx.home.authorization.trusts(role, "lambda", source_arn=function_arn, region=ctx.region):
        raise invalid(NOT_ASSUMABLE)


async def _check_still_given(home: "Home", version: Version) -> None:
    if not await home.authorization.trusts(version.role, "lambda", source_arn=version.function_arn, region=version.region):
        raise fault("AccessDeniedException", NOT_ASSUMABLE)
