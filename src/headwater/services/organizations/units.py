"""Organizational units, and who stands below or above whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .arns import named, new
from .control import changing
from .model import GLOBAL, SCP, Organization, Unit, attachments, describe_unit, members, new_id, units
from .paging import page
from .policies import full_access_of
from .refusals import constraint, no_unit
from .tags import tagged
from .tree import DEPTH_MAX, ancestors, check_parent, find_unit, managed, members_of, overseen, path_of_place, units_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

UNITS_MAX: Final = 1000
UNIT_ID_LENGTH: Final = 8


def name_taken() -> Fault:
    return fault("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")


def _unit(ctx: Context, organization: Organization, unit_id: str) -> Unit:
    unit = find_unit(ctx, organization, unit_id)
    if unit is None:
        raise no_unit()
    return unit


def _described(ctx: Context, organization: Organization, unit: Unit) -> dict[str, Any]:
    return describe_unit(organization, unit, path_of_place(ctx.store, organization, unit.id))


def _siblings(ctx: Context, organization: Organization, parent_id: str) -> list[Unit]:
    return [unit for unit in units_of(ctx, organization) if unit.parent_id == parent_id]


@requires("organizations:CreateOrganizationalUnit", named("ParentId"))
@requires("organizations:TagResource", new("ou"), when="Tags")
async def create_organizational_unit(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A unit under the root or under another unit, five deep at most."""
    organization = managed(ctx)
    parent_id, name = request["ParentId"], request["Name"]
    check_parent(ctx, organization, parent_id)
    if any(unit.name == name for unit in _siblings(ctx, organization, parent_id)):
        raise name_taken()
    if len(ancestors(ctx.store, organization, parent_id)) >= DEPTH_MAX:
        raise constraint("OU_DEPTH_LIMIT_EXCEEDED")
    if len(units_of(ctx, organization)) >= UNITS_MAX:
        raise constraint("OU_NUMBER_LIMIT_EXCEEDED")
    prefix = f"ou-{organization.root_id.removeprefix('r-')}-"
    unit = Unit(
        account=organization.account,
        id=new_id(prefix, UNIT_ID_LENGTH),
        name=name,
        parent_id=parent_id,
        tags=tagged({}, request.get("Tags", [])),
    )
    async with changing(ctx) as tx:
        tx.put(units, unit)
        if SCP in organization.policy_types:
            tx.put(attachments, full_access_of(organization, unit.id))
    return {"OrganizationalUnit": describe_unit(organization, unit, path_of_place(ctx.store, organization, unit.id))}


@requires("organizations:DescribeOrganizationalUnit", named("OrganizationalUnitId"))
async def describe_organizational_unit(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One unit."""
    organization = overseen(ctx)
    return {"OrganizationalUnit": _described(ctx, organization, _unit(ctx, organization, request["OrganizationalUnitId"]))}


@requires("organizations:UpdateOrganizationalUnit", named("OrganizationalUnitId"))
async def update_organizational_unit(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another name; the id stays, and so does everything below."""
    organization = managed(ctx)
    unit = _unit(ctx, organization, request["OrganizationalUnitId"])
    renamed = msgspec.structs.replace(unit, name=request.get("Name", unit.name))
    if any(other.name == renamed.name and other.id != unit.id for other in _siblings(ctx, organization, unit.parent_id)):
        raise name_taken()
    async with ctx.store.transaction() as tx:
        tx.put(units, renamed)
    return {"OrganizationalUnit": _described(ctx, organization, renamed)}


@requires("organizations:DeleteOrganizationalUnit", named("OrganizationalUnitId"))
async def delete_organizational_unit(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only an empty one."""
    organization = managed(ctx)
    unit = _unit(ctx, organization, request["OrganizationalUnitId"])
    if _siblings(ctx, organization, unit.id) or any(member.parent_id == unit.id for member in members_of(ctx, organization)):
        raise fault("OrganizationalUnitNotEmptyException", "The specified organizational unit contains accounts or other units.")
    async with changing(ctx) as tx:
        for attachment in ctx.store.scan(attachments, organization.account, GLOBAL, unit.id):
            tx.delete(attachments, *attachments.key(attachment))
        tx.delete(units, organization.account, GLOBAL, unit.id)
    return {}


@requires("organizations:ListOrganizationalUnitsForParent", named("ParentId"))
async def list_organizational_units_for_parent(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The units directly below."""
    organization = overseen(ctx)
    check_parent(ctx, organization, request["ParentId"])
    shown, token = page(_siblings(ctx, organization, request["ParentId"]), request, lambda unit: unit.id)
    return {"OrganizationalUnits": [_described(ctx, organization, unit) for unit in shown], "NextToken": token}


@requires("organizations:ListChildren", named("ParentId"))
async def list_children(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The units or the accounts directly below, by id."""
    organization = overseen(ctx)
    parent_id, kind = request["ParentId"], request["ChildType"]
    check_parent(ctx, organization, parent_id)
    if kind == "ACCOUNT":
        found = [member.account for member in members_of(ctx, organization) if member.parent_id == parent_id]
    else:
        found = [unit.id for unit in _siblings(ctx, organization, parent_id)]
    shown, token = page(found, request, str)
    return {"Children": [{"Id": each, "Type": kind} for each in shown], "NextToken": token}


@requires("organizations:ListParents", named("ChildId"))
async def list_parents(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The one that a unit or an account stands under."""
    organization = overseen(ctx)
    child_id = request["ChildId"]
    child = find_unit(ctx, organization, child_id) or ctx.store.get(members, child_id, GLOBAL)
    if child is None or (not isinstance(child, Unit) and child.management != organization.account):
        raise fault("ChildNotFoundException", "You specified a child that doesn't exist.")
    kind = "ROOT" if child.parent_id == organization.root_id else "ORGANIZATIONAL_UNIT"
    shown, token = page([child.parent_id], request, str)
    return {"Parents": [{"Id": each, "Type": kind} for each in shown], "NextToken": token}
