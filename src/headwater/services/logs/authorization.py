"""What CloudWatch Logs tells the decision: the tags of log groups. Condition keys of its own it has none for what is built.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import SERVICE
from .model import GROUPS

if TYPE_CHECKING:
    from headwater.kernel.home import Home

_MARK = ":log-group:"


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    """A stream's tags are its group's."""
    place, marked, rest = resource.partition(_MARK)
    if not marked:
        return {}
    _, _, _, region, account = place.split(":", 4)
    group = home.store.get(GROUPS, account, region, rest.split(":", 1)[0])
    return {} if group is None else group.tags
