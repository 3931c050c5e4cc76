"""What Redshift tells the decision: its own condition keys and the tags of its resources.

Source: Service Authorization Reference, "Condition keys for Amazon Redshift".
"""

from collections.abc import Mapping
from typing import Any, Final

from headwater.kernel.context import Context
from headwater.kernel.home import Home

from . import SERVICE
from .credentials import SECONDS
from .tags import TABLES

NO_TAGS: Final[Mapping[str, str]] = {}


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    fields = resource.split(":")
    if len(fields) != 7 or fields[5] not in TABLES:
        return NO_TAGS
    record = home.store.get(TABLES[fields[5]], fields[4], fields[3], fields[6])
    return NO_TAGS if record is None else dict(record.tags)


@SERVICE.condition_key("redshift:DbName")
def db_name(ctx: Context, request: dict[str, Any]) -> str | None:
    return request.get("DbName")


@SERVICE.condition_key("redshift:DbUser")
def db_user(ctx: Context, request: dict[str, Any]) -> str | None:
    """Also as a variable, `${redshift:DbUser}`: so a policy lets everybody log in as themselves."""
    return request.get("DbUser")


@SERVICE.condition_key("redshift:DurationSeconds")
def duration_seconds(ctx: Context, request: dict[str, Any]) -> str:
    return str(request.get("DurationSeconds", SECONDS[0]))
