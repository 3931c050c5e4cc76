"""What Scheduler tells the decision: the tags of groups, which are those of their schedules too. Condition keys of its own it has none.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge Scheduler".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import SERVICE
from .model import GROUPS

if TYPE_CHECKING:
    from headwater.kernel.home import Home


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    fields = resource.split(":", 5)
    kind, _, rest = fields[-1].partition("/")
    if kind not in {"schedule", "schedule-group"}:
        return {}
    group = home.store.get(GROUPS, fields[4], fields[3], rest.split("/", 1)[0])
    return {} if group is None else group.tags
