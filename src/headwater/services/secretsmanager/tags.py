"""Tags of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import refusals
from .finding import changeable, secret_arn
from .model import Secret
from .writing import put_secret

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAGS_MAX: Final = 50


def tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    """With these too. A tag without a key is none; one without a value is empty."""
    names = [tag.get("Key", "") for tag in added]
    if any(not name for name in names):
        raise refusals.invalid("A tag must have a key.")
    if len(set(names)) != len(names):
        raise refusals.invalid("You can't specify the same tag key more than once.")
    if any(name.lower().startswith("aws:") for name in names):
        raise refusals.invalid("You can't use tag keys that begin with aws:, which is reserved for AWS.")
    tags = tags | {tag["Key"]: tag.get("Value", "") for tag in added}
    if len(tags) > TAGS_MAX:
        raise fault("InvalidParameterException", f"A secret can have at most {TAGS_MAX} tags.")
    return tags


@requires("secretsmanager:TagResource", secret_arn)
async def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or overwrite their values."""

    def change(secret: Secret) -> Secret:
        return msgspec.structs.replace(secret, tags=tagged(secret.tags, request["Tags"]), changed_at=ctx.clock.now())

    await put_secret(ctx, changeable(ctx, request["SecretId"]), change)
    return {}


@requires("secretsmanager:UntagResource", secret_arn)
async def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off; keys that are not there are no error."""

    def change(secret: Secret) -> Secret:
        left = {key: value for key, value in secret.tags.items() if key not in request["TagKeys"]}
        return msgspec.structs.replace(secret, tags=left, changed_at=ctx.clock.now())

    await put_secret(ctx, changeable(ctx, request["SecretId"]), change)
    return {}
