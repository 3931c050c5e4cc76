"""Partitions: where the files of one combination of partition values are."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .arns import table_arns
from .model import (
    CatalogPartition,
    CatalogTable,
    check_catalog,
    describe_partition,
    error_detail,
    find_table,
    partitions,
)
from .paging import page
from .predicate import compiled

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LISTED: Final = 1000


def _table(ctx: Context, request: dict[str, Any]) -> CatalogTable:
    check_catalog(ctx, request)
    return find_table(ctx, request["DatabaseName"], request["TableName"])


def _look_up(ctx: Context, table: CatalogTable, values: Sequence[str]) -> CatalogPartition | None:
    return ctx.store.get(partitions, table.account, table.region, table.database, table.name, *values)


def _find(ctx: Context, table: CatalogTable, values: Sequence[str]) -> CatalogPartition:
    found = _look_up(ctx, table, values)
    if found is None:
        raise fault("EntityNotFoundException", "Cannot find partition.")
    return found


def _checked_values(table: CatalogTable, definition: dict[str, Any], default: Sequence[str] = ()) -> tuple[str, ...]:
    values = tuple(definition.get("Values", default))
    if len(values) != len(table.partition_keys):
        raise fault("InvalidInputException", "The number of partition keys do not match the number of partition values")
    if any("\0" in value for value in values):
        raise fault("InvalidInputException", "A partition value must not hold a zero character.")
    return values


def _made(ctx: Context, table: CatalogTable, definition: dict[str, Any]) -> CatalogPartition:
    values = _checked_values(table, definition)
    if _look_up(ctx, table, values) is not None:
        raise fault("AlreadyExistsException", "Partition already exists.")
    return CatalogPartition(
        account=table.account,
        region=table.region,
        database=table.database,
        table=table.name,
        values=values,
        definition=definition,
        created_at=ctx.clock.now().replace(microsecond=0),
    )


def _changed(
    ctx: Context, table: CatalogTable, old: Sequence[str], definition: dict[str, Any]
) -> tuple[CatalogPartition, CatalogPartition]:
    """The partition before and after; its values may change, to ones that are free."""
    before = _find(ctx, table, old)
    values = _checked_values(table, definition, before.values)
    if values != before.values and _look_up(ctx, table, values) is not None:
        raise fault("AlreadyExistsException", "Partition already exists.")
    after = CatalogPartition(
        account=table.account,
        region=table.region,
        database=table.database,
        table=table.name,
        values=values,
        definition=definition,
        created_at=before.created_at,
    )
    return before, after


@requires("glue:CreatePartition", table_arns)
async def create_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make one."""
    made = _made(ctx, _table(ctx, request), request["PartitionInput"])
    async with ctx.store.transaction() as tx:
        tx.put(partitions, made)
    return {}


@requires("glue:BatchCreatePartition", table_arns)
async def batch_create_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make several; what could not be made is listed."""
    table = _table(ctx, request)
    made: dict[tuple[str, ...], CatalogPartition] = {}
    errors: list[dict[str, Any]] = []
    for definition in request["PartitionInputList"]:
        try:
            one = _made(ctx, table, definition)
            if one.values in made:
                raise fault("AlreadyExistsException", "Partition already exists.")
            made[one.values] = one
        except Fault as refusal:
            errors.append({"PartitionValues": definition.get("Values", []), "ErrorDetail": error_detail(refusal)})
    async with ctx.store.transaction() as tx:
        for one in made.values():
            tx.put(partitions, one)
    return {"Errors": errors}


@requires("glue:GetPartition", table_arns)
async def get_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One, by its values."""
    return {"Partition": describe_partition(_find(ctx, _table(ctx, request), request["PartitionValues"]))}


@requires("glue:BatchGetPartition", table_arns)
async def batch_get_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Several; those that are not there are left out."""
    table = _table(ctx, request)
    found = [_look_up(ctx, table, wanted["Values"]) for wanted in request["PartitionsToGet"]]
    return {"Partitions": [describe_partition(one) for one in found if one is not None], "UnprocessedKeys": []}


@requires("glue:GetPartitions", table_arns)
async def get_partitions(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Those that an expression lets through, in the order of their values; a segment is a share of them for one of several readers."""
    table = _table(ctx, request)
    found = ctx.store.scan(partitions, table.account, table.region, table.database, table.name)
    if (expression := request.get("Expression", "").strip()) and table.partition_keys:
        keys = tuple((key["Name"], key.get("Type", "string")) for key in table.partition_keys)
        lets_through = compiled(expression, keys)
        found = [one for one in found if lets_through(one.values)]
    if (segment := request.get("Segment")) is not None:
        total, number = segment["TotalSegments"], segment["SegmentNumber"]
        found = [one for one in found if zlib.crc32("\0".join(one.values).encode()) % total == number]
    shown, more = page(found, request, LISTED)
    with_columns = not request.get("ExcludeColumnSchema")
    return {"Partitions": [describe_partition(one, with_columns=with_columns) for one in shown], **more}


@requires("glue:UpdatePartition", table_arns)
async def update_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another definition, or other values."""
    before, after = _changed(ctx, _table(ctx, request), request["PartitionValueList"], request["PartitionInput"])
    async with ctx.store.transaction() as tx:
        tx.delete(partitions, *partitions.key(before))
        tx.put(partitions, after)
    return {}


@requires("glue:BatchUpdatePartition", table_arns)
async def batch_update_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Several; what could not be changed is listed."""
    table = _table(ctx, request)
    changes: list[tuple[CatalogPartition, CatalogPartition]] = []
    errors: list[dict[str, Any]] = []
    for entry in request["Entries"]:
        try:
            before, after = _changed(ctx, table, entry["PartitionValueList"], entry["PartitionInput"])
            if any(after.values == other.values or before.values == old.values for old, other in changes):
                raise fault("InvalidInputException", "A partition is named twice in the request.")
            changes.append((before, after))
        except Fault as refusal:
            errors.append({"PartitionValueList": entry["PartitionValueList"], "ErrorDetail": error_detail(refusal)})
    async with ctx.store.transaction() as tx:
        for before, _ in changes:
            tx.delete(partitions, *partitions.key(before))
        for _, after in changes:
            tx.put(partitions, after)
    return {"Errors": errors}


@requires("glue:DeletePartition", table_arns)
async def delete_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One; the files stay."""
    going = _find(ctx, _table(ctx, request), request["PartitionValues"])
    async with ctx.store.transaction() as tx:
        tx.delete(partitions, *partitions.key(going))
    return {}


@requires("glue:BatchDeletePartition", table_arns)
async def batch_delete_partition(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Several; those that are not there are listed."""
    table = _table(ctx, request)
    going: list[CatalogPartition] = []
    errors: list[dict[str, Any]] = []
    for wanted in request["PartitionsToDelete"]:
        try:
            going.append(_find(ctx, table, wanted["Values"]))
        except Fault as refusal:
            errors.append({"PartitionValues": wanted["Values"], "ErrorDetail": error_detail(refusal)})
    async with ctx.store.transaction() as tx:
        for one in going:
            tx.delete(partitions, *partitions.key(one))
    return {"Errors": errors}


@requires("glue:GetPartitionIndexes", table_arns)
async def get_partition_indexes(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """None: an index cannot be made here, and nothing is slower for it."""
    _table(ctx, request)
    return {"PartitionIndexDescriptorList": []}
