"""Parameters, their versions and labels. Pure: no clock, no store, no wire.

A label is a *pointer* to one version (the API shows it the other way round), and versions are a run without gaps: the newest is in
the parameter, where most readers need nothing else, and all of them stand in a table of their own, on disk.
Source: "AWS Systems Manager Parameter Store" of the user guide.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.store import Record, Table

STRING, STRING_LIST, SECURE = "String", "StringList", "SecureString"
STANDARD, ADVANCED, INTELLIGENT = "Standard", "Advanced", "Intelligent-Tiering"
TEXT: Final = "text"
AMI: Final = "aws:ec2:image"
DATA_TYPES: Final = (TEXT, AMI, "aws:ssm:integration")
VERSIONS_MAX: Final = 100
LEVELS_MAX: Final = 15
NAME_CHARACTERS_MAX: Final = 1011
PARAMETERS_MAX: Final = {STANDARD: 10_000, ADVANCED: 100_000}
VALUE_BYTES_MAX: Final = {STANDARD: 4096, ADVANCED: 8192}
LABELS_MAX: Final = 10
_NAME: Final = re.compile(r"[a-zA-Z0-9_.\-/]+")
_LABEL: Final = re.compile(r"(?!aws|ssm|\d)[a-z0-9_.\-]{1,100}", re.IGNORECASE)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What shall happen to a parameter by itself. `text` is what the caller wrote."""

    kind: str
    text: str
    finished: bool = False


class Version(Record, frozen=True, kw_only=True):
    """One value of a parameter. A secure one is sealed: by KMS itself, or, in the advanced tier, under a data key of KMS's."""

    account: str
    region: str
    name: str
    number: int
    type: str
    value: str = ""
    sealed: bytes = b""
    data_key: bytes = b""
    key_id: str | None = None
    description: str | None = None
    allowed_pattern: str | None = None
    data_type: str = TEXT
    tier: str = STANDARD
    policies: tuple[Policy, ...] = ()
    modified_at: datetime
    modified_by: str


class Parameter(Record, frozen=True, kw_only=True):
    """`oldest` is the first version that is still there."""

    account: str
    region: str
    name: str
    current: Version
    oldest: int
    labels: dict[str, int]
    tags: dict[str, str]

    @property
    def arn(self) -> str:
        return arn_of(self.account, self.region, self.name)

    def labels_of(self, number: int) -> list[str]:
        return sorted(label for label, at in self.labels.items() if at == number)


class Setting(Record, frozen=True, kw_only=True):
    """A service setting that was changed."""

    account: str
    region: str
    name: str
    value: str
    modified_at: datetime
    modified_by: str


parameters: Final = Table("ssm", "parameters", Parameter, key=lambda one: (one.account, one.region, *path_of(one.name)))
versions: Final = Table("ssm", "versions", Version, key=lambda one: (one.account, one.region, one.name, numbered(one.number)), big=True)
settings: Final = Table("ssm", "settings", Setting, key=lambda one: (one.account, one.region, one.name))


def path_of(name: str) -> tuple[str, ...]:
    """A name as it stands in the key: level by level, so that what is under a path stands together."""
    return tuple(name.split("/"))


def numbered(version: int) -> str:
    return f"{version:010}"


def arn_of(account: str, region: str, name: str) -> str:
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


def check_name(name: str) -> None:
    """Whether a parameter may be called so."""
    first = name.removeprefix("/").lower()
    if first.startswith("aws") and name.count("/") > 1:
        raise fault("AccessDeniedException", f"No access to reserved parameter name: {name.removeprefix('/')}.")
    if first.startswith(("aws", "ssm")) and name.count("/") < 2:
        raise fault("ValidationException", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    if first.startswith("ssm") or not _NAME.fullmatch(name) or "//" in name or name.endswith("/"):
        raise fault(
            "ValidationException",
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by '
            "slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
        )
    if "/" in name and not name.startswith("/"):
        raise fault("ValidationException", "Parameter name must be a fully qualified name.")
    if len(name) > NAME_CHARACTERS_MAX:
        raise fault("ValidationException", f"Parameter name must have at most {NAME_CHARACTERS_MAX} characters.")
    if name.strip("/").count("/") + 1 > LEVELS_MAX:
        raise fault("HierarchyLevelLimitExceededException", f"A parameter name hierarchy can have a maximum of {LEVELS_MAX} levels.")


def is_label(text: str) -> bool:
    return _LABEL.fullmatch(text) is not None
