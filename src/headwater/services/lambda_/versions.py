"""Published versions, which never change, and aliases, which say who of them is meant."""

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .addresses import drop_urls
from .arns import function_arn
from .fleet import fleet_of, version_of
from .functions import Parameters, find
from .listing import PAGE, page
from .model import ALIASES, FUNCTIONS, LATEST, POLICIES, PROVISIONED, VERSIONS, Alias, Version, describe, describe_alias, padded
from .names import Reference, conflict, invalid, no_such_alias, not_found, reference, wrong_revision
from .provisioned import provision


@requires("lambda:PublishVersion", function_arn)
async def publish_version(ctx: Context, request: Parameters) -> Parameters:
    asked, latest = find(ctx, request)
    if request.get("RevisionId", latest.revision_id) != latest.revision_id:
        raise wrong_revision()
    wanted = request.get("CodeSha256", latest.code_sha256)
    if wanted != latest.code_sha256:
        raise invalid(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({latest.code_sha256}). Please try again with the"
            " CodeSHA256 in $LATEST."
        )
    published = await _publish(ctx, latest, request.get("Description"))
    return describe(published, ctx.home.vault, arn=asked.qualified(published.version))


@requires("lambda:ListVersionsByFunction", function_arn)
async def list_versions_by_function(ctx: Context, request: Parameters) -> Parameters:
    asked, _ = find(ctx, request)
    versions = ctx.store.scan(VERSIONS, *asked.key)
    return page(
        [(padded(v.version), describe(v, ctx.home.vault, arn=asked.qualified(v.version))) for v in versions], request, "Versions", PAGE
    )


@requires("lambda:CreateAlias", function_arn)
async def create_alias(ctx: Context, request: Parameters) -> Parameters:
    asked, _ = find(ctx, request)
    name = request["Name"]
    if ctx.store.get(ALIASES, *asked.key, name) is not None:
        raise conflict(f"Alias already exists: {asked.qualified(name)}")
    alias = Alias(
        account=asked.account,
        region=asked.region,
        function=asked.name,
        name=name,
        version=request["FunctionVersion"],
        description=request.get("Description", ""),
        weights=request.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        revision_id=ctx.new_id(),
    )
    _check_versions(ctx, asked, alias)
    async with ctx.store.transaction() as tx:
        tx.put(ALIASES, alias)
    return describe_alias(alias)


@requires("lambda:GetAlias", function_arn)
async def get_alias(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"])
    alias = ctx.store.get(ALIASES, *asked.key, request["Name"])
    if alias is None:
        raise no_such_alias(asked.qualified(request["Name"]))
    return describe_alias(alias)


@requires("lambda:UpdateAlias", function_arn)
async def update_alias(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"])
    alias = ctx.store.get(ALIASES, *asked.key, request["Name"])
    if alias is None:
        raise fault("ResourceNotFoundException", f"Alias not found: {asked.qualified(request['Name'])}", Type="User")
    if request.get("RevisionId", alias.revision_id) != alias.revision_id:
        raise wrong_revision()
    changed = msgspec.structs.replace(
        alias,
        version=request.get("FunctionVersion", alias.version),
        description=request.get("Description", alias.description),
        weights=request["RoutingConfig"].get("AdditionalVersionWeights", {}) if "RoutingConfig" in request else alias.weights,
        revision_id=ctx.new_id(),
    )
    _check_versions(ctx, asked, changed)
    async with ctx.store.transaction() as tx:
        tx.put(ALIASES, changed)
    provision(ctx.home, asked.key)
    return describe_alias(changed)


@requires("lambda:DeleteAlias", function_arn)
async def delete_alias(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"])
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise not_found(asked.function_arn)
    async with ctx.store.transaction() as tx:  # deleting what is not there is no error
        tx.delete(ALIASES, *asked.key, request["Name"])
        tx.delete(POLICIES, *asked.key, request["Name"])
        drop_urls(ctx.store, tx, asked.key, request["Name"])
        tx.delete(PROVISIONED, *asked.key, request["Name"])
    provision(ctx.home, asked.key)
    return {}


@requires("lambda:ListAliases", function_arn)
async def list_aliases(ctx: Context, request: Parameters) -> Parameters:
    asked, _ = find(ctx, request)
    version = request.get("FunctionVersion")
    aliases = ctx.store.scan(ALIASES, *asked.key)
    return page(
        [(alias.name, describe_alias(alias)) for alias in aliases if version is None or version in (alias.version, *alias.weights)],
        request,
        "Aliases",
        PAGE,
    )


async def _publish(ctx: Context, latest: Version, description: str | None) -> Version:
    """The newest published version: a new one, or the last again where nothing has changed since."""
    function = ctx.store.get(FUNCTIONS, *latest.key)
    assert function is not None
    published = [version for version in ctx.store.scan(VERSIONS, *latest.key) if version.version != LATEST]
    if published and published[-1].same_as(latest):
        return published[-1]
    version = msgspec.structs.replace(
        latest,
        version=str(function.next_version),
        description=latest.description if description is None else description,
        revision_id=ctx.new_id(),
    )
    async with ctx.store.transaction() as tx:
        tx.put(VERSIONS, version)
        tx.put(VERSIONS, msgspec.structs.replace(latest, revision_id=ctx.new_id()))
        tx.put(FUNCTIONS, msgspec.structs.replace(function, next_version=function.next_version + 1))
    fleet_of(ctx.home).crew(latest.key).dismiss(version.version)
    return version


def _check_versions(ctx: Context, asked: Reference, alias: Alias) -> None:
    if version_of(ctx.store, asked.key, alias.version) is None:
        raise not_found(asked.qualified(alias.version))
    if len(alias.weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if LATEST in (alias.version, *alias.weights) and alias.weights:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if alias.version in alias.weights:
        raise invalid(
            f"Invalid function version {alias.version}. Function version {alias.version} is already included in routing configuration."
        )
    for version in alias.weights:
        if version_of(ctx.store, asked.key, version) is None:
            raise not_found(asked.qualified(version))
