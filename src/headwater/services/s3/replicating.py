"""The replication sub-resource of buckets, and the job that copies versions under the configuration's role.

A copy has the version id of what it copies and takes its place among the versions of its key by age, so copying twice is copying once.
Recorded answers of AWS: TestS3BucketReplication.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import handles
from headwater.kernel.permissions import requires

from . import SERVICE, encryption, events, replication
from .access import bucket_of
from .arns import BUCKET
from .bodies import Arrived
from .encryption import Seal
from .keeper import Keeper
from .records import BUCKETS, ENABLED, Bucket, ObjectVersion
from .refusals import header_not_built, invalid_request, malformed_xml
from .replication import COMPLETED, FAILED, REPLICA, ReplicaDue, Rule

RULES_MAX: Final = 1000
STATUSES: Final = ("Enabled", "Disabled")
NOT_BUILT: Final = ("SourceSelectionCriteria", "ExistingObjectReplication")
NOT_BUILT_OF_DESTINATIONS: Final = ("AccessControlTranslation", "EncryptionConfiguration")
SESSION: Final = "s3-replication"
SCHEMA: Final = (
    "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information."
)


@requires("s3:GetReplicationConfiguration", BUCKET)
async def get_bucket_replication(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if bucket.replication is None:
        raise fault("ReplicationConfigurationNotFoundError", "The replication configuration was not found", BucketName=bucket.name)
    return {"ReplicationConfiguration": bucket.replication}


@requires("s3:PutReplicationConfiguration", BUCKET)
@requires("iam:PassRole", lambda ctx, request: request["ReplicationConfiguration"]["Role"], passed_to="s3.amazonaws.com")
async def put_bucket_replication(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    if bucket.versioning != ENABLED:
        raise invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    asked = request["ReplicationConfiguration"]
    rules = [{"ID": ctx.new_id().replace("-", "")} | rule for rule in asked["Rules"]]
    if not 1 <= len(rules) <= RULES_MAX:
        raise malformed_xml()
    for rule in rules:
        check(ctx, rule)
    if len({rule["ID"] for rule in rules}) != len(rules):
        raise fault("InvalidArgument", "Rule Id must be unique. Found same Id for more than one rule")
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, replication={"Role": asked["Role"], "Rules": rules}))


@requires("s3:PutReplicationConfiguration", BUCKET)
async def delete_bucket_replication(ctx: Context, request: dict[str, Any]) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket_of(ctx, request), replication=None))


def check(ctx: Context, rule: Rule) -> None:
    """Raise for a rule that S3 does not take, or that asks for what is not built."""
    destination = rule["Destination"]
    if any(name in rule for name in NOT_BUILT) or any(name in destination for name in NOT_BUILT_OF_DESTINATIONS):
        raise header_not_built("ReplicationConfiguration")
    if rule["Status"] not in STATUSES or ("Filter" in rule and "Prefix" in rule):
        raise malformed_xml()
    if "Filter" in rule:
        for name in ("Priority", "DeleteMarkerReplication"):
            if name not in rule:
                raise invalid_request(f"{name} must be specified {SCHEMA}")
        if replication.has_tags(rule) and replication.takes_markers(rule):
            sentence = "Delete marker replication is not supported if any Tag filter is specified."
            raise invalid_request(f"{sentence} Please refer to S3 Developer Guide for more information.")
    target = ctx.store.get(BUCKETS, replication.target_of(rule))
    if target is None or target.versioning != ENABLED:
        raise invalid_request("Destination bucket must have versioning enabled.")


# -- copying --------------------------------------------------------------------------------------------------------------


@handles(ReplicaDue, attempts_max=5, timeout=timedelta(minutes=30))
async def _replicate(ctx: Context, due: ReplicaDue) -> None:
    bucket = ctx.store.get(BUCKETS, due.bucket)
    version = _version(ctx, due)
    if bucket is None or bucket.replication is None or version is None:
        return
    rules = replication.rules_for(bucket, version)
    done = [await _copied(ctx, bucket, version, rule) for rule in rules]
    version = _version(ctx, due)  # its tags may have changed meanwhile
    if version is not None and not version.marker and done:
        await Keeper.of(ctx).amend(ctx, replace(version, replication=COMPLETED if all(done) else FAILED), "")


def _version(ctx: Context, due: ReplicaDue) -> ObjectVersion | None:
    keeper = Keeper.of(ctx)
    return keeper.version(due.key, due.version_id, keeper.current(due.bucket, due.key))


async def _copied(ctx: Context, bucket: Bucket, version: ObjectVersion, rule: Rule) -> bool:
    """Whether the copy is there now; not, where the role or the destination does not let it be."""
    target = ctx.store.get(BUCKETS, replication.target_of(rule))
    acting = await _acting(ctx, bucket, version, target) if target is not None and target.versioning == ENABLED else None
    if target is None or acting is None:
        return False
    keeper = Keeper.of(ctx)
    there = keeper.version(version.key, version.version_id, keeper.current(target.name, version.key))
    if there is not None:
        if there.tags != version.tags:
            await keeper.amend(ctx, replace(there, tags=version.tags), events.TAGGED)
        return True
    try:
        arrived, seal = (Arrived(0, ""), encryption.PLAIN) if version.marker else await _body(acting, version, target)
    except Fault:  # KMS does not let the role use the destination's key
        return False
    with keeper.bodies.unless_refused(arrived.file):
        copy = replace(
            version,
            bucket=target.name,
            body=arrived.inline,
            file=arrived.file,
            encryption=seal.encryption,
            storage_class=rule["Destination"].get("StorageClass", version.storage_class),
            grants=None,
            replication="" if version.marker else REPLICA,
            null_order="",
            restored_at=None,
            restored_until=None,
        )
        if target.lock is None:
            copy = replace(copy, retained_mode="", retained_until=None, legal_hold="")
        await keeper.replicate(ctx, copy)
    return True


async def _acting(ctx: Context, bucket: Bucket, version: ObjectVersion, target: Bucket) -> Context | None:
    """The role at work, where it trusts S3 and may do what replication does. That is no operation: these are actions of their own."""
    assert bucket.replication is not None
    role, source = bucket.replication["Role"], f"arn:aws:s3:::{bucket.name}"
    authorization = ctx.home.authorization
    if not await authorization.trusts(role, "s3", source_arn=source, region=bucket.region):
        return None
    acting = ctx.home.context(account=bucket.account, region=bucket.region, service="s3")
    acting.principal = await authorization.session_of(role, SESSION)
    operation = SERVICE.model.operations["PutObject"]
    place = f"arn:aws:s3:::{target.name}/{version.key}"
    needs = [("s3:ReplicateDelete" if version.marker else "s3:ReplicateObject", place)]
    if not version.marker:
        needs.append(("s3:GetObjectVersionForReplication", f"{source}/{version.key}"))
    if version.tags:
        needs += [("s3:ReplicateTags", place), ("s3:GetObjectVersionTagging", f"{source}/{version.key}")]
    request = {"Bucket": target.name, "Key": version.key}
    may = all(authorization.allows(acting, operation, request, action, resource) for action, resource in needs)
    return acting if may else None


async def _body(ctx: Context, version: ObjectVersion, target: Bucket) -> tuple[Arrived, Seal]:
    """The bytes under a name of their own, encrypted as the destination has it."""
    bodies = Keeper.of(ctx).bodies
    wanted = encryption.wanted(ctx, {"Key": version.key}, target)
    if wanted is None:
        if not version.file:
            return Arrived(version.size, version.etag, inline=version.body), encryption.PLAIN
        twin = await bodies.twin(version.file)
        if twin is not None:
            return Arrived(version.size, version.etag, file=twin), encryption.PLAIN
    seal = encryption.PLAIN if wanted is None else await encryption.sealed(ctx, target, version.key, wanted)
    arrived, _ = await bodies.take(bodies.source(version.body, version.file, 0, version.size), [], keys=seal.keys)
    return arrived, seal
