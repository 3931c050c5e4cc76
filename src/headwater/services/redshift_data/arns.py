"""The warehouse that a request is about, for its permission line.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Redshift Data API".
"""

from typing import Any

from headwater.kernel.context import Context

from .running import running_of


def warehouse(ctx: Context, request: dict[str, Any]) -> str:
    """The cluster or the workgroup; of a session, the cluster that it is a session at."""
    if "WorkgroupName" in request:
        return ctx.arn("redshift-serverless", f"workgroup/{request['WorkgroupName']}")
    kept = running_of(ctx.home).sessions.get(request.get("SessionId", ""))
    cluster = kept.target.cluster if kept is not None else request.get("ClusterIdentifier", "*")
    return ctx.arn("redshift", f"cluster:{cluster.lower()}")
