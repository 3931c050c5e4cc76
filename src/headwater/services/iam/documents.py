"""Policy documents as IAM keeps them: the language is that of aws/policy, the sizes are IAM's own.

The text is kept as written: versions of one meaning may differ, and users get back what they gave. Pure.
Source: "IAM and AWS STS quotas" of the user guide.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.aws.faults import fault
from headwater.aws.policy.documents import check as check

MANAGED_CHARACTERS_MAX: Final = 6144
TRUST_CHARACTERS_MAX: Final = 2048
INLINE_CHARACTERS_MAX: Final = {"user": 2048, "role": 10_240, "group": 5120}


def characters(document: str) -> int:
    """IAM counts without white space."""
    return len("".join(document.split()))


def check_inline_total(inline: Iterable[str], kind: str, name: str) -> None:
    """The limit holds for all of a bearer's inline policies together."""
    limit = INLINE_CHARACTERS_MAX[kind]
    if sum(characters(document) for document in inline) > limit:
        raise fault("LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind} {name}")


def check_managed(document: str) -> None:
    check(document, "identity")
    if characters(document) > MANAGED_CHARACTERS_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_CHARACTERS_MAX}")


def check_trust(document: str) -> None:
    check(document, "trust")
    if characters(document) > TRUST_CHARACTERS_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS_MAX}")
