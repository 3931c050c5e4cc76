"""What the Data API tells the decision: who owns the statement or the session that a request names.

A policy that compares these keys with `${aws:userid}` keeps everybody to their own statements.
Source: Service Authorization Reference, "Condition keys for Amazon Redshift Data API".
"""

from typing import Any

from headwater.kernel.context import Context

from . import SERVICE
from .model import statements
from .running import running_of


@SERVICE.condition_key("redshift-data:statement-owner-iam-userid")
def statement_owner(ctx: Context, request: dict[str, Any]) -> str | None:
    """Who submitted the statement; a listing is of the caller's own."""
    if "Id" not in request:
        return ctx.principal.user_id
    statement = ctx.store.get(statements, ctx.account, ctx.region, request["Id"].partition(":")[0])
    return None if statement is None else statement.owner or None


@SERVICE.condition_key("redshift-data:session-owner-iam-userid")
def session_owner(ctx: Context, request: dict[str, Any]) -> str | None:
    """Who opened the session; of a new one, the caller."""
    kept = running_of(ctx.home).sessions.get(request.get("SessionId", ""))
    return ctx.principal.user_id if kept is None else kept.owner
