"""What a request names, and the one sentence for each that is not there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault

from .model import DEFAULT, GROUPS, SCHEDULES, Group, Schedule

if TYPE_CHECKING:
    from headwater.kernel.context import Context

DEFAULT_SINCE: Final = datetime(2022, 11, 10, tzinfo=UTC)
"""The default group is there before anybody asks; it is as old as the service."""


def find_group(ctx: Context, name: str) -> Group:
    known = ctx.store.get(GROUPS, ctx.account, ctx.region, name)
    if known is None and name == DEFAULT:
        return Group(account=ctx.account, region=ctx.region, name=name, created_at=DEFAULT_SINCE, modified_at=DEFAULT_SINCE)
    if known is None:
        raise fault("ResourceNotFoundException", f"Schedule group {name} does not exist.")
    return known


def find_schedule(ctx: Context, request: dict[str, Any]) -> Schedule:
    group = find_group(ctx, request.get("GroupName", DEFAULT))
    schedule = ctx.store.get(SCHEDULES, ctx.account, ctx.region, group.name, request["Name"])
    if schedule is None:
        raise fault("ResourceNotFoundException", f"Schedule {request['Name']} does not exist.")
    return schedule
