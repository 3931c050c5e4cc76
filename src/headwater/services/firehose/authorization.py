"""What Firehose tells the decision: the tags of streams. It has no condition keys of its own.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Kinesis Firehose".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import SERVICE
from .model import streams

if TYPE_CHECKING:
    from headwater.kernel.home import Home


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    place, marked, name = resource.partition(":deliverystream/")
    if not marked:
        return {}
    _, _, _, region, account = place.split(":", 4)
    stream = home.store.get(streams, account, region, name)
    return {} if stream is None else stream.tags
