"""The policy of a browser's form: what its signer allows whoever sends it. Pure.

Every field must be covered by a condition, or anybody could add to what was signed. Names are compared without case, values with it.
Sentences: "Creating a POST policy" of the API reference, recorded answers of AWS (TestS3PresignedPost), and S3's answers as they were
pasted into public issue trackers.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault

from .refusals import too_large

MEMBERS: Final = ("expiration", "conditions")
UNCOVERED: Final = frozenset({"x-amz-signature", "signature", "awsaccesskeyid", "file", "policy"})
"""Fields of the signature itself."""
UNCOVERED_STARTS: Final = ("x-ignore-", "x-amz-checksum-")
RANGE: Final = "content-length-range"
OPERATIONS: Final = {"eq": 2, "starts-with": 2, RANGE: 2}
"""With the number of what follows."""
_EXPIRATION: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z?")
_ESCAPED_DOLLAR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\\$")


class FormPolicy(msgspec.Struct, frozen=True):
    """`conditions` as they were written, each a list; simple ones as `eq`."""

    expires_at: datetime
    conditions: list[list[Any]]

    def check(self, fields: Mapping[str, str], names: Mapping[str, str], now: datetime) -> tuple[int, int] | None:
        """Raise unless a form of these fields may be sent now; answers how long its file may be."""
        if now > self.expires_at:
            raise _against("Policy expired.")
        allowed: tuple[int, int] | None = None
        covered = set()
        for condition in self.conditions:
            operation = condition[0].lower()
            if operation == RANGE:
                allowed = _range(condition)
                continue
            name, wanted = condition[1], condition[2]
            value = fields.get(name[1:].lower()) if name.startswith("$") else None
            if value is None or not (value == wanted if operation == "eq" else value.startswith(wanted)):
                raise _failed(condition)
            covered.add(name[1:].lower())
        extra = [
            names.get(name, name)
            for name in fields
            if name not in covered and name not in UNCOVERED and not name.startswith(UNCOVERED_STARTS)
        ]
        if extra:
            raise _against(f"Extra input fields: {', '.join(extra)}")
        return allowed


def parse(encoded: str) -> FormPolicy:
    """The policy that a form carries, in base64; raises InvalidPolicyDocument."""
    try:
        text = b64decode(encoded, validate=False).decode()
        document = json.loads(_ESCAPED_DOLLAR.sub(r"\1$", text))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    for name in document:
        if name not in MEMBERS:
            raise _invalid(f"Unexpected: '{name.lower()}'")
    if "expiration" not in document:
        raise _invalid("Policy missing expiration.")
    if "conditions" not in document:
        raise _invalid("Policy missing conditions.")
    if not isinstance(document["conditions"], list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    return FormPolicy(_expiration(document["expiration"]), [_condition(one) for one in document["conditions"]])


def _expiration(said: object) -> datetime:
    found = _EXPIRATION.fullmatch(said) if isinstance(said, str) else None
    try:
        if found is not None:
            return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise _invalid(f"Invalid 'expiration' value: '{said}'")


def _condition(said: object) -> list[Any]:
    if isinstance(said, dict):
        if len(said) != 1:
            raise _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        ((name, value),) = said.items()
        if value is None:
            raise _invalid("Invalid JSON.")
        if not isinstance(value, str):
            raise _invalid("Invalid Simple-Condition: value must be a string.")
        return ["eq", f"${name}", value]
    if not isinstance(said, list):
        raise _invalid("Invalid condition test: must be a List or Object.")
    if not said:
        raise _invalid("Invalid Condition: missing operation identifier.")
    operation = said[0].lower() if isinstance(said[0], str) else ""
    if operation not in OPERATIONS:
        raise _invalid(f"Invalid Condition: unknown operation '{said[0]}'.")
    if len(said) - 1 != OPERATIONS[operation]:
        raise _invalid(f"Invalid {operation}: wrong number of arguments.")
    kinds = (str, int) if operation == RANGE else (str,)
    if not all(isinstance(one, kinds) and not isinstance(one, bool) for one in said[1:]):
        raise _invalid("Invalid JSON.")
    return said


def _range(condition: list[Any]) -> tuple[int, int]:
    try:
        return int(condition[1]), int(condition[2])
    except ValueError:
        raise _failed(condition) from None


def check_size(allowed: tuple[int, int] | None, size: int) -> None:
    """Raise for a file whose size the policy does not allow."""
    if allowed is None:
        return
    smallest, largest = allowed
    if size > largest:
        raise too_large(size, largest)
    if size < smallest:
        sentence = "Your proposed upload is smaller than the minimum allowed size"
        raise fault("EntityTooSmall", sentence, ProposedSize=str(size), MinSizeAllowed=str(smallest))


def _failed(condition: list[Any]) -> Fault:
    return _against(f"Policy Condition failed: {json.dumps(condition, ensure_ascii=False)}")


def _against(sentence: str) -> Fault:
    return fault("AccessDenied", f"Invalid according to Policy: {sentence}")


def _invalid(sentence: str) -> Fault:
    return fault("InvalidPolicyDocument", f"Invalid Policy: {sentence}")
