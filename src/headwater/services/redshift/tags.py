"""Tags on what an ARN names: clusters, parameter groups, subnet groups."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Table

from . import arns
from .groups import ParameterGroup, SubnetGroup, parameter_groups, subnet_groups
from .model import Cluster, clusters, invalid
from .paging import page
from .tagging import has_tags, tagged

Taggable = Cluster | ParameterGroup | SubnetGroup
TABLES: Final[dict[str, Table[Any]]] = {"cluster": clusters, "parametergroup": parameter_groups, "subnetgroup": subnet_groups}
NAMES: Final[dict[str, Callable[[Any], str]]] = {
    "cluster": lambda cluster: str(cluster.identifier),
    "parametergroup": lambda group: str(group.name),
    "subnetgroup": lambda group: str(group.name),
}


def not_found(resource: str) -> Fault:
    return fault("ResourceNotFoundFault", f"The resource {resource} was not found.")


def find(ctx: Context, resource: str) -> tuple[Table[Any], Taggable]:
    parts = resource.split(":")
    if len(parts) != 7 or parts[2] != "redshift" or parts[5] not in TABLES:
        raise invalid(f"Invalid resource name: {resource}")
    table = TABLES[parts[5]]
    record = ctx.store.get(table, ctx.account, parts[3], parts[6]) if parts[4] == ctx.account else None
    if record is None:
        raise not_found(resource)
    return table, record


@requires("redshift:CreateTags", arns.RESOURCE)
async def create_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    table, record = find(ctx, request["ResourceName"])
    changed = replace(record, tags=tagged(record.tags, request["Tags"]))
    async with ctx.store.transaction() as tx:
        tx.put(table, changed)
    return {}


@requires("redshift:DeleteTags", arns.RESOURCE)
async def delete_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    table, record = find(ctx, request["ResourceName"])
    changed = replace(record, tags={key: value for key, value in record.tags.items() if key not in request["TagKeys"]})
    async with ctx.store.transaction() as tx:
        tx.put(table, changed)
    return {}


@requires("redshift:DescribeTags", arns.RESOURCE)
async def describe_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    kind = request.get("ResourceType")
    if kind is not None and kind not in TABLES:
        raise invalid(f"Invalid resource type: {kind}")
    if "ResourceName" in request:
        record = find(ctx, request["ResourceName"])[1]
        found = [(request["ResourceName"], request["ResourceName"].split(":")[5], record.tags)]
    else:
        found = [one for name in TABLES if kind in {None, name} for one in _of_kind(ctx, name)]
    asked = request.get("TagKeys", ()), request.get("TagValues", ())
    lines = [
        {"Tag": {"Key": key, "Value": value}, "ResourceName": resource, "ResourceType": of_kind}
        for resource, of_kind, tags in sorted(found)
        for key, value in sorted(tags.items())
        if has_tags({key: value}, *asked)
    ]
    shown, marker = page(lines, request, lambda line: f"{line['ResourceName']} {line['Tag']['Key']}")
    return {"TaggedResources": shown, "Marker": marker}


def _of_kind(ctx: Context, kind: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    for record in ctx.store.scan(TABLES[kind], ctx.account, ctx.region):
        yield ctx.arn("redshift", f"{kind}:{NAMES[kind](record)}"), kind, record.tags
