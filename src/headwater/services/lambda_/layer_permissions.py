"""The resource policy of a layer version: which other accounts may have it in their functions. Enforced by the policy engine.

Source: "Granting layer access to other accounts" of the developer guide.
"""

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import layer_version_arn
from .functions import Parameters
from .layers import layer_named
from .model import LAYER_POLICIES, LAYERS, Layer, LayerPolicy, padded
from .names import conflict


@requires("lambda:AddLayerVersionPermission", layer_version_arn)
async def add_layer_version_permission(ctx: Context, request: Parameters) -> Parameters:
    layer = _find(ctx, request)
    policy = _policy(ctx, layer)
    _check_revision(policy, request)
    sid, principal = request["StatementId"], request["Principal"]
    statements = [] if policy is None else policy.statements
    if any(statement["Sid"] == sid for statement in statements):
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )
    who = principal if principal == "*" or principal.startswith("arn:") else f"arn:aws:iam::{principal}:root"
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": who if who == "*" else {"AWS": who},
        "Action": request["Action"],
        "Resource": layer.arn,
    }
    if request.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": request["OrganizationId"]}}
    kept = LayerPolicy(
        account=layer.account,
        region=layer.region,
        name=layer.name,
        version=layer.version,
        statements=[*statements, statement],
        revision_id=ctx.new_id(),
    )
    async with ctx.store.transaction() as tx:
        tx.put(LAYER_POLICIES, kept)
    return {"Statement": msgspec.json.encode(statement).decode(), "RevisionId": kept.revision_id}


@requires("lambda:RemoveLayerVersionPermission", layer_version_arn)
async def remove_layer_version_permission(ctx: Context, request: Parameters) -> None:
    layer = _find(ctx, request)
    policy = _policy(ctx, layer)
    _check_revision(policy, request)
    sid = request["StatementId"]
    if policy is None or not any(statement["Sid"] == sid for statement in policy.statements):
        raise fault("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.", Type="User")
    statements = [statement for statement in policy.statements if statement["Sid"] != sid]
    async with ctx.store.transaction() as tx:
        if statements:
            tx.put(LAYER_POLICIES, msgspec.structs.replace(policy, statements=statements, revision_id=ctx.new_id()))
        else:
            tx.delete(LAYER_POLICIES, *_key(layer))


@requires("lambda:GetLayerVersionPolicy", layer_version_arn)
async def get_layer_version_policy(ctx: Context, request: Parameters) -> Parameters:
    policy = _policy(ctx, _find(ctx, request))
    if policy is None:
        raise fault("ResourceNotFoundException", "No policy is associated with the given resource.", Type="User")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}
    return {"Policy": msgspec.json.encode(document).decode(), "RevisionId": policy.revision_id}


def _find(ctx: Context, request: Parameters) -> Layer:
    account, name = layer_named(ctx, request["LayerName"])
    layer = ctx.store.get(LAYERS, account, ctx.region, name, padded(str(request["VersionNumber"])))
    if layer is None or layer.is_deleted:
        raise _no_version(f"arn:aws:lambda:{ctx.region}:{account}:layer:{name}:{request['VersionNumber']}")
    return layer


def _no_version(arn: str) -> Fault:
    return fault("ResourceNotFoundException", f"Layer version {arn} does not exist.", Type="User")


def _key(layer: Layer) -> tuple[str, str, str, str]:
    return (layer.account, layer.region, layer.name, padded(str(layer.version)))


def _policy(ctx: Context, layer: Layer) -> LayerPolicy | None:
    return ctx.store.get(LAYER_POLICIES, *_key(layer))


def _check_revision(policy: LayerPolicy | None, request: Parameters) -> None:
    wanted = request.get("RevisionId")
    if wanted is not None and (policy is None or policy.revision_id != wanted):
        sentence = (
            "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
        )
        raise fault("PreconditionFailedException", sentence, Type="User")
