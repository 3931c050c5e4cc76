"""Whose event a call is: the caller's, and, where the call reached into another account and was let in, that account's too.

A refused call stays with the caller: whoever owns what it asked for learns nothing, and nobody can write into another's history.
Source: "CloudTrail record contents" (sharedEventID) and, for S3, "CloudTrail and cross-account access" of their guides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.service import room, room_names

if TYPE_CHECKING:
    from headwater.kernel.home import Home
    from headwater.kernel.record import Call

NAMED_BY_ARN: Final = {
    "sts": "RoleArn",
    "lambda": "FunctionName",
    "kms": "KeyId",
    "secretsmanager": "SecretId",
    "sns": "TopicArn",
    "kinesis": "StreamARN",
    "dynamodb": "TableName",
}
"""The member in which a resource of another account is named, where services have such a thing."""
ACCOUNT_DIGITS: Final = 12


def other_account(home: Home, call: Call) -> str:
    """Another account that the call acted in, or ""."""
    if call.refusal is not None or call.result is None:
        return ""
    own = call.principal.account
    if call.service == "s3":
        owner = _bucket_owner(home, call.request)
    else:
        member = NAMED_BY_ARN.get(call.service)
        owner = _account_in(call.request.get(member)) if member is not None else ""
    return owner if owner != own else ""


def _account_in(arn: Any) -> str:
    if not isinstance(arn, str) or not arn.startswith("arn:"):
        return ""
    fields = arn.split(":", 5)
    account = fields[4] if len(fields) > 5 else ""
    return account if len(account) == ACCOUNT_DIGITS and account.isdigit() else ""


def _bucket_owner(home: Home, request: dict[str, Any]) -> str:
    """As S3 tells the decision. Anything that can be called has an open room."""
    bucket = request.get("Bucket")
    if not bucket or "s3" not in room_names() or (policy_of := room("s3").policy_of) is None:
        return ""
    policy = policy_of(home, "s3:GetBucketAcl", f"arn:aws:s3:::{bucket}")
    return policy.owner if policy is not None else ""
