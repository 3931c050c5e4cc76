"""AWS's own managed policies: the commonly named ones, as data in `aws_managed.json`.

Their statements are ours, written from what AWS says each policy is for: they grant what the name promises in the services that
the seed's architectures use, and are not AWS's text. They belong to the account "aws" and can't be changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from .model import Policy, PolicyVersion

AWS_MANAGED: Final = "arn:aws:iam::aws:policy/"
SINCE: Final = datetime(2015, 2, 6, 18, 40, tzinfo=UTC)


@cache
def aws_managed() -> dict[str, Policy]:
    """By ARN."""
    listed = json.loads((Path(__file__).parent / "aws_managed.json").read_text())
    found = [_policy(name, entry) for name, entry in listed.items()]
    return {policy.arn: policy for policy in found}


def _policy(name: str, entry: dict[str, object]) -> Policy:
    document = json.dumps({"Version": "2012-10-17", "Statement": entry["statement"]}, indent=4)
    unique = base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]
    return Policy(
        account="aws",
        name=name,
        path=str(entry.get("path", "/")),
        unique_id=f"ANPA{unique}",
        created_at=SINCE,
        updated_at=SINCE,
        description=str(entry["description"]),
        versions=(PolicyVersion(number=1, document=document, created_at=SINCE),),
        default=1,
        latest=1,
    )
