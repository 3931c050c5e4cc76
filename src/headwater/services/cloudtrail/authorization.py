"""What CloudTrail tells the decision: the tags of trails.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS CloudTrail".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import SERVICE
from .model import trails
from .places import arn_in

if TYPE_CHECKING:
    from headwater.kernel.home import Home


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    place = arn_in(resource)
    if place is None:
        return {}
    region, account, name = place
    trail = home.store.get(trails, account, region, name)
    return {} if trail is None else trail.tags
