"""The notification sub-resource of buckets: who wants to know of what. What is told, and how, stands in `events`.

Functions are asked whether S3 may invoke them. Queues and topics have no rooms yet, so that none of them can be validated and all are
refused as S3 refuses those that are not there; without validation they are answered with 501, for nothing would be delivered.
Source: "Configuring event notifications using object key name filtering" of the user guide, and recorded answers of AWS
(TestS3NotificationsToSQS::test_invalid_sqs_arn and its neighbours).
"""

from __future__ import annotations

import re
from base64 import b64encode
from itertools import combinations
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import SERVICE
from .access import bucket_of
from .arns import BUCKET
from .events import covers
from .records import BUCKETS, Bucket, Notification, NotificationRule
from .refusals import header_not_built, invalid_argument

KINDS: Final = {
    "TopicConfigurations": ("TopicArn", "Topic", "sns", "The destination topic does not exist"),
    "QueueConfigurations": ("QueueArn", "Queue", "sqs", "The destination queue does not exist"),
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "CloudFunction", "lambda", "The destination Lambda does not exist"),
}
"""Where each kind of destination says its ARN, how S3 calls it, its service, and what is said of one that is not there."""
FUNCTIONS: Final = "LambdaFunctionConfigurations"
ARN: Final = re.compile(r"arn:aws:(sns|sqs|lambda):([a-z0-9-]+):([0-9]{12}):(.+)")
FILTERS: Final = ("prefix", "suffix")
FILTER_LENGTH_MAX: Final = 1024


@requires("s3:GetBucketNotification", BUCKET)
async def get_bucket_notification_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    kept = bucket_of(ctx, request).notification
    if kept is None:
        return {}
    shown: dict[str, Any] = {FUNCTIONS: [_described(rule) for rule in kept.rules] or None}
    return shown | ({"EventBridgeConfiguration": {}} if kept.event_bridge else {})


@requires("s3:PutBucketNotification", BUCKET)
async def put_bucket_notification_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    asked = request["NotificationConfiguration"]
    wanted = [(kind, one) for kind in KINDS for one in asked.get(kind) or []]
    for kind, one in wanted:
        _check_arn(kind, one, bucket)
    rules = [_rule(ctx, kind, one) for kind, one in wanted]
    skips = bool(request.get("SkipDestinationValidation"))
    if skips and any(kind != FUNCTIONS for kind, _ in wanted):
        raise header_not_built("x-amz-skip-destination-validation")
    if not skips:
        await _check_destinations(ctx, bucket, [(kind, one[KINDS[kind][0]]) for kind, one in wanted])
    _check_apart(rules)
    event_bridge = asked.get("EventBridgeConfiguration") is not None
    kept = Notification(rules=rules, event_bridge=event_bridge) if rules or event_bridge else None
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket_of(ctx, request), notification=kept))
    return {}


def _described(rule: NotificationRule) -> dict[str, Any]:
    filters = [{"Name": name.capitalize(), "Value": getattr(rule, name)} for name in FILTERS if name in rule.filters]
    shown: dict[str, Any] = {"Id": rule.name, "LambdaFunctionArn": rule.target, "Events": rule.events}
    return shown | ({"Filter": {"Key": {"FilterRules": filters}}} if filters else {})


# -- rules -----------------------------------------------------------------------------------------------------------------


def _check_arn(kind: str, one: dict[str, Any], bucket: Bucket) -> None:
    member, called, service, _ = KINDS[kind]
    arn = one[member]
    read = ARN.fullmatch(arn)
    if read is None or read[1] != service:
        raise invalid_argument("The ARN could not be parsed", called, arn)
    if read[2] != bucket.region:
        sentence = "The notification destination service region is not valid for the bucket location constraint"
        raise invalid_argument(sentence, called, arn)


def _rule(ctx: Context, kind: str, one: dict[str, Any]) -> NotificationRule:
    known = _events()
    for name in one["Events"]:
        if name not in known:
            raise invalid_argument("The event is not supported for notifications", "Event", name)
    filters = _filters(((one.get("Filter") or {}).get("Key") or {}).get("FilterRules") or [])
    return NotificationRule(
        name=one.get("Id") or b64encode(ctx.new_id().encode()).decode(),
        target=one[KINDS[kind][0]],
        events=one["Events"],
        prefix=filters.get("prefix", ""),
        suffix=filters.get("suffix", ""),
        filters=list(filters),
    )


def _events() -> frozenset[str]:
    """As the model names them."""
    return frozenset(SERVICE.model.shape("Event").enum or ())


def _filters(rules: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in rules:
        name, value = str(rule.get("Name", "")).lower(), rule.get("Value", "")
        if name not in FILTERS:
            raise invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name", rule.get("Name", ""))
        if name in found:
            raise invalid_argument(f"Cannot specify more than one {name} rule in a filter.", "FilterRule.Name", name)
        if len(value.encode()) > FILTER_LENGTH_MAX:
            raise invalid_argument(f"filter rule value cannot exceed {FILTER_LENGTH_MAX} bytes", "FilterRule.Value", value)
        found[name] = value
    return found


def _check_apart(rules: list[NotificationRule]) -> None:
    """Raise unless every event of every key is wanted by one rule at most."""
    if len({rule.name for rule in rules}) != len(rules):
        raise fault("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique")
    for one, other in combinations(rules, 2):
        if not any(covers(name, event) or covers(event, name) for name in one.events for event in other.events):
            continue
        if not one.filters and not other.filters:
            sentence = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            raise fault("InvalidArgument", f"{sentence} : {one.name}, {other.name}")
        prefixes, suffixes = sorted((one.prefix, other.prefix), key=len), sorted((one.suffix, other.suffix), key=len)
        if prefixes[1].startswith(prefixes[0]) and suffixes[1].endswith(suffixes[0]):
            raise fault(
                "InvalidArgument",
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping "
                "for the same event type.",
            )


# -- destinations ----------------------------------------------------------------------------------------------------------


async def _check_destinations(ctx: Context, bucket: Bucket, wanted: list[tuple[str, str]]) -> None:
    wrong = [(arn, words) for kind, arn in wanted if (words := await _wrong_with(ctx, bucket, kind, arn))]
    if not wrong:
        return
    members: dict[str, str] = {}
    for number, (arn, words) in enumerate(wrong, 1):
        members |= {f"ArgumentName{number}": arn, f"ArgumentValue{number}": words}
    raise fault("InvalidArgument", "Unable to validate the following destination configurations", **members)


async def _wrong_with(ctx: Context, bucket: Bucket, kind: str, arn: str) -> str:
    """Why S3 could not deliver there; "" where it could."""
    if kind != FUNCTIONS:
        return KINDS[kind][3]
    own = ctx.home.context(account=bucket.account, region=bucket.region, service="s3")
    functions = own.client("lambda", service_principal="s3", source_arn=f"arn:aws:s3:::{bucket.name}")
    try:
        await functions.invoke(FunctionName=arn, InvocationType="DryRun")
    except Fault as refusal:
        if refusal.code == "ResourceNotFoundException":
            return KINDS[kind][3]
        return f"Not authorized to invoke function [{arn}]"
    return ""
