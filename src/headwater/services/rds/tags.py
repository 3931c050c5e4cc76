"""Tags of everything that has an ARN in RDS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from headwater.kernel.permissions import requires

from . import arns
from .records import CLUSTERS, GROUPS, INSTANCES, SUBNET_GROUPS, tag_list, tagged
from .refusals import (
    invalid,
    no_such_cluster,
    no_such_cluster_parameter_group,
    no_such_instance,
    no_such_parameter_group,
    no_such_subnet_group,
)

if TYPE_CHECKING:
    from headwater.aws.faults import Fault
    from headwater.kernel.context import Context
    from headwater.kernel.store import Table

TAGS_MAX: Final = 50


@requires("rds:ListTagsForResource", arns.tagged_resource)
async def list_tags_for_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    _, record = _tagged_thing(ctx, request["ResourceName"])
    return {"TagList": tag_list(record.tags)}


@requires("rds:AddTagsToResource", arns.tagged_resource)
async def add_tags_to_resource(ctx: Context, request: dict[str, Any]) -> None:
    table, record = _tagged_thing(ctx, request["ResourceName"])
    tags = record.tags | tagged(request)
    if len(tags) > TAGS_MAX:
        raise invalid(f"A resource can have at most {TAGS_MAX} tags.")
    if any(key.lower().startswith("aws:") for key in tagged(request)):
        raise invalid("Tag keys must not start with aws:, which is reserved.")
    async with ctx.store.transaction() as tx:
        tx.put(table, replace(record, tags=tags))


@requires("rds:RemoveTagsFromResource", arns.tagged_resource)
async def remove_tags_from_resource(ctx: Context, request: dict[str, Any]) -> None:
    table, record = _tagged_thing(ctx, request["ResourceName"])
    gone = set(request["TagKeys"])
    async with ctx.store.transaction() as tx:
        tx.put(table, replace(record, tags={key: value for key, value in record.tags.items() if key not in gone}))


def _tagged_thing(ctx: Context, arn: str) -> tuple[Table[Any], Any]:
    parts = arn.split(":")
    if len(parts) != 7 or parts[:3] != ["arn", "aws", "rds"]:
        raise invalid(f"Invalid resource name: {arn}")
    kind, name = parts[5], parts[6].lower()
    places: dict[str, tuple[Table[Any], tuple[str, ...], Fault]] = {
        "db": (INSTANCES, (name,), no_such_instance(name)),
        "cluster": (CLUSTERS, (name,), no_such_cluster(name)),
        "pg": (GROUPS, ("instance", name), no_such_parameter_group(name)),
        "cluster-pg": (GROUPS, ("cluster", name), no_such_cluster_parameter_group(name)),
        "subgrp": (SUBNET_GROUPS, (name,), no_such_subnet_group(name)),
    }
    if kind not in places:
        raise invalid(f"Invalid resource name: {arn}")
    table, key, missing = places[kind]
    record = ctx.store.get(table, ctx.account, ctx.region, *key)
    if record is None or (parts[3], parts[4]) != (ctx.region, ctx.account):
        raise missing
    return table, record
