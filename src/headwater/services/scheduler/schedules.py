"""Schedules: written, read, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires
from headwater.kernel.retry_policy import AGE_MAX_S, ATTEMPTS_MAX
from headwater.kernel.schedule import InvalidSchedule, parse

from .arns import passed_role, schedule_arn
from .calling import check_target
from .finding import find_group, find_schedule
from .firing import ScheduleDue, order_of
from .model import DEFAULT, ENABLED, SCHEDULES, UTC_NAME, Schedule
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ROLE: Final = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


def describe(schedule: Schedule) -> dict[str, Any]:
    """As GetSchedule has it: with the retry policy that holds where none was said."""
    policy = {"MaximumEventAgeInSeconds": AGE_MAX_S, "MaximumRetryAttempts": ATTEMPTS_MAX}
    said: dict[str, Any] = {
        "Arn": schedule.arn,
        "GroupName": schedule.group,
        "Name": schedule.name,
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.zone,
        "State": schedule.state,
        "Target": schedule.target | {"RetryPolicy": policy | schedule.target.get("RetryPolicy", {})},
        "FlexibleTimeWindow": schedule.window,
        "CreationDate": schedule.created_at,
        "LastModificationDate": schedule.modified_at,
        "ActionAfterCompletion": schedule.after_completion,
    }
    more = {"StartDate": schedule.start, "EndDate": schedule.end, "Description": schedule.description, "KmsKeyArn": schedule.kms_key}
    return said | {member: value for member, value in more.items() if value is not None}


def _summary(schedule: Schedule) -> dict[str, Any]:
    whole = describe(schedule)
    members = ("Arn", "GroupName", "Name", "State", "CreationDate", "LastModificationDate")
    return {member: whole[member] for member in members} | {"Target": {"Arn": schedule.target["Arn"]}}


async def _asked(ctx: Context, request: dict[str, Any], before: Schedule | None) -> Schedule:
    """The schedule that a request describes, as a whole: what is not said is as if it never was."""
    expression, zone = request["ScheduleExpression"], request.get("ScheduleExpressionTimezone", UTC_NAME)
    _check_expression(expression, zone)
    start, end = request.get("StartDate"), request.get("EndDate")
    if start is not None and end is not None and start >= end:
        raise fault("ValidationException", "The StartDate you specify must come before the EndDate you specify.")
    window = request["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise fault("ValidationException", "Invalid FlexibleTimeWindow: MaximumWindowInMinutes goes with mode FLEXIBLE.")
    now = ctx.clock.now()
    schedule = Schedule(
        account=ctx.account,
        region=ctx.region,
        group=request.get("GroupName", DEFAULT),
        name=request["Name"],
        expression=expression,
        zone=zone,
        state=request.get("State", ENABLED),
        target=request["Target"],
        window=window,
        created_at=now if before is None else before.created_at,
        modified_at=now,
        settled_at=now if before is None or before.expression != expression else before.settled_at,
        start=start,
        end=end,
        description=request.get("Description"),
        kms_key=request.get("KmsKeyArn"),
        after_completion=request.get("ActionAfterCompletion", "NONE"),
        token=request.get("ClientToken", ""),
    )
    check_target(schedule.target)
    role = schedule.target["RoleArn"]
    if not await ctx.home.authorization.trusts(role, "scheduler", source_arn=schedule.group_arn, region=ctx.region):
        raise fault("ValidationException", ROLE)
    return msgspec.structs.replace(schedule, due=schedule.first_due(now))


def _check_expression(expression: str, zone: str) -> None:
    try:
        parse("rate(1 day)" if zone == UTC_NAME else "at(2000-01-01T00:00:00)", zone)
    except InvalidSchedule:
        raise fault("ValidationException", f"Invalid Schedule Expression Timezone {zone}.") from None
    try:
        parse(expression, zone)
    except InvalidSchedule:
        raise fault("ValidationException", f"Invalid Schedule Expression {expression}.") from None


def _is_same(one: Schedule, other: Schedule) -> bool:
    """The same request, made twice."""
    names = ("token", "expression", "zone", "state", "target", "window", "start", "end", "description", "kms_key", "after_completion")
    return bool(one.token) and all(getattr(one, name) == getattr(other, name) for name in names)


async def _keep(ctx: Context, before: Schedule | None, schedule: Schedule) -> None:
    async with ctx.store.transaction() as tx:
        if before is not None and before.due is not None and before.due != schedule.due:
            tx.forget(ScheduleDue.of(before))
        tx.put(SCHEDULES, schedule)
        if schedule.due is not None:
            tx.owe(ScheduleDue.of(schedule))
    if schedule.due is not None:
        order_of(ctx.home).put(schedule.due, schedule.key)


@requires("scheduler:CreateSchedule", schedule_arn)
@requires("iam:PassRole", passed_role, passed_to="scheduler.amazonaws.com")
async def create_schedule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The same request again, told by its token, is no other one."""
    group = find_group(ctx, request.get("GroupName", DEFAULT))
    schedule = await _asked(ctx, request, None)
    known = ctx.store.get(SCHEDULES, ctx.account, ctx.region, group.name, request["Name"])
    if known is not None:
        if _is_same(known, schedule):
            return {"ScheduleArn": known.arn}
        raise fault("ConflictException", f"Schedule {known.name} already exists.")
    await _keep(ctx, None, schedule)
    return {"ScheduleArn": schedule.arn}


@requires("scheduler:UpdateSchedule", schedule_arn)
@requires("iam:PassRole", passed_role, passed_to="scheduler.amazonaws.com")
async def update_schedule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    before = find_schedule(ctx, request)
    schedule = await _asked(ctx, request, before)
    if not _is_same(before, schedule):
        await _keep(ctx, before, schedule)
    return {"ScheduleArn": schedule.arn}


@requires("scheduler:GetSchedule", schedule_arn)
async def get_schedule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return describe(find_schedule(ctx, request))


@requires("scheduler:ListSchedules")
async def list_schedules(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = [find_group(ctx, request["GroupName"]).name] if "GroupName" in request else []
    found = [
        schedule
        for schedule in ctx.store.scan(SCHEDULES, ctx.account, ctx.region, *group)
        if schedule.name.startswith(request.get("NamePrefix", "")) and request.get("State", schedule.state) == schedule.state
    ]
    shown, more = page(found, request, lambda schedule: f"{schedule.group}/{schedule.name}")
    return {"Schedules": [_summary(schedule) for schedule in shown], **more}


@requires("scheduler:DeleteSchedule", schedule_arn)
async def delete_schedule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    schedule = find_schedule(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.delete(SCHEDULES, *schedule.key)
        if schedule.due is not None:
            tx.forget(ScheduleDue.of(schedule))
    return {}
