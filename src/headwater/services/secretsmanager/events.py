"""What Secrets Manager tells of itself: service events, which CloudTrail and EventBridge pass on, as plain dicts on the Bus.

Source: "Log Secrets Manager events with CloudTrail" of the user guide, which names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .model import Secret

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TOPIC: Final = "secretsmanager/event"
ROTATION_TOPIC: Final = "secretsmanager/rotation"


def tell(ctx: Context, secret: Secret, name: str, **details: Any) -> None:
    """An event of a secret, and what is particular to it (`SecretVersionId`)."""
    if not ctx.bus.has_listeners(TOPIC):
        return
    event = {
        "eventName": name,
        "eventSource": "secretsmanager.amazonaws.com",
        "eventType": "AwsServiceEvent",
        "eventTime": ctx.clock.now(),
        "awsRegion": secret.region,
        "recipientAccountId": secret.account,
        "additionalEventData": {"SecretId": secret.arn} | details,
    }
    ctx.bus.publish(TOPIC, event)


def tell_of_versions(ctx: Context, secret: Secret, name: str, versions: list[str]) -> None:
    for version_id in versions:
        tell(ctx, secret, name, SecretVersionId=version_id)
