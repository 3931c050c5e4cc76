"""Which ARNs a request means, for the lines of `requires`.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge Scheduler".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from .model import DEFAULT

if TYPE_CHECKING:
    from headwater.kernel.context import Context

GROUP: Final = "arn:aws:scheduler:{region}:{account}:schedule-group/{Name}"


def schedule_arn(ctx: Context, request: dict[str, Any]) -> str:
    return f"arn:aws:scheduler:{ctx.region}:{ctx.account}:schedule/{request.get('GroupName', DEFAULT)}/{request['Name']}"


def passed_role(ctx: Context, request: dict[str, Any]) -> Iterable[str]:
    role = request["Target"].get("RoleArn")
    return () if role is None else (role,)
