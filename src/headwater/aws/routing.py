"""Which service, which operation: read from the request itself by table look-ups compiled from the models.

In this order: X-Amz-Target, the path of RPC v2 CBOR, the signature's scope, the host, an `Action`; then, for the REST services,
the method and path. Loopback addresses say nothing. When nothing tells, it is an anonymous call of S3.
"""

import re
from functools import cache, lru_cache
from typing import Final
from urllib.parse import unquote

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.index import index
from headwater.aws.models import service_model
from headwater.aws.patches import patch
from headwater.aws.paths import PathTable, path_segments
from headwater.aws.wire import Request


class Route(msgspec.Struct):
    """`service` is botocore's directory name; `operation` is None where the service has no such one.

    Three more services have hosts and no model: `lambda-url` and `execute-api`, whose label `Id` is the host's first, and `s3-website`,
    whose `Bucket` is what stands before it. Where S3 has no such operation, `Bucket` and `Key` are still what the request names.
    """

    service: str
    operation: str | None
    protocol: str
    uri_labels: dict[str, str]
    region: str | None


class _Host(msgspec.Struct, frozen=True):
    """What a host name says; every part may be silent. `bucket` is what it is if the service turns out to be S3."""

    service: str | None = None
    region: str | None = None
    bucket: str | None = None
    id: str | None = None


_SILENT: Final = _Host()
_CBOR: Final = "smithy-rpc-v2-cbor"
_RPC_PATH: Final = re.compile(r"/service/([^/]+)/operation/([^/]+)")
_SCOPE: Final = re.compile(r"Credential=[^,\s]+?/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_QUERY_SCOPE: Final = re.compile(
    r"(?:^|&)X-Amz-Credential=[^&]+?(?:/|%2F)\d{8}(?:/|%2F)([^&]+?)(?:/|%2F)([^&]+?)(?:/|%2F)aws4_request", re.IGNORECASE
)
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_IP: Final = re.compile(r"[\d.]+|\[?[0-9a-f:]*:[0-9a-f:]*\]?")
_PORT: Final = re.compile(r":\d+$")
_BY_ID: Final = frozenset({"lambda-url", "execute-api"})
_WEBSITE: Final = "s3-website"
_S3_CONTROL_PATH: Final = "/v20180820/"


def route(request: Request) -> Route:
    headers = request.headers
    host = _host(headers.get("host", ""))
    target = headers.get("x-amz-target")
    scope = _scope(request)
    region = scope[0] if scope else host.region
    if target is not None:
        return _targeted(target, scope, region)
    if host.id is not None and host.service is not None:
        return Route(host.service, None, "http", {"Id": host.id}, region)
    if host.service == _WEBSITE:
        return Route(_WEBSITE, None, "http", {"Bucket": host.bucket or ""}, region)
    rpc = _RPC_PATH.fullmatch(request.path) if headers.get("smithy-protocol") == "rpc-v2-cbor" else None
    if rpc is not None:
        return _known(_by_target(rpc.group(1), rpc.group(2), scope), rpc.group(2), _CBOR, region)
    return _by_name(request, scope, host, region)


def _by_name(request: Request, scope: tuple[str, str] | None, host: _Host, region: str | None) -> Route:
    names = _candidates(request, scope, host)
    if not names:
        return _without_service(request, host, region)
    if _is_rest(names[0]):
        return _rest(request, names, host, region)
    return _actioned(request, names, region)


def _scope(request: Request) -> tuple[str, str] | None:
    """Region and signing name from the signature, wherever it stands."""
    authorization = request.headers.get("authorization")
    if authorization:
        opening = authorization.rpartition("Signature=")[0]
        return _header_scope(opening) or _header_scope(authorization)
    found = _QUERY_SCOPE.search(request.query) if request.query else None
    return (found.group(1), found.group(2)) if found else None


@lru_cache(maxsize=1024)
def _header_scope(text: str) -> tuple[str, str] | None:
    """What stands before the signature, which a client repeats in all its calls of one kind."""
    found = _SCOPE.search(text)
    return (found.group(1), found.group(2)) if found else None


@lru_cache(maxsize=1024)  # bounded: whoever sends a request chooses its host
def _host(text: str) -> _Host:
    name = _PORT.sub("", text).lower()
    if not name or name == "localhost" or _IP.fullmatch(name):
        return _SILENT
    return _host_of(name, name.split("."))


def _host_of(name: str, labels: list[str]) -> _Host:
    region = next((label for label in labels if _REGION.fullmatch(label)), None)
    if len(labels) > 2 and labels[1] in _BY_ID:
        return _Host(labels[1], region, id=labels[0])
    of_s3 = _host_of_s3(labels, region)
    if of_s3 is not None:
        return of_s3
    service = _endpoint(labels)
    if service is not None:
        return _Host(service, region, name.removesuffix(".localhost") if labels[-1] == "localhost" else None)
    if labels[-1] == "localhost":
        return _Host("s3", None, name.removesuffix(".localhost"))
    return _SILENT


def _host_of_s3(labels: list[str], region: str | None) -> _Host | None:
    for position, label in enumerate(labels):
        bucket = ".".join(labels[:position]) or None
        if label == "s3-control":
            return _Host("s3control", region)
        if label == _WEBSITE or label.startswith(f"{_WEBSITE}-"):
            return _Host(_WEBSITE, region or _dashed_region(label), bucket)
        if (label == "s3" or label.startswith("s3-")) and position < len(labels) - 1:
            return _Host("s3", region or _dashed_region(label), bucket)
    return None


def _dashed_region(label: str) -> str | None:
    """`s3-eu-west-1`, as old endpoints are written, and those of websites still."""
    rest = label.removeprefix("s3-").removeprefix("website-")
    return rest if _REGION.fullmatch(rest) else None


def _endpoint(labels: list[str]) -> str | None:
    if len(labels) < 2:
        return None
    endpoints = index().endpoints
    names = endpoints.get(".".join(labels[:2])) or endpoints.get(labels[0])
    return names[0] if names else None


def _targeted(target: str, scope: tuple[str, str] | None, region: str | None) -> Route:
    prefix, _, operation = target.rpartition(".")
    return _known(_by_target(prefix, operation, scope), operation, "json", region)


def _by_target(prefix: str, operation: str, scope: tuple[str, str] | None) -> str:
    names = index().targets.get(prefix)
    if names is None:
        names = index().signing.get(scope[1], []) if scope else []
    for name in names[:-1]:
        if operation in service_model(name).operations:
            return name
    return names[-1] if names else ""


def _known(service: str, operation: str, protocol: str, region: str | None) -> Route:
    if not service:
        return Route("", None, protocol, {}, region)
    return Route(service, operation if operation in service_model(service).operations else None, protocol, {}, region)


def _candidates(request: Request, scope: tuple[str, str] | None, host: _Host) -> list[str]:
    if scope is not None:
        names = index().signing.get(scope[1], [])
        if scope[1] == "s3" and request.path.startswith(_S3_CONTROL_PATH) and "x-amz-account-id" in request.headers:
            return ["s3control"]
        if host.service in names[1:]:
            return [host.service, *(name for name in names if name != host.service)] if host.service else names
        return names
    return [host.service] if host.service else []


@cache
def _is_rest(name: str) -> bool:
    return index().services[name].protocols[0].startswith("rest")


def _rest(request: Request, names: list[str], host: _Host, region: str | None) -> Route:
    for name in names:
        if not _is_rest(name):
            continue
        found = _table(name).find(request, _segments(request, name, host))
        if found is not None:
            return Route(name, found[0], index().services[name].protocols[0], found[1], region)
    labels = _place(request, host) if names[0] == "s3" else {}
    return Route(names[0], None, index().services[names[0]].protocols[0], labels, region)


def _place(request: Request, host: _Host) -> dict[str, str]:
    """The bucket and the key that a request to S3 names, whatever it wants of them."""
    bucket, *key = [unquote(segment) for segment in _segments(request, "s3", host)] or [""]
    return {name: value for name, value in (("Bucket", bucket), ("Key", "/".join(key))) if value}


def _segments(request: Request, name: str, host: _Host) -> list[str]:
    if name != "s3":
        return path_segments(request.path)
    path = request.path if host.bucket is None else f"/{host.bucket}{request.path}"
    return path_segments(path, keeps_slashes=True)


@cache
def _table(name: str) -> PathTable:
    shadowed = patch(name).shadowed
    operations = [operation for operation in service_model(name).operations.values() if operation.name not in shadowed]
    return PathTable(operations, exact=name == "s3")


def _action(request: Request) -> tuple[str | None, str | None]:
    """The Action and Version of a query request, which stand at the front of its body or in its query string."""
    body = request.body if isinstance(request.body, bytes) else request.body.whole or b""
    text = request.query
    if "Action=" not in text:
        text = body[:_ACTION_WITHIN].decode("latin-1") if "form" in request.headers.get("content-type", "form") else ""
    if "Action=" not in text and len(body) > _ACTION_WITHIN:
        text = body.decode("latin-1")
    action = _ACTION.search(text)
    version = _VERSION.search(text)
    return (action.group(1) if action else None, version.group(1) if version else None)


_ACTION_WITHIN: Final = 4096
_ACTION: Final = re.compile(r"(?:^|&)Action=([^&]*)")
_VERSION: Final = re.compile(r"(?:^|&)Version=([^&]*)")


def _actioned(request: Request, names: list[str], region: str | None) -> Route:
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return Route(names[0], None, _CBOR, {}, region)
    return Route(*_named(tuple(names), *_action(request)), {}, region)


@lru_cache(maxsize=4096)
def _named(names: tuple[str, ...], action: str | None, version: str | None) -> tuple[str, str | None, str]:
    """Service, operation and protocol of an Action. Of several services that sign with one name the version tells."""
    of_version = [name for name in names if index().services[name].api_version == version] or list(names)
    name = of_version[0]
    protocols = index().services[name].protocols
    form = "ec2" if "ec2" in protocols else "query"
    if action is None:
        return name, None, form if form in protocols else "json"
    chosen = next((one for one in of_version if action in service_model(one).operations), name)
    return chosen, action if action in service_model(chosen).operations else None, form


def _without_service(request: Request, host: _Host, region: str | None) -> Route:
    """No signature and a host that says nothing: an anonymous Action is told by its version, everything else is S3's."""
    action, version = _action(request) if request.method == "POST" and request.path == "/" else (None, None)
    if action is not None and version is not None:
        names = [
            name for name, listed in index().services.items() if listed.api_version == version and listed.protocols[-1] in {"query", "ec2"}
        ]
        names.sort(key=lambda name: name not in index().signing)
        if names:
            return _actioned(request, names, region)
    return _rest(request, ["s3"], host, region)


def unknown_operation(request: Request, route: Route) -> Fault:
    """What AWS says to a request whose service is known and whose operation is not."""
    if route.protocol in {"query", "ec2"}:
        action, version = _action(request)
        if action is None:
            return fault("MissingAction", "The request is missing an action or a required parameter.")
        return fault("InvalidAction", f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}")
    if route.service == "s3":
        kind = "OBJECT" if len(path_segments(request.path, keeps_slashes=True)) > 1 else "BUCKET"
        members = {"Method": request.method, "ResourceType": kind}
        return fault("MethodNotAllowed", "The specified method is not allowed against this resource.", **members)
    return fault("UnknownOperationException", "")
