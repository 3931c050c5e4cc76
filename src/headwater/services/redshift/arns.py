"""The ARN that a request is about, for its permission line. Redshift keeps names in lower case; database names and users it does not.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Redshift"; GetClusterCredentials in the
API reference for what AutoCreate and DbGroups need besides.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from headwater.kernel.context import Context

Request = dict[str, Any]

RESOURCE: Final = "{ResourceName}"


def _named(ctx: Context, kind: str, name: str | None) -> str:
    return ctx.arn("redshift", f"{kind}:{'*' if name is None else name.lower()}")


def cluster(ctx: Context, request: Request) -> str:
    """The named cluster; all of them where none is named."""
    return _named(ctx, "cluster", request.get("ClusterIdentifier"))


def parameter_group(ctx: Context, request: Request) -> str:
    return _named(ctx, "parametergroup", request["ParameterGroupName"])


def subnet_group(ctx: Context, request: Request) -> str:
    return _named(ctx, "subnetgroup", request["ClusterSubnetGroupName"])


def _inside(ctx: Context, kind: str, request: Request, name: str) -> str:
    return f"{_named(ctx, kind, request.get('ClusterIdentifier'))}/{name}"


def db_user(ctx: Context, request: Request) -> str:
    return _inside(ctx, "dbuser", request, request["DbUser"])


def database(ctx: Context, request: Request) -> str:
    """The named database; any, where none is named."""
    return _inside(ctx, "dbname", request, request.get("DbName", "*"))


def db_groups(ctx: Context, request: Request) -> Iterable[str]:
    return [_inside(ctx, "dbgroup", request, group) for group in request["DbGroups"]]


def creates_user(ctx: Context, request: Request) -> bool:
    return bool(request.get("AutoCreate"))


def passed_roles(member: str) -> Callable[[Context, Request], Iterable[str]]:
    """The roles that the cluster is given: each must be one that the caller may pass."""
    return lambda ctx, request: request.get(member, ())
