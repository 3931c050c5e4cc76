"""GetRandomPassword: characters drawn evenly by the system's source of randomness."""

from __future__ import annotations

import secrets as randomness
import string
from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.permissions import requires

from . import refusals

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LENGTH: Final = 32


@requires("secretsmanager:GetRandomPassword")
async def get_random_password(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A password of the kinds of characters asked for, at least one of each unless that is not wanted."""
    length = request.get("PasswordLength", LENGTH)
    kinds = _kinds(request)
    required = kinds if request.get("RequireEachIncludedType", True) else []
    if length < len(required):
        raise refusals.invalid("Password length is too short based on the required types.")
    drawn = [randomness.choice(kind) for kind in required]
    everything = "".join(kinds)
    drawn += [randomness.choice(everything) for _ in range(length - len(drawn))]
    randomness.SystemRandom().shuffle(drawn)
    return {"RandomPassword": "".join(drawn)}


def _kinds(request: dict[str, Any]) -> list[str]:
    """The characters of each kind that may be in it."""
    kinds = [
        ("ExcludeLowercase", string.ascii_lowercase),
        ("ExcludeUppercase", string.ascii_uppercase),
        ("ExcludeNumbers", string.digits),
        ("ExcludePunctuation", string.punctuation),
    ]
    included = [characters for member, characters in kinds if not request.get(member, False)]
    if request.get("IncludeSpace", False):
        included.append(" ")
    excluded = set(request.get("ExcludeCharacters", ""))
    left = ["".join(each for each in characters if each not in excluded) for characters in included]
    if not any(left):
        raise refusals.not_now("You can't exclude every character that a password could have.")
    return [characters for characters in left if characters]
