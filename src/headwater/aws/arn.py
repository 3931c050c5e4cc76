"""Amazon Resource Names: six fields between colons, of which the last may hold anything.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

import re
from typing import Final

import msgspec

_ACCOUNT: Final = re.compile(r"\d{12}")


class Arn(msgspec.Struct, frozen=True):
    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def kind(self) -> str:
        """The resource's type: `role` of `role/path/name`, `function` of `function:name`, "" where the name stands alone."""
        separator = self._separator()
        return self.resource.partition(separator)[0] if separator else ""

    @property
    def name(self) -> str:
        """What follows the type, path and qualifier included."""
        separator = self._separator()
        return self.resource.partition(separator)[2] if separator else self.resource

    def _separator(self) -> str | None:
        found = re.search("[:/]", self.resource)
        return found.group() if found else None


def parse_arn(text: str) -> Arn:
    """Raises ValueError where `text` is no ARN; each service says that in its own words."""
    fields = text.split(":", 5)
    if len(fields) < 6 or fields[0] != "arn" or not fields[1] or not fields[2] or not fields[5]:
        raise ValueError(f"not an ARN: {text!r}")
    return Arn(*fields[1:])


def is_account(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None
