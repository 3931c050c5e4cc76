"""The encryption sub-resource of buckets: what encrypts objects that say nothing about it, and what no object may ask for."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import encryption
from .access import bucket_of
from .arns import BUCKET
from .records import BUCKETS, Bucket, DefaultEncryption
from .refusals import invalid_argument, malformed_xml

NONE: Final = "NONE"
"""Blocks no kind of encryption."""
NO_CONTENT: Final = 204


@requires("s3:GetEncryptionConfiguration", BUCKET)
async def get_bucket_encryption(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    kept = bucket_of(ctx, request).encryption or DefaultEncryption()
    default = {"SSEAlgorithm": kept.algorithm, "KMSMasterKeyID": kept.key or None}
    rule = {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": kept.bucket_key,
        "BlockedEncryptionTypes": {"EncryptionType": kept.blocked} if kept.blocked else None,
    }
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


@requires("s3:PutEncryptionConfiguration", BUCKET)
async def put_bucket_encryption(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    rules = request["ServerSideEncryptionConfiguration"].get("Rules") or []
    if len(rules) != 1 or not (rules[0].get("ApplyServerSideEncryptionByDefault") or rules[0].get("BlockedEncryptionTypes")):
        raise malformed_xml()
    await _keep(ctx, replace(bucket, encryption=asked(rules[0])))


@requires("s3:PutEncryptionConfiguration", BUCKET)
async def delete_bucket_encryption(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, replace(bucket_of(ctx, request), encryption=None))
    ctx.reply_status = NO_CONTENT


async def _keep(ctx: Context, bucket: Bucket) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, bucket)


def asked(rule: dict[str, Any]) -> DefaultEncryption:
    """Whether the KMS key is there, S3 finds out when it is used."""
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    algorithm = default.get("SSEAlgorithm", encryption.AES256)
    if algorithm not in encryption.ALGORITHMS | encryption.NOT_BUILT:
        raise malformed_xml()
    encryption.check_algorithm(algorithm)
    if "KMSMasterKeyID" in default and algorithm == encryption.AES256:
        sentence = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise invalid_argument(sentence, "ApplyServerSideEncryptionByDefault")
    types = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType") or []
    if not {NONE, encryption.CUSTOMER}.issuperset(types):
        raise malformed_xml()
    return DefaultEncryption(
        algorithm=algorithm, key=default.get("KMSMasterKeyID", ""), bucket_key=bool(rule.get("BucketKeyEnabled", False)), blocked=types
    )
