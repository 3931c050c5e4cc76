"""Which events a trail wants: event selectors of the basic kind, and advanced ones.

Without selectors a trail wants all management events and no data events. Values of resources are beginnings of ARNs.
Source: "Logging management events", "Logging data events" and the API's AdvancedFieldSelector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from .model import Entry, Said, Selection, Trail, Who
from .naming import GLOBAL_SERVICES, event_name, event_source
from .readings import only_reads
from .resources import arns_of, data_type

ALL_OF: Final = {"AWS::S3::Object": frozenset({"arn:aws:s3", "arn:aws:s3:::"}), "AWS::Lambda::Function": frozenset({"arn:aws:lambda"})}
"""The values that mean every resource of the type."""
OPERATORS: Final[dict[str, Callable[[str, str], bool]]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}
_SAID: Final = msgspec.msgpack.Decoder(Said)


def said(entry: Entry) -> Said:
    return _SAID.decode(entry.said)


def wants_data_at_all(selection: Selection) -> bool:
    return any(selector.get("DataResources") for selector in selection.basic) or any(
        field["Field"] == "eventCategory" and "Data" in field.get("Equals", ())
        for selector in selection.advanced
        for field in selector["FieldSelectors"]
    )


def wants(trail: Trail, entry: Entry, who: Who, region: str, *, is_data: bool) -> bool:
    if not trail.includes_global and entry.service in GLOBAL_SERVICES:
        return False
    if trail.selection.advanced:
        return any(_matches(selector["FieldSelectors"], entry, who, region, is_data) for selector in trail.selection.advanced)
    if not trail.selection.basic:
        return not is_data
    return any(_basic(selector, entry, region, who, is_data) for selector in trail.selection.basic)


def _basic(selector: dict[str, Any], entry: Entry, region: str, who: Who, is_data: bool) -> bool:
    if not _is_of_kind(selector.get("ReadWriteType", "All"), only_reads(entry.operation)):
        return False
    if not is_data:
        excluded = selector.get("ExcludeManagementEventSources", ())
        return bool(selector.get("IncludeManagementEvents", True)) and event_source(entry.service) not in excluded
    arns = arns_of(entry, said(entry).request, region, who.account)
    return any(
        resource.get("Type") == data_type(entry.service) and _any_begins(arns, resource) for resource in selector.get("DataResources", ())
    )


def _is_of_kind(wanted: str, reads: bool) -> bool:
    return wanted == "All" or (wanted == "ReadOnly") == reads


def _any_begins(arns: Iterable[str], resource: dict[str, Any]) -> bool:
    everything = ALL_OF.get(resource["Type"], frozenset())
    values = resource.get("Values", ())
    return any(value in everything or arn.startswith(value) for value in values for arn in arns)


def _matches(fields: list[dict[str, Any]], entry: Entry, who: Who, region: str, is_data: bool) -> bool:
    return all(_field_matches(field, _values(field["Field"], entry, who, region, is_data)) for field in fields)


def _values(field: str, entry: Entry, who: Who, region: str, is_data: bool) -> list[str]:
    if field == "resources.ARN":
        return arns_of(entry, said(entry).request, region, who.account)
    values = {
        "eventCategory": "Data" if is_data else "Management",
        "readOnly": "true" if only_reads(entry.operation) else "false",
        "eventSource": event_source(entry.service),
        "eventName": event_name(entry.service, entry.operation),
        "resources.type": data_type(entry.service),
        "userIdentity.arn": who.arn,
        "eventType": "AwsApiCall",
    }
    return [values[field]] if field in values else []


def _field_matches(field: dict[str, Any], values: list[str]) -> bool:
    for operator, compare in OPERATORS.items():
        if operator in field and not any(compare(value, wanted) for value in values for wanted in field[operator]):
            return False
        refused = field.get(f"Not{operator}", ())
        if any(compare(value, unwanted) for value in values for unwanted in refused):
            return False
    return True
