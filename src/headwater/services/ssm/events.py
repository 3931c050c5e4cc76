"""What Parameter Store tells EventBridge. Source: "Monitoring or triggering actions based on Parameter Store events" of the user guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model import Parameter, Policy

if TYPE_CHECKING:
    from headwater.kernel.context import Context


def tell_change(ctx: Context, parameter: Parameter, operation: str) -> None:
    """`operation`: Create, Update, Delete or LabelParameterVersion."""
    detail = {"operation": operation, "name": parameter.name, "type": parameter.current.type}
    if parameter.current.description:
        detail["description"] = parameter.current.description
    _tell(ctx, parameter, "Parameter Store Change", detail)


def tell_policy(ctx: Context, parameter: Parameter, policy: Policy, reason: str) -> None:
    detail = {
        "policy-content": policy.text,
        "policy-type": policy.kind,
        "parameter-name": parameter.name,
        "parameter-type": parameter.current.type,
        "action-status": "Success",
        "action-reason": reason,
    }
    _tell(ctx, parameter, "Parameter Store Policy Action", detail)


def _tell(ctx: Context, parameter: Parameter, detail_type: str, detail: dict[str, Any]) -> None:
    ctx.bus.publish(
        "event",
        {
            "source": "aws.ssm",
            "detail-type": detail_type,
            "account": parameter.account,
            "region": parameter.region,
            "time": ctx.clock.now(),
            "resources": [parameter.arn],
            "detail": detail,
        },
    )
