"""The encoded authorization message: why a call was refused, sealed so that only who may decode it can read it.

Some operations (EC2's above all) add it to their refusal. It is made by the decision and opened by sts:DecodeAuthorizationMessage,
by callers of the account that was refused. Nothing is stored: the message is its own storage.
Source of the decoded form: "DecodeAuthorizationMessage" of the API reference of STS and of the CLI's examples. Pure but for the vault.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from headwater.kernel.vault import Vault

CHARACTERS_MAX: Final = 10_240
"""What DecodeAuthorizationMessage takes."""
PLAIN_BYTES_MAX: Final = 1 << 20
_CONTEXT: Final = "authorization messages"


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that was about the call."""

    sid: str = ""
    effect: str  # "Allow" or "Deny"
    principals: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    conditions: Mapping[str, tuple[str, ...]] = {}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a call, and on which grounds."""

    account: str  # of the one who was refused
    principal_id: str
    principal_arn: str
    action: str
    resource: str
    allowed: bool = False
    explicit_deny: bool = False
    matched: tuple[Matched, ...] = ()
    failures: tuple[str, ...] = ()
    conditions: Mapping[str, tuple[str, ...]] = {}  # the keys of the request's context

    def document(self) -> dict[str, Any]:
        """As AWS's decoded message has it."""
        return {
            "allowed": self.allowed,
            "explicitDeny": self.explicit_deny,
            "matchedStatements": {"items": [_statement(each) for each in self.matched]},
            "failures": _values(self.failures),
            "context": {
                "principal": {"id": self.principal_id, "arn": self.principal_arn},
                "action": self.action,
                "resource": self.resource,
                "conditions": _conditions(self.conditions),
            },
        }


def encode_message(vault: Vault, refusal: Refusal) -> str:
    """The message as it stands in a refusal. What would not fit is left out, from the least telling on."""
    shorter = (refusal, msgspec.structs.replace(refusal, conditions={}), msgspec.structs.replace(refusal, conditions={}, matched=()))
    for each in shorter:
        text = _sealed(vault, each)
        if len(text) <= CHARACTERS_MAX:
            return text
    return _sealed(vault, msgspec.structs.replace(shorter[-1], resource="*", failures=()))


def decode_message(vault: Vault, account: str, text: str) -> str | None:
    """The JSON text inside, or None where this home did not seal it for `account`."""
    from cryptography.exceptions import InvalidTag

    try:
        sealed = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        packed = vault.open(sealed, _context(account))
    except (ValueError, binascii.Error, InvalidTag):
        return None
    return zlib.decompressobj().decompress(packed, PLAIN_BYTES_MAX).decode()


def _sealed(vault: Vault, refusal: Refusal) -> str:
    plain = json.dumps(refusal.document(), separators=(",", ":"), ensure_ascii=False)
    sealed = vault.seal(zlib.compress(plain.encode(), 9), _context(refusal.account))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _context(account: str) -> str:
    return f"{_CONTEXT} of {account}"


def _statement(statement: Matched) -> dict[str, Any]:
    return {
        "statementId": statement.sid,
        "effect": statement.effect.upper(),
        "principals": _values(statement.principals),
        "principalGroups": _values(()),
        "actions": _values(statement.actions),
        "resources": _values(statement.resources),
        "conditions": _conditions(statement.conditions),
    }


def _conditions(keys: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {"items": [{"key": key, "values": _values(values)} for key, values in keys.items()]}


def _values(values: Iterable[str]) -> dict[str, Any]:
    return {"items": [{"value": value} for value in values]}
