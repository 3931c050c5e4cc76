"""What a service-control policy must look like when it is written."""

from __future__ import annotations

import json

from headwater.aws.faults import Fault, fault


def malformed() -> Fault:
    return fault(
        "MalformedPolicyDocumentException",
        "The provided policy document does not meet the requirements of the specified policy type.",
    )


def check(content: str) -> None:
    try:
        parsed = json.loads(content)
    except ValueError:
        raise malformed() from None
    if not isinstance(parsed, dict) or "Statement" not in parsed:
        raise malformed()
