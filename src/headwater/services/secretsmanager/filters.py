"""Filters of listings: what ListSecrets and BatchGetSecretValue mean by them. Pure.

A filter holds where one of its values does, and all filters must hold; a value that begins with `!` holds where the rest does not.
All compare beginnings, descriptions without case; `all` looks for words, of which a text may be made up, without case too.
Source: the API reference (Filter) and "Find secrets in AWS Secrets Manager" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from .model import Secret

NOT: Final = "!"
_BREAKS: Final = re.compile(r"[ /_+=.@-]+")
_HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def holds(secret: Secret, filters: Iterable[dict[str, Any]]) -> bool:
    return all(_holds(secret, each["Key"], each.get("Values", [])) for each in filters if "Key" in each)


def _holds(secret: Secret, key: str, values: list[str]) -> bool:
    test = _TESTS[key]
    wanted = [value for value in values if not value.startswith(NOT)]
    unwanted = [value.removeprefix(NOT) for value in values if value.startswith(NOT)]
    if any(test(secret, value) for value in unwanted):
        return False
    return not wanted or any(test(secret, value) for value in wanted)


def _begins(secret: Secret, value: str) -> bool:
    return secret.name.startswith(value)


def _any_begins(texts: Iterable[str], value: str) -> bool:
    return any(text.startswith(value) for text in texts)


def _words(text: str) -> list[str]:
    """A text, each of its words, and each part of a word that begins with a capital; in lower case."""
    words = [word for word in _BREAKS.split(text) if word]
    return [each.lower() for each in (text, *words, *(part for word in words for part in _HUMPS.split(word)))]


def _described(secret: Secret, value: str) -> bool:
    return (secret.description or "").lower().startswith(value.lower())


def _anything(secret: Secret, value: str) -> bool:
    """Every word of the value begins a word of some text of the secret."""
    texts = [secret.name, secret.description or "", *secret.tags, *secret.tags.values()]
    texts += [secret.primary_region or "", secret.owning_service or ""]
    words = [word for text in texts for word in _words(text)]
    wanted = [word.lower() for word in _BREAKS.split(value) if word]
    return all(_any_begins(words, word) for word in wanted)


_TESTS: Final[dict[str, Callable[[Secret, str], bool]]] = {
    "name": _begins,
    "description": _described,
    "tag-key": lambda secret, value: _any_begins(secret.tags, value),
    "tag-value": lambda secret, value: _any_begins(secret.tags.values(), value),
    "primary-region": lambda secret, value: (secret.primary_region or "").startswith(value),
    "owning-service": lambda secret, value: (secret.owning_service or "").startswith(value),
    "all": _anything,
}
