"""AWS's own keys, `alias/aws/s3` and its like: one a service, account and region, made when it is first named.

Nobody can change them, everybody in the account can use them through their service: so says their policy.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from .live import live_of
from .material import made, sealed
from .model import Alias, Key, aliases, keys
from .rotation import RotationDue
from .specs import ENCRYPT_DECRYPT, SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PREFIX: Final = "alias/aws/"
ROTATION_DAYS: Final = 365
PROTECTS: Final = {
    "acm": "ACM private keys",
    "backup": "Backup vaults",
    "dynamodb": "DynamoDB data",
    "ebs": "EBS volumes",
    "elasticfilesystem": "EFS filesystems",
    "es": "Elasticsearch domains",
    "fsx": "FSx resources",
    "glue": "Glue data",
    "kafka": "MSK data",
    "kinesis": "Kinesis data",
    "lambda": "Lambda data",
    "rds": "RDS database volumes",
    "redshift": "Redshift clusters",
    "s3": "S3 objects",
    "secretsmanager": "Secrets Manager data",
    "sns": "SNS data",
    "sqs": "SQS messages",
    "ssm": "SSM parameters",
    "xray": "X-Ray data",
}
"""What a service's key protects, as its description says."""


def made_at_first_use(ctx: Context, named: str) -> Awaitable[None]:
    """Does nothing for any other name."""
    return _made_at_first_use(ctx, named)


async def _made_at_first_use(ctx: Context, named: str) -> None:
    name = named if named.startswith(PREFIX) else _alias_of(ctx, named)
    service = name.removeprefix(PREFIX)
    if service not in PROTECTS or ctx.store.get(aliases, ctx.account, ctx.region, name) is not None:
        return
    async with live_of(ctx.home).making:
        if ctx.store.get(aliases, ctx.account, ctx.region, name) is None:
            await _make(ctx, service)


def _alias_of(ctx: Context, named: str) -> str:
    """Of an alias ARN of this account and region, its alias."""
    return named.removeprefix(f"arn:aws:kms:{ctx.region}:{ctx.account}:")


async def _make(ctx: Context, service: str) -> None:
    now = ctx.clock.now()
    key = Key(
        account=ctx.account,
        region=ctx.region,
        key_id=ctx.new_id(),
        created_at=now,
        description=f"Default key that protects my {PROTECTS[service]} when no other key is defined",
        spec=SYMMETRIC,
        usage=ENCRYPT_DECRYPT,
        origin="AWS_KMS",
        manager="AWS",
        policy=policy(service, ctx.account, ctx.region),
        tags={},
        materials=(),
        current=1,
        rotation_days=ROTATION_DAYS,
        rotation_at=now + timedelta(days=ROTATION_DAYS),
    )
    key = msgspec.structs.replace(key, materials=(sealed(ctx.home, key, 1, await made(ctx.home, SYMMETRIC)),))
    alias = Alias(account=ctx.account, region=ctx.region, name=PREFIX + service, key_id=key.key_id, created_at=now, updated_at=now)
    async with ctx.store.transaction() as tx:
        tx.put(keys, key)
        tx.put(aliases, alias)
        tx.owe(RotationDue.of(key))


def policy(service: str, account: str, region: str) -> str:
    """Use through the service by whoever the service lets in; looking at the key by the account."""
    through = {"StringEquals": {"kms:CallerAccount": account, "kms:ViaService": f"{service}.{region}.amazonaws.com"}}
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"]
    look = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
    statements = [
        {
            "Sid": f"Allow access through {service} for all principals in the account that are authorized to use {service}",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": use,
            "Resource": "*",
            "Condition": through,
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": look,
            "Resource": "*",
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}-2", "Statement": statements}, indent=2)
