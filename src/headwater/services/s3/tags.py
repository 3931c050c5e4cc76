"""Tags of buckets and objects: one set of rules, three ways in (a sub-resource, a header, a form).

Pure. Source: "Using tags" in the user guide; sentences from recorded answers of AWS (TestS3BucketObjectTagging).
"""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.aws.faults import Fault, fault

from .refusals import malformed_xml

KEY_LENGTH_MAX: Final = 128
VALUE_LENGTH_MAX: Final = 256
BUCKET_TAGS_MAX: Final = 50
_ALLOWED: Final = re.compile(r"[\w\s_.:/=+\-@]*")
"""Letters, digits and white space of any script, and these signs; \\w and \\s are Unicode's."""


def fits(key: str, value: str) -> bool:
    return _key_fits(key) and _value_fits(value)


def _key_fits(key: str) -> bool:
    return 0 < len(key) <= KEY_LENGTH_MAX and _ALLOWED.fullmatch(key) is not None


def _value_fits(value: str) -> bool:
    return len(value) <= VALUE_LENGTH_MAX and _ALLOWED.fullmatch(value) is not None


def of_set(tag_set: list[dict[str, Any]], reserved: str) -> dict[str, str]:
    """The tags of a TagSet, checked; `reserved` is what is said of keys that begin with `aws:`."""
    found: dict[str, str] = {}
    for tag in tag_set:
        key, value = tag.get("Key"), tag.get("Value")
        if key is None or value is None:
            raise malformed_xml()
        if key in found:
            raise _invalid("Cannot provide multiple Tags with the same key", TagKey=key)
        if key.startswith("aws:"):
            raise _invalid(reserved, TagKey=key)
        if not _key_fits(key):
            raise _invalid("The TagKey you have provided is invalid", TagKey=key)
        if not _value_fits(value):
            raise _invalid("The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        found[key] = value
    return found


def _invalid(message: str, **members: str) -> Fault:
    return fault("InvalidTag", message, **members)


def described(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
