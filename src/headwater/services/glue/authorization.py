"""What Glue tells the decision: the tags of databases. Tables have none. The keys of Lake Formation, which is not here, are absent.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Glue".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import SERVICE
from .model import databases

if TYPE_CHECKING:
    from headwater.kernel.home import Home


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    place, marked, name = resource.partition(":database/")
    if not marked:
        return {}
    _, _, _, region, account = place.split(":", 4)
    database = home.store.get(databases, account, region, name)
    return {} if database is None else database.tags
