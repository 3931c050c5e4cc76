"""The small table that names services without reading their models: by signing name, target prefix and endpoint prefix.

`index.json` is made from botocore's metadata by `python -m headwater.aws.index` and ships with the package, so that the first
request reads one file of a few kilobytes; a test holds it equal to the botocore that is installed.
"""

import sys
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from headwater.aws.models import data_folder, service_model

PATH: Final = Path(__file__).parent / "index.json"


class Listed(msgspec.Struct, array_like=True):
    """What routing needs of a service before its model is read."""

    protocols: list[str]
    api_version: str


class Index(msgspec.Struct):
    services: dict[str, Listed]
    signing: dict[str, list[str]]
    targets: dict[str, list[str]]
    endpoints: dict[str, list[str]]


@cache
def index() -> Index:
    return msgspec.json.decode(PATH.read_bytes(), type=Index)


def made() -> Index:
    """The index of the installed botocore."""
    found = Index({}, {}, {}, {})
    for folder in sorted(data_folder().iterdir()):
        if not any(folder.glob("*/service-2.json.gz")):
            continue
        name, metadata = folder.name, service_model(folder.name).metadata
        found.services[name] = Listed(metadata.protocols or [metadata.protocol], metadata.api_version)
        _list(found.signing, metadata.signing_name or metadata.endpoint_prefix, name)
        _list(found.endpoints, metadata.endpoint_prefix, name)
        if metadata.target_prefix:
            _list(found.targets, metadata.target_prefix, name)
    for key, names in (*found.signing.items(), *found.endpoints.items()):
        names.sort()
        if key in names:  # of several services behind one name the plain one comes first: rds before docdb and neptune
            names.remove(key)
            names.insert(0, key)
    return found


def _list(table: dict[str, list[str]], key: str, name: str) -> None:
    names = table.setdefault(key, [])
    if name not in names:
        names.append(name)


if __name__ == "__main__":
    PATH.write_bytes(msgspec.json.format(msgspec.json.encode(made(), order="sorted"), indent=0))
    sys.stdout.write(f"{PATH}: {PATH.stat().st_size} bytes\n")
