"""How callers name a function: by name, partial ARN or ARN, with or without a qualifier; and what AWS says of a wrong one.

The shape of a name is checked against the model before any operation runs; here it is taken apart.
Source: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (URI request parameters), messages recorded from AWS.
"""

import re
from typing import Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context

LATEST: Final = "$LATEST"
NAME_CHARACTERS_MAX: Final = 64

_NAME: Final = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9-_.]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


class Reference(msgspec.Struct, frozen=True):
    """Which function is meant. `qualifier` is None where the caller named none."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def function_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def arn(self) -> str:
        return self.qualified(self.qualifier)

    def qualified(self, qualifier: str | None) -> str:
        return self.function_arn if qualifier is None else f"{self.function_arn}:{qualifier}"

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account, self.region, self.name)


def parts_of(name: str) -> re.Match[str] | None:
    """The pieces `region`, `account`, `name` and `qualifier` of what a caller calls a function; those left out are None."""
    return _NAME.fullmatch(name)


def reference(ctx: Context, name: str, qualifier: str | None = None) -> Reference:
    found = parts_of(name)
    if found is None:
        raise fault("ResourceNotFoundException", f"Function not found: {name}", Type="User")
    derived = found["qualifier"]
    if derived is not None and qualifier is not None and derived != qualifier:
        sentence = "The derived qualifier from the function name does not match the specified qualifier."
        raise fault("InvalidParameterValueException", sentence, Type="User")
    region = found["region"] or ctx.region
    if region != ctx.region:
        sentence = f"Functions from '{region}' are not reachable in this region ('{ctx.region}')"
        raise fault("ResourceNotFoundException", sentence, Type="User")
    return Reference(found["account"] or ctx.account, region, found["name"], derived or qualifier)


def not_found(arn: str) -> Fault:
    return fault("ResourceNotFoundException", f"Function not found: {arn}", Type="User")


def no_such_alias(arn: str) -> Fault:
    return fault("ResourceNotFoundException", f"Cannot find alias arn: {arn}", Type="User")


def invalid(sentence: str) -> Fault:
    return fault("InvalidParameterValueException", sentence, Type="User")


def conflict(sentence: str) -> Fault:
    return fault("ResourceConflictException", sentence, Type="User")


def no_such_resource() -> Fault:
    return fault("ResourceNotFoundException", "The resource you requested does not exist.", Type="User")


def wrong_revision() -> Fault:
    sentence = (
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest"
        " Revision Id"
    )
    return fault("PreconditionFailedException", sentence, Type="User")
