"""Parameters that AWS gives to everybody, under /aws/service/: the list of regions; AWS's images and the like are not here.

Source: "Calling AWS service, Region, endpoint, … public parameters" of the user guide; the regions and their names are botocore's data.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault

from .filters import is_below
from .finding import no_such_parameter
from .model import STRING, TEXT

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREFIX: Final = "/aws/service/"
REGIONS: Final = "/aws/service/global-infrastructure/regions"
LONG_NAME: Final = "longName"
PUBLISHED: Final = datetime(2019, 4, 1, tzinfo=UTC)


def is_public(name: str) -> bool:
    return name.startswith(PREFIX)


@cache
def _values() -> dict[str, str]:
    """Each region by its code, and its name."""
    import botocore

    data = msgspec.json.decode((Path(botocore.__file__).parent / "data" / "endpoints.json").read_bytes())
    regions = {
        code: each["description"] for part in data["partitions"] if part["partition"] == "aws" for code, each in part["regions"].items()
    }
    codes = {f"{REGIONS}/{code}": code for code in regions}
    return codes | {f"{REGIONS}/{code}/{LONG_NAME}": name for code, name in regions.items()}


def read(ctx: Context, name: str) -> dict[str, Any]:
    """One by its name."""
    _check(name)
    if name not in _values():
        raise no_such_parameter(name)
    return _described(ctx, name)


def below(ctx: Context, path: str, *, recursive: bool) -> list[dict[str, Any]]:
    """Those under a path."""
    _check(path)
    return [_described(ctx, name) for name in _values() if is_below(name, path, recursive=recursive)]


def _described(ctx: Context, name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": STRING,
        "Value": _values()[name],
        "Version": 1,
        "LastModifiedDate": PUBLISHED,
        "ARN": f"arn:{ctx.partition}:ssm:{ctx.region}::parameter{name}",
        "DataType": TEXT,
    }


def _check(name: str) -> None:
    if f"{name.rstrip('/')}/".startswith(f"{REGIONS}/"):
        return
    raise fault("NotImplemented", f"Of the public parameters Headwater has {REGIONS} alone, not {name}.")
