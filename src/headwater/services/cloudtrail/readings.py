"""Which operations only read. AWS says it of each event, and shows no answer of one that reads.

The name tells, as AWS's names go; a few are exceptions.
"""

from __future__ import annotations

from functools import cache
from typing import Final

READING: Final = (
    "BatchGet",
    "Check",
    "Compare",
    "Count",
    "Decode",
    "Describe",
    "Detect",
    "Discover",
    "Estimate",
    "Evaluate",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Preview",
    "Query",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "Validate",
    "Verify",
    "View",
)
READING_TOO: Final = frozenset(
    [
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "Decrypt",
        "Encrypt",
        "GenerateCredentialReport",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateServiceLastAccessedDetails",
        "Sign",
    ]
)
WRITING: Final = frozenset({"GetFederationToken"})
SHOWN_ANSWERS: Final = frozenset(
    ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken", "GetFederationToken"]
)
"""The readings whose answers AWS shows all the same: who became whom."""


@cache
def only_reads(operation: str) -> bool:
    return operation not in WRITING and (operation.startswith(READING) or operation in READING_TOO)


@cache
def shows_answer(operation: str) -> bool:
    return operation in SHOWN_ANSWERS or not only_reads(operation)
