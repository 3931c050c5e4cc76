"""What Organizations refuses when a service-control policy is written: one sentence for everything that IAM's grammar refuses.

The grammar is that of every policy without a principal; a version must be said, and be today's.
Source: "SCP syntax" of the Organizations user guide.
"""

from __future__ import annotations

import json
from typing import Final

from headwater.aws.faults import Fault, fault
from headwater.aws.policy import documents

VERSION: Final = "2012-10-17"


def malformed() -> Fault:
    return fault(
        "MalformedPolicyDocumentException",
        "The provided policy document does not meet the requirements of the specified policy type.",
    )


def check(content: str) -> None:
    try:
        documents.check(content, "control")
        version = json.loads(content).get("Version")
    except (Fault, RecursionError):
        raise malformed() from None
    if version != VERSION:
        raise malformed()
