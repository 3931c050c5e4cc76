"""Tags: the rule, shared by whatever carries them."""

from collections.abc import Sequence

from headwater.aws.faults import fault

from .model import TAGS_MAX


def tagged(before: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    tags = before | {tag.get("Key", ""): tag.get("Value", "") for tag in added}
    if any(not 1 <= len(key) <= 128 or key.startswith("aws:") or len(value) > 256 for key, value in tags.items()):
        raise fault("InvalidTagFault", "A tag's key has 1 to 128 characters and does not begin with aws:, its value at most 256.")
    if len(tags) > TAGS_MAX:
        raise fault("TagLimitExceededFault", f"A resource can have at most {TAGS_MAX} tags.")
    return tags


def has_tags(tags: dict[str, str], keys: Sequence[str], values: Sequence[str]) -> bool:
    """Whether the tags fit a filter: any of the keys, any of the values, whatever of the two is given."""
    return (not keys or any(key in tags for key in keys)) and (not values or any(value in values for value in tags.values()))
