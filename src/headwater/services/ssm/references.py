"""`/aws/reference/secretsmanager/NAME`: a secret read as if it were a parameter, in the caller's name.

Source: "Referencing AWS Secrets Manager secrets from Parameter Store parameters" of the user guide.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault

from .finding import no_such_parameter
from .model import SECURE

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREFIX: Final = "/aws/reference/secretsmanager/"
ABSENT: Final = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
VERSION_ID_CHARACTERS_MIN: Final = 32


def is_reference(name: str) -> bool:
    return name.startswith(PREFIX)


def read(ctx: Context, text: str, *, opened: bool) -> Awaitable[dict[str, Any]]:
    """What GetParameter answers."""
    return _read(ctx, text, opened=opened)


async def _read(ctx: Context, text: str, *, opened: bool) -> dict[str, Any]:
    """The secret's text; behind a colon may stand a version's id or one of its stages."""
    if not opened:
        raise fault("ValidationException", "WithDecryption flag must be True for retrieving a Secret Manager secret.")
    name, _, selector = text.partition(":")
    asked = {"SecretId": name.removeprefix(PREFIX)}
    if selector:
        asked["VersionId" if len(selector) >= VERSION_ID_CHARACTERS_MIN else "VersionStage"] = selector
    try:
        secret = await ctx.client("secretsmanager").get_secret_value(**asked)
    except Fault as refusal:
        if refusal.code in ABSENT:
            raise no_such_parameter(text) from None
        raise
    if "SecretString" not in secret:
        raise fault("ValidationException", f"The secret {asked['SecretId']} is binary: Parameter Store references secrets that are text.")
    source: dict[str, Any] = {
        member: secret[member] for member in ("ARN", "Name", "VersionId", "SecretString", "VersionStages") if member in secret
    }
    source["CreatedDate"] = secret["CreatedDate"].timestamp()
    described = {
        "Name": name,
        "Type": SECURE,
        "Value": secret["SecretString"],
        "Version": 0,
        "SourceResult": msgspec.json.encode(source).decode(),
        "LastModifiedDate": secret["CreatedDate"],
        "ARN": secret["ARN"],
    }
    return described | ({"Selector": f":{selector}"} if selector else {})
