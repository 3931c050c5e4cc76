"""Layers: archives that appear under /opt of the functions that name them."""

from typing import Any

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import layer_arn, layer_version_arn
from .configuration import Parameters
from .disposal import perhaps_unused
from .download import _location_of
from .functions import _upload
from .listing import PAGE, page
from .model import LAYER_POLICIES, LAYERS, Layer, padded, timestamp
from .names import invalid, no_such_resource


@requires("lambda:PublishLayerVersion", layer_arn)
async def publish_layer_version(ctx: Context, request: Parameters) -> Parameters:
    name = _name(ctx, request["LayerName"])
    sha256, size = await _upload(ctx, request["Content"], "PublishLayerVersion")
    newest = _layers(ctx, name, with_deleted=True)
    layer = Layer(
        account=ctx.account,
        region=ctx.region,
        name=name,
        version=newest[-1].version + 1 if newest else 1,
        code_sha256=sha256,
        code_bytes=size,
        created_at=ctx.clock.now(),
        description=request.get("Description", ""),
        runtimes=request.get("CompatibleRuntimes", []),
        architectures=request.get("CompatibleArchitectures", []),
        license=request.get("LicenseInfo"),
    )
    async with ctx.store.transaction() as tx:
        tx.put(LAYERS, layer)
    return await _whole(ctx, layer)


@requires("lambda:GetLayerVersion", layer_version_arn)
async def get_layer_version(ctx: Context, request: Parameters) -> Parameters:
    _check_number(request)
    layer = _find(ctx, *layer_named(ctx, request["LayerName"]), request["VersionNumber"])
    return await _whole(ctx, layer)


@requires("lambda:GetLayerVersion", "{Arn}")
async def get_layer_version_by_arn(ctx: Context, request: Parameters) -> Parameters:
    layer_arn, _, version = request["Arn"].rpartition(":")
    layer = _find(ctx, *layer_named(ctx, layer_arn), int(version))
    return await _whole(ctx, layer)


@requires("lambda:ListLayerVersions")
async def list_layer_versions(ctx: Context, request: Parameters) -> Parameters:
    layers = _suiting(_layers(ctx, _name(ctx, request["LayerName"])), request)
    newest_first = [(f"{10**12 - layer.version:012d}", describe_layer(layer)) for layer in reversed(layers)]
    return page(newest_first, request, "LayerVersions", PAGE)


@requires("lambda:ListLayers")
async def list_layers(ctx: Context, request: Parameters) -> Parameters:
    newest = {layer.name: layer for layer in _suiting(_layers(ctx), request)}
    described: list[tuple[str, Parameters]] = [
        (name, {"LayerName": name, "LayerArn": layer.layer_arn, "LatestMatchingVersion": describe_layer(layer)})
        for name, layer in sorted(newest.items())
    ]
    return page(described, request, "Layers", PAGE)


@requires("lambda:DeleteLayerVersion", layer_version_arn)
async def delete_layer_version(ctx: Context, request: Parameters) -> None:
    """Its record stays, marked: its number is never given again, and functions that have the layer keep it, as on AWS."""
    _check_number(request)
    layer = ctx.store.get(LAYERS, ctx.account, ctx.region, _name(ctx, request["LayerName"]), padded(str(request["VersionNumber"])))
    if layer is None:
        return
    async with ctx.store.transaction() as tx:
        tx.put(LAYERS, layer.deleted())
        tx.delete(LAYER_POLICIES, layer.account, layer.region, layer.name, padded(str(layer.version)))
        tx.owe(perhaps_unused(ctx, layer.code_sha256))


def describe_layer(layer: Layer) -> dict[str, Any]:
    return {
        "LayerVersionArn": layer.arn,
        "Description": layer.description,
        "CreatedDate": timestamp(layer.created_at),
        "Version": layer.version,
        "CompatibleRuntimes": layer.runtimes or None,
        "CompatibleArchitectures": layer.architectures or None,
        "LicenseInfo": layer.license,
    }


async def _whole(ctx: Context, layer: Layer) -> dict[str, Any]:
    """A layer version with its place and its content, as it is shown when it stands alone."""
    content = {"Location": await _location_of(ctx, layer.code_sha256), "CodeSha256": layer.code_sha256, "CodeSize": layer.code_bytes}
    return describe_layer(layer) | {"LayerArn": layer.layer_arn, "Content": content}


def _check_number(request: Parameters) -> None:
    if request["VersionNumber"] < 1:
        raise invalid("Layer Version Cannot be less than 1.")


def _find(ctx: Context, account: str, name: str, version: int) -> Layer:
    layer = ctx.store.get(LAYERS, account, ctx.region, name, padded(str(version)))
    if layer is None or layer.is_deleted:
        raise no_such_resource()
    return layer


def _layers(ctx: Context, *name: str, with_deleted: bool = False) -> list[Layer]:
    return [layer for layer in ctx.store.scan(LAYERS, ctx.account, ctx.region, *name) if with_deleted or not layer.is_deleted]


def _suiting(layers: list[Layer], request: Parameters) -> list[Layer]:
    runtime, architecture = request.get("CompatibleRuntime"), request.get("CompatibleArchitecture")
    return [
        layer
        for layer in layers
        if (runtime is None or runtime in layer.runtimes) and (architecture is None or architecture in layer.architectures)
    ]


def layer_named(ctx: Context, name_or_arn: str) -> tuple[str, str]:
    """Account and name. Another account's is named by its ARN: that its caller may, the layer version's own policy has said."""
    if not name_or_arn.startswith("arn:"):
        return ctx.account, name_or_arn
    _, _, _, region, account, _, name = name_or_arn.split(":", 6)
    if region != ctx.region or ":" in name:
        raise no_such_resource()
    return account, name


def _name(ctx: Context, name_or_arn: str) -> str:
    """The name of a layer of this account and region: what an ARN of another one names is not here, whatever its last word."""
    name = name_or_arn.removeprefix(ctx.arn("lambda", "layer:"))
    if ":" in name:
        raise no_such_resource()
    return name
