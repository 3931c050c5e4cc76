"""Labels: names for versions, which move from one to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .events import tell_change
from .finding import find, parameter_arn, read_name, version_of
from .model import LABELS_MAX, is_label, parameters

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]


@requires("ssm:LabelParameterVersion", parameter_arn)
async def label_parameter_version(ctx: Context, request: Request) -> dict[str, Any]:
    """Put labels on a version, the newest where none is named; each comes off the version that had it."""
    parameter = find(ctx, read_name(ctx, request["Name"]).name)
    number: int = request.get("ParameterVersion", parameter.current.number)
    version_of(ctx, parameter, number)
    fitting = [label for label in dict.fromkeys(request["Labels"]) if is_label(label)]
    labels = parameter.labels | dict.fromkeys(fitting, number)
    if sum(at == number for at in labels.values()) > LABELS_MAX:
        raise fault(
            "ParameterVersionLabelLimitExceeded",
            f"A parameter version can have maximum {LABELS_MAX} labels.Move one or more labels to another version and try again.",
        )
    if fitting:
        async with ctx.store.transaction() as tx:
            tx.put(parameters, msgspec.structs.replace(parameter, labels=labels))
        tell_change(ctx, parameter, "LabelParameterVersion")
    return {"InvalidLabels": [label for label in request["Labels"] if not is_label(label)], "ParameterVersion": number}


@requires("ssm:UnlabelParameterVersion", parameter_arn)
async def unlabel_parameter_version(ctx: Context, request: Request) -> dict[str, Any]:
    """Take labels off a version; those that it does not have are named."""
    parameter = find(ctx, read_name(ctx, request["Name"]).name)
    number: int = request["ParameterVersion"]
    version_of(ctx, parameter, number)
    removed = [label for label in dict.fromkeys(request["Labels"]) if parameter.labels.get(label) == number]
    if removed:
        labels = {label: at for label, at in parameter.labels.items() if label not in removed}
        async with ctx.store.transaction() as tx:
            tx.put(parameters, msgspec.structs.replace(parameter, labels=labels))
    return {"RemovedLabels": removed, "InvalidLabels": [label for label in request["Labels"] if label not in removed]}
