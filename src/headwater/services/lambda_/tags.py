"""Tags of functions and of code signing configurations."""

from typing import Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import tagged_arn
from .code_signing import code_signing_of
from .configuration import TAGS_MAX
from .functions import Parameters
from .model import CODE_SIGNING, FUNCTIONS, LATEST, VERSIONS, CodeSigning, Function
from .names import invalid, not_found, reference


@requires("lambda:TagResource", tagged_arn)
async def tag_resource(ctx: Context, request: Parameters) -> None:
    tagged = _tagged(ctx, request)
    tags = tagged.tags | request["Tags"]
    if not request["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    if len(tags) > TAGS_MAX:
        raise invalid("Number of tags exceeds resource tag limit.")
    await _keep(ctx, tagged, tags)


@requires("lambda:UntagResource", tagged_arn)
async def untag_resource(ctx: Context, request: Parameters) -> None:
    tagged = _tagged(ctx, request)
    tags = {key: value for key, value in tagged.tags.items() if key not in request["TagKeys"]}
    await _keep(ctx, tagged, tags)


@requires("lambda:ListTags", tagged_arn)
async def list_tags(ctx: Context, request: Parameters) -> Parameters:
    return {"Tags": _tagged(ctx, request).tags}


async def _keep(ctx: Context, tagged: Function | CodeSigning, tags: dict[str, str]) -> None:
    """Tags are the function's, and yet a change of them is a new revision of $LATEST."""
    if isinstance(tagged, CodeSigning):
        async with ctx.store.transaction() as tx:
            tx.put(CODE_SIGNING, msgspec.structs.replace(tagged, tags=tags))
        return
    latest = ctx.store.get(VERSIONS, tagged.account, tagged.region, tagged.name, LATEST)
    assert latest is not None
    async with ctx.store.transaction() as tx:
        tx.put(FUNCTIONS, msgspec.structs.replace(tagged, tags=tags))
        tx.put(VERSIONS, msgspec.structs.replace(latest, revision_id=ctx.new_id()))


_OTHERS: Final = {
    "event-source-mapping": "Event source mapping not found",
    "capacity-provider": "Capacity provider not found",
}
"""Resources that can be tagged, and that nobody can have made here."""


def _tagged(ctx: Context, request: Parameters) -> Function | CodeSigning:
    arn: str = request["Resource"]
    kind = arn.split(":")[5]
    if kind == "code-signing-config":
        return code_signing_of(ctx, arn)
    missing = _OTHERS.get(kind)
    if missing is not None:
        raise fault("ResourceNotFoundException", f"{missing}: {arn}", Type="User")
    asked = reference(ctx, arn)
    if asked.qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    function = ctx.store.get(FUNCTIONS, *asked.key)
    if function is None:
        raise not_found(asked.function_arn)
    return function
