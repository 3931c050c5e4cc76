"""What listings are narrowed by: checked in AWS's order and words, then one question for each parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headwater.aws.faults import Fault, fault

from .model import ADVANCED, INTELLIGENT, SECURE, STANDARD, STRING, STRING_LIST, Parameter

Filter = dict[str, Any]
EQUALS, BEGINS, CONTAINS, RECURSIVE, ONE_LEVEL = "Equals", "BeginsWith", "Contains", "Recursive", "OneLevel"
TAG: Final = "tag:"
OPTIONS: Final = {
    "Name": (BEGINS, CONTAINS, EQUALS),
    "Path": (RECURSIVE, ONE_LEVEL),
    "Type": (BEGINS, EQUALS),
    "KeyId": (BEGINS, EQUALS),
    "Label": (EQUALS,),
    "Tier": (EQUALS,),
    "DataType": (EQUALS,),
}
VALUES: Final = {"Type": (STRING, STRING_LIST, SECURE), "Tier": (STANDARD, ADVANCED, INTELLIGENT)}
LISTED: Final = ("Path", "Name", "Type", "KeyId", "Tier", "DataType")
"""By what DescribeParameters narrows, besides tags."""
BY_PATH: Final = ("Type", "KeyId", "Label")
READ: Final[dict[str, Callable[[Parameter], str]]] = {
    "Name": lambda one: one.name.removeprefix("/"),
    "Type": lambda one: one.current.type,
    "KeyId": lambda one: one.current.key_id or "",
    "Tier": lambda one: one.current.tier,
    "DataType": lambda one: one.current.data_type,
}
PATH_RULE: Final = (
    'The parameter doesn\'t meet the parameter name requirements. The parameter name must begin with a forward slash "/". '
    'It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: '
    ". (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash "
    'symbol "/". Valid example: /get/parameters2-/by1./path0_.'
)


def checked(filters: list[Filter], keys: tuple[str, ...]) -> list[Filter]:
    """The filters, which name each thing once, in a way that it can be asked for."""
    seen = set()
    for one in filters:
        key = one["Key"]
        if key in seen:
            raise fault(
                "InvalidFilterKey",
                f"The following filter is duplicated in the request: {key}. "
                "A request can contain only one occurrence of a specific filter.",
            )
        seen.add(key)
        if key.startswith(TAG) and keys is LISTED:
            _check_option(one, (EQUALS, BEGINS))
        elif key not in keys:
            raise fault(
                "InvalidFilterKey", f"The following filter key is not valid: {key}. Valid filter keys include: [{', '.join(keys)}]."
            )
        else:
            _check(one)
    return filters


def _check(one: Filter) -> None:
    key, values = one["Key"], one.get("Values", [])
    _check_option(one, OPTIONS[key])
    if not values:
        raise fault("InvalidFilterValue", f"The following filter values are missing : null for filter key {key}.")
    if key == "Path" and not all(is_path(value) for value in values):
        raise fault("ValidationException", PATH_RULE)
    allowed = VALUES.get(key)
    for value in values:
        if allowed is not None and value not in allowed and one.get("Option", EQUALS) == EQUALS:
            raise _not_valid("value", value, allowed)


def _check_option(one: Filter, allowed: tuple[str, ...]) -> None:
    option = one.get("Option")
    if option is not None and option not in allowed:
        raise _not_valid("option", option, allowed)


def _not_valid(what: str, given: str, allowed: tuple[str, ...]) -> Fault:
    words = f"The following filter {what} is not valid: {given}. Valid {what}s include: [{', '.join(allowed)}]."
    return fault("InvalidFilterOption" if what == "option" else "InvalidFilterValue", words)


def is_path(text: str) -> bool:
    return text.startswith("/") and "//" not in text and text.removeprefix("/").lower()[:3] not in {"aws", "ssm"}


def suits(one: Filter, parameter: Parameter) -> bool:
    """Whether a parameter is one of those that the filter asks for."""
    key, values = one["Key"], one.get("Values", [])
    if key == "Path":
        return any(is_below(parameter.name, path, recursive=one.get("Option") == RECURSIVE) for path in values)
    if key == "Label":
        return any(label in parameter.labels for label in values)
    if key.startswith(TAG):
        found = parameter.tags.get(key.removeprefix(TAG))
        return found is not None and (not values or _compared(one.get("Option", EQUALS), found, values))
    wanted = [value.removeprefix("/") for value in values] if key == "Name" else values
    return _compared(one.get("Option", EQUALS), READ[key](parameter), wanted)


def _compared(option: str, found: str, values: list[str]) -> bool:
    if option == BEGINS:
        return found.startswith(tuple(values))
    if option == CONTAINS:
        return any(value in found for value in values)
    return found in values


def is_below(name: str, path: str, *, recursive: bool) -> bool:
    """Whether a parameter stands under a path; one without a slash stands under the root."""
    whole, base = f"/{name.removeprefix('/')}", path.rstrip("/") + "/"
    return whole.startswith(base) and (recursive or "/" not in whole[len(base) :])
