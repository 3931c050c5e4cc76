"""What a session carries, and what a request for one must satisfy: its policies, its tags, its length, its size.

Session policies and tags travel in the session token, so their packed size has a limit of its own. Tags are found by a key whose
letters' case does not count, but is kept. What is transitive goes down a chain of roles and cannot be set anew on the way.
Source: "Pass session tags in AWS STS" and "Session policies" of IAM's user guide; sts.json of the recordings for the sentences on tags.
"""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.aws.policy import documents
from headwater.kernel.identity import TOKEN_BYTES_MAX, Principal, Session

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAGS_MAX: Final = 50
POLICY_ARNS_MAX: Final = 10
PACKED_BYTES: Final = 2048
"""What AWS lets session policies and tags take in their packed form: PackedPolicySize is a percentage of it."""
_DIFFERENT_KEYS: Final = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
_ALREADY_TRANSITIVE: Final = (
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
)

Request = dict[str, Any]


def session_of(ctx: Context, request: Request, *, caller: Session | None = None) -> Session:
    """The session that is asked for; `caller` is the one it is chained to."""
    tags, transitive = chained_tags(request.get("Tags", []), request.get("TransitiveTagKeys", []), caller)
    if "Policy" in request:
        documents.check(request["Policy"], "session")
    inherited = caller.source_identity if caller is not None else ""
    return Session(
        issued_at=ctx.clock.now().replace(microsecond=0),
        policies=(request["Policy"],) if "Policy" in request else (),
        policy_arns=policy_arns(request),
        tags=tags,
        transitive_tag_keys=transitive,
        source_identity=inherited or request.get("SourceIdentity", ""),
    )


def chained_tags(
    tags: list[dict[str, str]], transitive: list[str], caller: Session | None = None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The session's tags, and which of them are transitive: the caller's transitive ones, and those that the request adds."""
    inherited = {key: caller.tags[key] for key in caller.transitive_tag_keys} if caller is not None else {}
    given = {tag["Key"].lower(): tag["Key"] for tag in tags}
    if len(given) != len(tags):
        raise fault("InvalidParameterValue", _DIFFERENT_KEYS)
    if any(key.startswith("aws:") for key in given):
        raise fault("InvalidParameterValue", "Tag keys that begin with aws: are reserved for AWS.")
    if any(key.lower() not in given for key in transitive):
        raise fault("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
    if any(key.lower() in given for key in inherited):
        raise fault("InvalidParameterValue", _ALREADY_TRANSITIVE)
    if len(inherited) + len(tags) > TAGS_MAX:
        raise fault("InvalidParameterValue", f"A session has at most {TAGS_MAX} tags, those of the calling session included.")
    together = inherited | {tag["Key"]: tag["Value"] for tag in tags}
    return together, (*inherited, *dict.fromkeys(given[key.lower()] for key in transitive))


def policy_arns(request: Request) -> tuple[str, ...]:
    arns = tuple(dict.fromkeys(policy["arn"] for policy in request.get("PolicyArns", []) if "arn" in policy))
    if len(request.get("PolicyArns", [])) > POLICY_ARNS_MAX:
        raise fault(
            "ValidationError",
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "
            f"Member must have length less than or equal to {POLICY_ARNS_MAX}",
        )
    return arns


def packed_size(session: Session) -> int | None:
    """A percentage, where there is anything to pack. AWS's packing is its own, and so is ours."""
    pieces = [*session.policies, *session.policy_arns, *session.tags, *session.tags.values()]
    if not pieces:
        return None
    percent = -(-100 * len(zlib.compress("\0".join(pieces).encode(), 9)) // PACKED_BYTES)
    if percent > 100:
        raise fault("PackedPolicyTooLarge", f"Packed policy consumes {percent}% of allotted space, please use smaller policy.")
    return percent


def issued(ctx: Context, principal: Principal, duration_s: int, request: Request) -> dict[str, Any]:
    """Credentials of the principal, as every answer that has some shows them."""
    expiration = ctx.clock.now().replace(microsecond=0) + timedelta(seconds=duration_s)
    credentials = ctx.home.issue_credentials(principal, expiration, characters_min=request.get("MinimumSessionTokenSize", 0))
    size = len(credentials.session_token)
    return {
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": expiration,
        },
        "SessionTokenSize": size,
        "SessionTokenUtilization": -(-100 * size // TOKEN_BYTES_MAX),
    }
