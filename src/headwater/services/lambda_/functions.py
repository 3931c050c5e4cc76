"""Functions: create, show, change, delete. What they are made of is checked here, before anything is kept.

A function is ready as soon as its code is unpacked; AWS's answers say Pending and InProgress first, and so do these: a client
that waits, as it must on AWS, waits for one more call. Each such state is a revision, so the RevisionId of these answers is
never that of the function which comes out of it.
"""

import asyncio
from typing import Any

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import SERVICE, code
from .addresses import drop_urls
from .arns import PRINCIPAL, function_arn, layers, passes_role
from .code_signing import check_code_signing, check_deployment
from .configuration import TAGS_MAX, configured
from .disposal import perhaps_unused
from .download import _location_of
from .fleet import fleet_of, version_of
from .invocation import failed
from .listing import PAGE, page
from .model import (
    ALIASES,
    CREATING,
    EVENT_CONFIGS,
    FUNCTIONS,
    LATEST,
    POLICIES,
    PROVISIONED,
    RUNTIME_UPDATES,
    UPDATING,
    VERSIONS,
    Function,
    Version,
    describe,
    padded,
)
from .names import NAME_CHARACTERS_MAX, Reference, conflict, invalid, not_found, reference, wrong_revision
from .queue import queue_of
from .roles import _check_given

Parameters = dict[str, Any]


@requires("lambda:CreateFunction", function_arn)
@requires("iam:PassRole", "{Role}", when=passes_role, passed_to=PRINCIPAL)
@requires("lambda:GetLayerVersion", layers, when="Layers")
@requires("lambda:TagResource", function_arn, when="Tags")
async def create_function(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"])
    _check_new(ctx, asked, request)
    function = Function(
        account=ctx.account,
        region=ctx.region,
        name=asked.name,
        tags=request.get("Tags", {}),
        code_signing_arn=request.get("CodeSigningConfigArn") or None,
    )
    if function.code_signing_arn is not None:
        check_code_signing(ctx, function.code_signing_arn)
        check_deployment(ctx, function)
    sha256, size = await _upload(ctx, request["Code"], "CreateFunction")
    blank = Version(
        account=ctx.account,
        region=ctx.region,
        name=asked.name,
        version=LATEST,
        role=request["Role"],
        runtime=request["Runtime"],
        handler=request.get("Handler", ""),
        code_sha256=sha256,
        code_bytes=size,
        modified_at=ctx.clock.now(),
        revision_id=ctx.new_id(),
        log_group=f"/aws/lambda/{asked.name}",
    )
    latest = configured(ctx, blank, request)
    await _check_given(ctx, latest.role, latest.function_arn)
    published = msgspec.structs.replace(latest, version="1", revision_id=ctx.new_id()) if request.get("Publish") else None
    if ctx.store.get(FUNCTIONS, *asked.key) is not None:  # again: the upload took a while
        raise conflict(f"Function already exist: {asked.name}")
    async with ctx.store.transaction() as tx:
        tx.put(FUNCTIONS, msgspec.structs.replace(function, next_version=2) if published else function)
        tx.put(VERSIONS, latest)
        if published is not None:
            tx.put(VERSIONS, published)
    return describe(published or latest, ctx.home.vault, arn=asked.function_arn, **_passing(ctx, CREATING))


@requires("lambda:GetFunction", function_arn)
async def get_function(ctx: Context, request: Parameters) -> Parameters:
    asked, version = find(ctx, request)
    function = _function(ctx, asked)
    answer: Parameters = {
        "Configuration": describe(version, ctx.home.vault, arn=asked.arn),
        "Code": {"RepositoryType": "S3", "Location": await _location_of(ctx, version.code_sha256)},
    }
    if function.tags and asked.qualifier is None:
        answer |= _tags_for_who_may_list_them(ctx, request, function.tags, asked.function_arn)
    if function.reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return answer


def _tags_for_who_may_list_them(ctx: Context, request: Parameters, tags: dict[str, str], arn: str) -> Parameters:
    """Since July 2024 GetFunction shows tags only to those who may ListTags."""
    operation = SERVICE.model.operations["ListTags"]
    if ctx.home.authorization.allows(ctx, operation, request, "lambda:ListTags", arn):
        return {"Tags": tags}
    words = f"User: {ctx.principal.arn} is not authorized to perform: lambda:ListTags on resource: {arn}"
    return {"TagsError": {"ErrorCode": "AccessDeniedException", "Message": words}}


@requires("lambda:GetFunctionConfiguration", function_arn)
async def get_function_configuration(ctx: Context, request: Parameters) -> Parameters:
    asked, version = find(ctx, request)
    return describe(version, ctx.home.vault, arn=asked.arn)


@requires("lambda:ListFunctions")
async def list_functions(ctx: Context, request: Parameters) -> Parameters:
    versions = ctx.store.scan(VERSIONS, ctx.account, ctx.region)
    if request.get("FunctionVersion") == "ALL":
        described = [(f"{v.name}:{padded(v.version)}", describe(v, ctx.home.vault, arn=f"{v.function_arn}:{v.version}")) for v in versions]
    else:
        described = [(v.name, describe(v, ctx.home.vault, arn=v.function_arn)) for v in versions if v.version == LATEST]
    return page(described, request, "Functions", PAGE)


@requires("lambda:UpdateFunctionCode", function_arn)
async def update_function_code(ctx: Context, request: Parameters) -> Parameters:
    asked, latest = find(ctx, request)
    _check_revision(latest, request)
    if request.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    check_deployment(ctx, _function(ctx, asked))
    sha256, size = await _upload(ctx, request, "UpdateFunctionCode")
    latest = _latest(ctx, asked)  # again: the upload took a while
    changed = msgspec.structs.replace(
        latest,
        code_sha256=sha256,
        code_bytes=size,
        architectures=tuple(request.get("Architectures", latest.architectures)),
        modified_at=ctx.clock.now(),
        revision_id=ctx.new_id(),
    )
    if request.get("DryRun"):
        return describe(changed, ctx.home.vault, arn=asked.function_arn)
    async with ctx.store.transaction() as tx:
        tx.put(VERSIONS, changed)
        if sha256 != latest.code_sha256:
            tx.owe(perhaps_unused(ctx, latest.code_sha256))
    fleet_of(ctx.home).crew(asked.key).renew(changed)
    if request.get("Publish"):
        from .versions import _publish as publish

        changed = await publish(ctx, changed, None)
        return describe(changed, ctx.home.vault, arn=f"{changed.function_arn}:{changed.version}", **_passing(ctx, CREATING))
    return describe(changed, ctx.home.vault, arn=asked.function_arn, **_passing(ctx, UPDATING))


@requires("lambda:UpdateFunctionConfiguration", function_arn)
@requires("iam:PassRole", "{Role}", when=passes_role, passed_to=PRINCIPAL)
@requires("lambda:GetLayerVersion", layers, when="Layers")
async def update_function_configuration(ctx: Context, request: Parameters) -> Parameters:
    asked, latest = find(ctx, request)
    _check_revision(latest, request)
    changed = configured(ctx, latest, request)
    if request.get("Layers"):
        check_deployment(ctx, _function(ctx, asked))
    if "Role" in request:
        await _check_given(ctx, changed.role, changed.function_arn)
    changed = msgspec.structs.replace(changed, modified_at=ctx.clock.now(), revision_id=ctx.new_id())
    async with ctx.store.transaction() as tx:
        tx.put(VERSIONS, changed)
    fleet_of(ctx.home).crew(asked.key).renew(changed)
    return describe(changed, ctx.home.vault, arn=asked.function_arn, **_passing(ctx, UPDATING))


@requires("lambda:DeleteFunction", function_arn)
async def delete_function(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise not_found(asked.function_arn)
    if asked.qualifier is not None:
        await _delete_version(ctx, asked)
        return {"StatusCode": 204}
    versions = ctx.store.scan(VERSIONS, *asked.key)
    async with ctx.store.transaction() as tx:
        tx.delete(FUNCTIONS, *asked.key)
        for version in versions:
            tx.delete(VERSIONS, *asked.key, padded(version.version))
            tx.owe(perhaps_unused(ctx, version.code_sha256))
        for alias in ctx.store.scan(ALIASES, *asked.key):
            tx.delete(ALIASES, *asked.key, alias.name)
        for policy in ctx.store.scan(POLICIES, *asked.key):
            tx.delete(POLICIES, *asked.key, policy.qualifier)
        for config in ctx.store.scan(EVENT_CONFIGS, *asked.key):
            tx.delete(EVENT_CONFIGS, *asked.key, config.qualifier)
        drop_urls(ctx.store, tx, asked.key)
        for provisioned in ctx.store.scan(PROVISIONED, *asked.key):
            tx.delete(PROVISIONED, *asked.key, provisioned.qualifier)
        for update in ctx.store.scan(RUNTIME_UPDATES, *asked.key):
            tx.delete(RUNTIME_UPDATES, *asked.key, update.qualifier)
    gone = not_found(asked.function_arn)
    for invocation in fleet_of(ctx.home).forget(asked.key):
        invocation.done(invocation, failed(gone.code, gone.message))
    await queue_of(ctx.home).drop_all(asked.key)
    return {"StatusCode": 204}


async def _delete_version(ctx: Context, asked: Reference) -> None:
    qualifier = asked.qualifier
    assert qualifier is not None
    if qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if not qualifier.isdecimal():
        raise invalid("Deletion of aliases is not currently supported.")
    version = version_of(ctx.store, asked.key, qualifier)
    if version is None:
        return  # deleting what is not there is no error for a version
    pointing = [alias.name for alias in ctx.store.scan(ALIASES, *asked.key) if qualifier in (alias.version, *alias.weights)]
    if pointing:
        arns = ", ".join(f"{asked.function_arn}:{name}" for name in pointing)
        raise conflict(f"Version {qualifier} cannot be deleted because it is referenced by aliases: {arns}")
    async with ctx.store.transaction() as tx:
        tx.delete(VERSIONS, *asked.key, padded(qualifier))
        tx.delete(PROVISIONED, *asked.key, qualifier)
        tx.owe(perhaps_unused(ctx, version.code_sha256))
    fleet_of(ctx.home).crew(asked.key).dismiss(qualifier)


# What operations on functions share.


def find(ctx: Context, request: Parameters) -> tuple[Reference, Version]:
    """The function and the version that a request names. Another account's too: that its caller may, the function's own policy has said."""
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    version = version_of(ctx.store, asked.key, asked.qualifier)
    if version is None:
        raise not_found(asked.arn)
    return asked, version


async def _upload(ctx: Context, source: Parameters, operation: str) -> tuple[str, int]:
    """Keep the code that a request brings or names; its hash and its size."""
    if source.get("ImageUri"):
        raise invalid("This Headwater runs functions from .zip archives; container images (PackageType Image) are not built.")
    archive, bytes_max = source.get("ZipFile"), code.ZIP_BYTES_MAX
    if archive is None:
        if not source.get("S3Bucket") or not source.get("S3Key"):
            raise invalid("Please provide a source for function code.")
        archive, bytes_max = await _from_s3(ctx, source), code.UNZIPPED_BYTES_MAX  # from there it may be as large as what is in it
    elif (len(archive) + 2) // 3 * 4 > code.REQUEST_BYTES_MAX:  # as base64 it was: the request's own length, but for its other members
        sentence = f"Request must be smaller than {code.REQUEST_BYTES_MAX} bytes for the {operation} operation"
        raise fault("RequestEntityTooLargeException", sentence)
    root = fleet_of(ctx.home).root
    sha256 = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, code.keep, root, archive, bytes_max)
    return sha256, len(archive)


async def _from_s3(ctx: Context, source: Parameters) -> bytes:
    what = {"Bucket": source["S3Bucket"], "Key": source["S3Key"]}
    if source.get("S3ObjectVersion"):
        what["VersionId"] = source["S3ObjectVersion"]
    try:
        found = await ctx.client("s3").get_object(**what)
    except Fault as refusal:
        sentence = f"Error occurred while GetObject. S3 Error Code: {refusal.code}. S3 Error Message: {refusal.message}"
        raise invalid(sentence) from refusal
    archive: bytes = await found["Body"].read()
    return archive


def _check_new(ctx: Context, asked: Reference, request: Parameters) -> None:
    if len(asked.name) > NAME_CHARACTERS_MAX:
        sentence = f"Value '{asked.name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"
        raise invalid(f"1 validation error detected: {sentence}")
    if asked.account != ctx.account:
        raise fault("AccessDeniedException", "Cross-account function creation is not allowed.")
    if request.get("PackageType", "Zip") == "Image" or request["Code"].get("ImageUri"):
        raise invalid("This Headwater runs functions from .zip archives; container images (PackageType Image) are not built.")
    for member in ("Runtime", "Handler"):
        if not request.get(member):
            raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    if len(request.get("Tags", {})) > TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")
    if ctx.store.get(FUNCTIONS, *asked.key) is not None:
        raise conflict(f"Function already exist: {asked.name}")


def _passing(ctx: Context, state: dict[str, str]) -> dict[str, str]:
    """The members of a state that has passed when it is asked for again."""
    return state | {"RevisionId": ctx.new_id()}


def _function(ctx: Context, asked: Reference) -> Function:
    """The record of a function that was found."""
    function = ctx.store.get(FUNCTIONS, *asked.key)
    assert function is not None
    return function


def _latest(ctx: Context, asked: Reference) -> Version:
    latest = version_of(ctx.store, asked.key, None)
    if latest is None:
        raise not_found(asked.function_arn)
    return latest


def _check_revision(version: Version, request: Parameters) -> None:
    if request.get("RevisionId", version.revision_id) != version.revision_id:
        raise wrong_revision()
