"""The IAM roles associated with a cluster: those that its SQL may name in IAM_ROLE."""

from typing import Any

from msgspec.structs import replace

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import arns
from .clusters import find_available, shown
from .model import checked_roles, clusters, with_default_role
from .warehouses import warehouses_of


@requires("redshift:ModifyClusterIamRoles", arns.cluster)
@requires("iam:PassRole", arns.passed_roles("AddIamRoles"), passed_to="redshift.amazonaws.com")
async def modify_cluster_iam_roles(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """They hold from the cluster's next statement on."""
    cluster = find_available(ctx, request["ClusterIdentifier"])
    roles = checked_roles(cluster.roles, request.get("AddIamRoles", []), request.get("RemoveIamRoles", []))
    changed = with_default_role(replace(cluster, roles=roles), request.get("DefaultIamRoleArn"))
    async with ctx.store.transaction() as tx:
        tx.put(clusters, changed)
    await warehouses_of(ctx.home).inform(changed)
    return shown(ctx, changed)
