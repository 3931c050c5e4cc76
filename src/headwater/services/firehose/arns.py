"""Which ARNs a request to Firehose means, for the lines of `requires`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headwater.kernel.context import Context

STREAM: Final = "arn:aws:firehose:{region}:{account}:deliverystream/{DeliveryStreamName}"
PRINCIPAL: Final = "firehose.amazonaws.com"
"""Whom a stream's roles are passed to."""


def roles_given(ctx: Context, request: dict[str, Any]) -> list[str]:
    """Every role in a configuration: the destination's, its backup's, a source's, and that of a processor."""
    return list(dict.fromkeys(_roles(request)))


def roles_passed(ctx: Context, request: dict[str, Any]) -> list[str]:
    """Those of the caller's account; another account's role is passed by nobody, and the operation says so."""
    return [role for role in roles_given(ctx, request) if role.split(":")[4:5] == [ctx.account]]


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("ParameterName") == "RoleArn":
            yield value["ParameterValue"]
        for name, inner in value.items():
            if name == "RoleARN":
                yield inner
            else:
                yield from _roles(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _roles(inner)
