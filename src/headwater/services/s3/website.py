"""The website sub-resource of buckets: which pages a bucket shows, and where it sends browsers. How it does so is in `hosting`.

Sentences from recorded answers of AWS (TestS3StaticWebsiteHosting::test_validate_website_configuration).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .records import BUCKETS
from .refusals import invalid_argument, invalid_request, malformed_xml

PROTOCOLS: Final = ("http", "https")
RULES_MAX: Final = 50
NO_CONTENT: Final = 204
Configuration = dict[str, Any]


@requires("s3:GetBucketWebsite", BUCKET)
async def get_bucket_website(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if bucket.website is None:
        sentence = "The specified bucket does not have a website configuration"
        raise fault("NoSuchWebsiteConfiguration", sentence, BucketName=bucket.name)
    return bucket.website


@requires("s3:PutBucketWebsite", BUCKET)
async def put_bucket_website(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    asked = request["WebsiteConfiguration"]
    check(asked)
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, website=asked))


@requires("s3:DeleteBucketWebsite", BUCKET)
async def delete_bucket_website(ctx: Context, request: dict[str, Any]) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket_of(ctx, request), website=None))
    ctx.reply_status = NO_CONTENT


def check(asked: Configuration) -> None:
    """Raise for a configuration that S3 does not take."""
    everything = asked.get("RedirectAllRequestsTo")
    if everything:
        if len(asked) > 1:
            sentence = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
            raise invalid_argument(sentence, "RedirectAllRequestsTo", "not null")
        _check_protocol(everything)
        return
    index = asked.get("IndexDocument")
    if not index:
        sentence = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise invalid_argument(sentence, "IndexDocument", "null")
    if not index["Suffix"] or "/" in index["Suffix"]:
        raise invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument", index["Suffix"])
    if "ErrorDocument" in asked and not asked["ErrorDocument"]["Key"]:
        raise malformed_xml()
    if "RoutingRules" in asked:
        _check_rules(asked["RoutingRules"] or [])


def _check_rules(rules: list[dict[str, Any]]) -> None:
    if not rules:
        raise malformed_xml()
    if len(rules) > RULES_MAX:
        sentence = f"{len(rules)} routing rules provided, the number of routing rules in a website configuration is limited to {RULES_MAX}."
        raise invalid_request(sentence)
    for rule in rules:
        redirect = rule["Redirect"]
        if "ReplaceKeyWith" in redirect and "ReplaceKeyPrefixWith" in redirect:
            raise invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        if "Condition" in rule and not rule["Condition"]:
            sentence = "To redirect all requests without a condition, the condition element shouldn't be present."
            raise invalid_request(f"Condition cannot be empty. {sentence}")
        _check_protocol(redirect)
        error = (rule.get("Condition") or {}).get("HttpErrorCodeReturnedEquals")
        if error is not None and not (error.isdecimal() and 400 <= int(error) < 600):
            raise invalid_request(f"The provided HTTP error code ({error}) is not valid. Valid codes are 4XX or 5XX.")
        code = redirect.get("HttpRedirectCode")
        if code is not None and not (code.isdecimal() and 300 < int(code) < 400):
            sentence = f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300."
            raise invalid_request(sentence)


def _check_protocol(redirect: dict[str, Any]) -> None:
    if redirect.get("Protocol", PROTOCOLS[0]) not in PROTOCOLS:
        sentence = "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."
        raise invalid_request(sentence)
