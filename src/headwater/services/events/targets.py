"""What a rule calls, and with which input."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .api_destinations import is_api_destination
from .arns import passed_roles, rule_arn
from .finding import changeable_rule, find_rule
from .model import RULES, TARGETS_MAX
from .paging import page
from .transforming import check_input

if TYPE_CHECKING:
    from headwater.kernel.context import Context

_ARN: Final = re.compile(r"arn:[\w-]+:[\w-]+:[^:]*:[^:]*:.+", re.DOTALL)


def _check(target: dict[str, Any]) -> None:
    arn, target_id = target["Arn"], target["Id"]
    if not _ARN.fullmatch(arn):
        raise fault("ValidationException", f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if len([member for member in ("Input", "InputPath", "InputTransformer") if member in target]) > 1:
        sentence = f"Only one of Input, InputPath, or InputTransformer must be provided for target {target_id}."
        raise fault("ValidationException", sentence)
    if arn.split(":")[2] == "sqs" and arn.endswith(".fifo") and "MessageGroupId" not in target.get("SqsParameters", {}):
        sentence = f"Parameter(s) SqsParameters must be specified for target: {target_id}."
        raise fault("ValidationException", sentence)
    if (arn.split(":")[2] in NEED_ROLE or is_api_destination(arn)) and "RoleArn" not in target:
        raise fault("ValidationException", f"RoleArn is required for target {arn}.")
    check_input(target)


NEED_ROLE: Final = frozenset({"states", "kinesis", "ecs", "firehose"})
"""Targets that have no policy of their own by which EventBridge could be let in."""


@requires("events:PutTargets", rule_arn("Rule"))
@requires("iam:PassRole", passed_roles, passed_to="events.amazonaws.com")
async def put_targets(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add targets to the rule, or replace those of the same id."""
    rule = changeable_rule(ctx, request, "Rule")
    targets = {target["Id"]: target for target in rule.targets}
    for target in request["Targets"]:
        _check(target)
        targets[target["Id"]] = target
    if len(targets) > TARGETS_MAX:
        raise fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    async with ctx.store.transaction() as tx:
        tx.put(RULES, msgspec.structs.replace(rule, targets=tuple(targets.values())))
    return {"FailedEntryCount": 0, "FailedEntries": []}


@requires("events:RemoveTargets", rule_arn("Rule"))
async def remove_targets(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Ids that are not there are no error."""
    rule = changeable_rule(ctx, request, "Rule")
    left = tuple(target for target in rule.targets if target["Id"] not in request["Ids"])
    async with ctx.store.transaction() as tx:
        tx.put(RULES, msgspec.structs.replace(rule, targets=left))
    return {"FailedEntryCount": 0, "FailedEntries": []}


@requires("events:ListTargetsByRule", rule_arn("Rule"))
async def list_targets_by_rule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    rule = find_rule(ctx, request, "Rule")
    shown, more = page(rule.targets, request, lambda target: str(target["Id"]))
    return {"Targets": shown, **more}
