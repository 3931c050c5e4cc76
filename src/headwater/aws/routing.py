"""Which service, which operation: read from the request itself by table look-ups compiled from the models.

In this order: X-Amz-Target, the path of RPC v2 CBOR, the signature's scope, the host, an `Action`; then, for the REST services,
the method and path. Loopback addresses say nothing. When nothing tells, it is an anonymous call of S3.
"""

import msgspec

from headwater.aws.faults import Fault
from headwater.aws.wire import Request


class Route(msgspec.Struct):
    """`service` is botocore's directory name; `operation` is None where the service has no such one."""

    service: str
    operation: str | None
    protocol: str
    uri_labels: dict[str, str]
    region: str | None


def route(request: Request) -> Route:
    raise NotImplementedError


def unknown_operation(request: Request, route: Route) -> Fault:
    """What AWS says to a request whose service is known and whose operation is not."""
    raise NotImplementedError
