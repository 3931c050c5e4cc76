"""Code signing configurations: whose signatures a function's code must bear.

No profile of AWS Signer exists here, and so no code is ever signed by an allowed publisher: with `Enforce` every deployment to a
function is refused, new code and new layers alike, as AWS refuses what is unsigned; with `Warn` it goes through, as there. What
a function already has stays.
Messages: recordings of TestCodeSigningConfig.
"""

import secrets
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import function_arn
from .listing import PAGE, page
from .model import CODE_SIGNING, FUNCTIONS, CodeSigning, Function, timestamp
from .names import conflict, not_found, reference

Parameters = dict[str, Any]
ENFORCE: Final = "Enforce"
WARN: Final = "Warn"
ID_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_CHARACTERS: Final = 17


@requires("lambda:CreateCodeSigningConfig")
async def create_code_signing_config(ctx: Context, request: Parameters) -> Parameters:
    kept = CodeSigning(
        account=ctx.account,
        region=ctx.region,
        id="csc-" + "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_CHARACTERS)),
        publishers=request["AllowedPublishers"]["SigningProfileVersionArns"],
        policy=request.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment", WARN),
        description=request.get("Description"),
        tags=request.get("Tags", {}),
        modified_at=ctx.clock.now(),
    )
    async with ctx.store.transaction() as tx:
        tx.put(CODE_SIGNING, kept)
    return {"CodeSigningConfig": _described(kept)}


@requires("lambda:GetCodeSigningConfig", "{CodeSigningConfigArn}")
async def get_code_signing_config(ctx: Context, request: Parameters) -> Parameters:
    return {"CodeSigningConfig": _described(code_signing_of(ctx, request["CodeSigningConfigArn"]))}


@requires("lambda:UpdateCodeSigningConfig", "{CodeSigningConfigArn}")
async def update_code_signing_config(ctx: Context, request: Parameters) -> Parameters:
    kept = code_signing_of(ctx, request["CodeSigningConfigArn"])
    changes: Parameters = {}
    if "Description" in request:
        changes["description"] = request["Description"]
    if "AllowedPublishers" in request:
        changes["publishers"] = request["AllowedPublishers"]["SigningProfileVersionArns"]
    if "UntrustedArtifactOnDeployment" in request.get("CodeSigningPolicies", {}):
        changes["policy"] = request["CodeSigningPolicies"]["UntrustedArtifactOnDeployment"]
    changed = msgspec.structs.replace(kept, **changes, modified_at=ctx.clock.now())
    async with ctx.store.transaction() as tx:
        tx.put(CODE_SIGNING, changed)
    return {"CodeSigningConfig": _described(changed)}


@requires("lambda:DeleteCodeSigningConfig", "{CodeSigningConfigArn}")
async def delete_code_signing_config(ctx: Context, request: Parameters) -> None:
    kept = code_signing_of(ctx, request["CodeSigningConfigArn"])
    if _functions_of(ctx, kept):
        raise conflict("Cannot delete the code signing configuration because it is used by at least one function.")
    async with ctx.store.transaction() as tx:
        tx.delete(CODE_SIGNING, kept.account, kept.region, kept.id)


@requires("lambda:ListCodeSigningConfigs")
async def list_code_signing_configs(ctx: Context, request: Parameters) -> Parameters:
    described = [(kept.id, _described(kept)) for kept in ctx.store.scan(CODE_SIGNING, ctx.account, ctx.region)]
    return page(described, request, "CodeSigningConfigs", PAGE)


@requires("lambda:ListFunctionsByCodeSigningConfig", "{CodeSigningConfigArn}")
async def list_functions_by_code_signing_config(ctx: Context, request: Parameters) -> Parameters:
    functions = _functions_of(ctx, code_signing_of(ctx, request["CodeSigningConfigArn"]))
    return page([(function.name, function.arn) for function in functions], request, "FunctionArns", PAGE)


@requires("lambda:PutFunctionCodeSigningConfig", function_arn)
@requires("lambda:PutFunctionCodeSigningConfig", "{CodeSigningConfigArn}")
async def put_function_code_signing_config(ctx: Context, request: Parameters) -> Parameters:
    arn = request["CodeSigningConfigArn"]
    check_code_signing(ctx, arn)
    function = _function(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.put(FUNCTIONS, msgspec.structs.replace(function, code_signing_arn=arn))
    return {"CodeSigningConfigArn": arn, "FunctionName": function.name}


@requires("lambda:GetFunctionCodeSigningConfig", function_arn)
async def get_function_code_signing_config(ctx: Context, request: Parameters) -> Parameters:
    """Nothing at all for a function that has none."""
    function = _function(ctx, request)
    if function.code_signing_arn is None:
        return {}
    return {"CodeSigningConfigArn": function.code_signing_arn, "FunctionName": function.name}


@requires("lambda:DeleteFunctionCodeSigningConfig", function_arn)
async def delete_function_code_signing_config(ctx: Context, request: Parameters) -> None:
    function = _function(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.put(FUNCTIONS, msgspec.structs.replace(function, code_signing_arn=None))


def check_code_signing(ctx: Context, arn: str) -> CodeSigning:
    """The configuration that a function is to have."""
    kept = _kept(ctx, arn)
    if kept is None:
        sentence = f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
        raise fault("CodeSigningConfigNotFoundException", sentence, Type="User")
    return kept


def check_deployment(ctx: Context, function: Function) -> None:
    """Refuse new code of a function that must be signed: there is nobody here who could have signed it."""
    kept = None if function.code_signing_arn is None else _kept(ctx, function.code_signing_arn)
    if kept is not None and kept.policy == ENFORCE:
        sentence = (
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not"
            " configured to accept. Check the provided signature for unsigned."
        )
        raise fault("CodeVerificationFailedException", sentence, Type="User")


def _kept(ctx: Context, arn: str) -> CodeSigning | None:
    _, _, _, region, account, _, name = arn.split(":")
    return ctx.store.get(CODE_SIGNING, account, region, name) if (account, region) == (ctx.account, ctx.region) else None


def code_signing_of(ctx: Context, arn: str) -> CodeSigning:
    kept = _kept(ctx, arn)
    if kept is None:
        raise _gone(arn)
    return kept


def _gone(arn: str) -> Fault:
    return fault("ResourceNotFoundException", f"The Lambda code signing configuration {arn} can not be found.", Type=None)


def _functions_of(ctx: Context, kept: CodeSigning) -> list[Function]:
    return [each for each in ctx.store.scan(FUNCTIONS, ctx.account, ctx.region) if each.code_signing_arn == kept.arn]


def _function(ctx: Context, request: Parameters) -> Function:
    asked = reference(ctx, request["FunctionName"])
    function = ctx.store.get(FUNCTIONS, *asked.key)
    if function is None:
        raise not_found(asked.function_arn)
    return function


def _described(kept: CodeSigning) -> Parameters:
    return {
        "CodeSigningConfigId": kept.id,
        "CodeSigningConfigArn": kept.arn,
        "Description": kept.description,
        "AllowedPublishers": {"SigningProfileVersionArns": kept.publishers},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": kept.policy},
        "LastModified": timestamp(kept.modified_at),
    }
