"""Digests: signed lists of a trail's log files and their hashes, chained, by which it can be proven that nobody changed or removed one.

Every hour in which files were delivered ends with a digest, signed by a key pair of the region. `aws cloudtrail validate-logs` reads them.
Source: "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file integrity validation" of the user guide.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .identities import iso
from .model import Shipment, Status, Trail, moment, statuses, trails
from .places import digest_key

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

EVERY: Final = timedelta(hours=1)
KEY_BITS: Final = 2048
KEY_LASTS: Final = timedelta(days=3650)
ALGORITHM: Final = "SHA256withRSA"
GZIP_WINDOW: Final = 31
GZIP_LEVEL: Final = 6


class LogFile(Record, frozen=True, kw_only=True):
    """A file that no digest has listed yet."""

    account: str
    home_region: str
    trail: str
    region: str
    key: str
    bucket: str
    sha256: str
    oldest_us: int
    newest_us: int


class Digest(Record, frozen=True, kw_only=True):
    """The last digest of a trail in a region: what the next one is chained to."""

    account: str
    home_region: str
    trail: str
    region: str
    bucket: str
    key: str
    sha256: str
    signature: str
    ended_at: datetime


class SigningKey(Record, frozen=True, kw_only=True):
    """The key pair of a region; the private half is sealed."""

    region: str
    fingerprint: str
    public_der: bytes
    sealed_private: bytes
    valid_from: datetime


class DigestDue(Job, frozen=True, kw_only=True, tag="cloudtrail/digest-due/1"):
    """An hour of files is over. The subject is the trail's name and home."""

    trail: str
    home_region: str


log_files: Final = Table("cloudtrail", "log_files", LogFile, key=lambda one: (one.account, one.home_region, one.trail, one.region, one.key))
digests: Final = Table("cloudtrail", "digests", Digest, key=lambda one: (one.account, one.home_region, one.trail, one.region))
signing_keys: Final = Table("cloudtrail", "signing_keys", SigningKey, key=lambda key: (key.region, key.fingerprint))


@requires("cloudtrail:ListPublicKeys")
async def list_public_keys(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Those that were valid in the time asked about; now, if none is."""
    now = ctx.clock.now()
    start, end = request.get("StartTime", now), request.get("EndTime", now)
    if start > end:
        raise fault("InvalidTimeRangeException", "End time cannot be before start time.")
    found = [key for key in ctx.store.scan(signing_keys, ctx.region) if key.valid_from <= end and start <= key.valid_from + KEY_LASTS]
    return {"PublicKeyList": [describe(key) for key in found]}


def describe(key: SigningKey) -> dict[str, Any]:
    return {
        "Value": key.public_der,
        "ValidityStartTime": key.valid_from,
        "ValidityEndTime": key.valid_from + KEY_LASTS,
        "Fingerprint": key.fingerprint,
    }


# -- what is to be listed --------------------------------------------------------------------------------------------------


def noted(trail: Trail, shipment: Shipment, key: str, sha256: str, oldest_us: int, newest_us: int) -> LogFile:
    return LogFile(
        account=trail.account,
        home_region=trail.region,
        trail=trail.name,
        region=shipment.region,
        key=key,
        bucket=trail.bucket,
        sha256=sha256,
        oldest_us=oldest_us,
        newest_us=newest_us,
    )


def remember(ctx: Context, tx: Transaction, trail: Trail, region: str, files: list[LogFile]) -> None:
    """Files for the next digest, which is owed now where none was."""
    if not ctx.store.scan(log_files, trail.account, trail.region, trail.name, region):
        tx.owe(_due(trail, region, ctx.clock.now() + EVERY))
    for file in files:
        tx.put(log_files, file)


def _due(trail: Trail, region: str, at: datetime) -> DigestDue:
    return DigestDue(
        account=trail.account, region=region, subject=f"{trail.name}/{trail.region}", at=at, trail=trail.name, home_region=trail.region
    )


# -- the digest ------------------------------------------------------------------------------------------------------------


@handles(DigestDue, attempts_max=1000)
async def _digest(ctx: Context, due: DigestDue) -> None:
    """Write the digest of all files that wait. Killed after the writing, the same digest is written again: it ends at the due time."""
    place = (due.account, due.home_region, due.trail, due.region)
    trail, files = ctx.store.get(trails, *place[:3]), ctx.store.scan(log_files, *place)
    if trail is None or not files:
        return
    key = await _signing_key(ctx, due.region)
    before = ctx.store.get(digests, *place)
    content = msgspec.json.encode(_content(trail, due, files, before, key.fingerprint))
    body = zlib.compress(content, GZIP_LEVEL, GZIP_WINDOW)
    signed = signed_text(due.at, f"{trail.bucket}/{digest_key(trail, due.region, due.at)}", content, before)
    signature = _sign(ctx, key, signed)
    client = ctx.client("s3", region=trail.region, service_principal="cloudtrail", source_arn=trail.arn)
    try:
        await client.put_object(
            Bucket=trail.bucket,
            Key=digest_key(trail, due.region, due.at),
            Body=body,
            ACL="bucket-owner-full-control",
            ContentType="application/json",
            ContentEncoding="gzip",
            Metadata={"signature": signature, "signature-algorithm": ALGORITHM},
        )
    except Fault as refusal:
        async with ctx.store.transaction() as tx:
            tx.put(statuses, _after(ctx, trail, refusal.code))
            tx.owe(_due(trail, due.region, ctx.clock.now() + EVERY))
        return
    async with ctx.store.transaction() as tx:
        for file in files:
            tx.delete(log_files, *log_files.key(file))
        tx.put(
            digests,
            Digest(
                account=trail.account,
                home_region=trail.region,
                trail=trail.name,
                region=due.region,
                bucket=trail.bucket,
                key=digest_key(trail, due.region, due.at),
                sha256=hashlib.sha256(content).hexdigest(),
                signature=signature,
                ended_at=due.at,
            ),
        )
        tx.put(statuses, _after(ctx, trail, ""))


def _content(trail: Trail, due: DigestDue, files: list[LogFile], before: Digest | None, fingerprint: str) -> dict[str, Any]:
    return {
        "awsAccountId": trail.account,
        "digestStartTime": iso(before.ended_at if before is not None else due.at - EVERY),
        "digestEndTime": iso(due.at),
        "digestS3Bucket": trail.bucket,
        "digestS3Object": digest_key(trail, due.region, due.at),
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": ALGORITHM,
        "newestEventTime": iso(moment(max(file.newest_us for file in files))),
        "oldestEventTime": iso(moment(min(file.oldest_us for file in files))),
        "previousDigestS3Bucket": before.bucket if before is not None else None,
        "previousDigestS3Object": before.key if before is not None else None,
        "previousDigestHashValue": before.sha256 if before is not None else None,
        "previousDigestHashAlgorithm": "SHA-256" if before is not None else None,
        "previousDigestSignature": before.signature if before is not None else None,
        "logFiles": [
            {
                "s3Bucket": file.bucket,
                "s3Object": file.key,
                "hashValue": file.sha256,
                "hashAlgorithm": "SHA-256",
                "newestEventTime": iso(moment(file.newest_us)),
                "oldestEventTime": iso(moment(file.oldest_us)),
            }
            for file in files
        ],
    }


def signed_text(ended_at: datetime, path: str, content: bytes, before: Digest | None) -> bytes:
    """What is signed: four lines. The hash is of the JSON as it is before it is compressed."""
    last = before.signature if before is not None else "null"
    return "\n".join((iso(ended_at), path, hashlib.sha256(content).hexdigest(), last)).encode()


def _after(ctx: Context, trail: Trail, error: str) -> Status:
    place = (trail.account, trail.region, trail.name)
    status = ctx.store.get(statuses, *place) or Status(account=place[0], region=place[1], name=place[2])
    at = status.digested_at if error else ctx.clock.now()
    return msgspec.structs.replace(status, digested_at=at, digest_error=error)


# -- keys ------------------------------------------------------------------------------------------------------------------


async def _signing_key(ctx: Context, region: str) -> SigningKey:
    """The region's key, made when it is first needed and followed by another when its time is over."""
    now = ctx.clock.now()
    valid = [key for key in ctx.store.scan(signing_keys, region) if key.valid_from <= now < key.valid_from + KEY_LASTS]
    if valid:
        return valid[-1]
    public, private = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, _new_key)
    fingerprint = hashlib.md5(public, usedforsecurity=False).hexdigest()
    sealed = ctx.home.vault.seal(private, f"cloudtrail/{region}/{fingerprint}")
    key = SigningKey(region=region, fingerprint=fingerprint, public_der=public, sealed_private=sealed, valid_from=now - EVERY)
    async with ctx.store.transaction() as tx:
        tx.put(signing_keys, key)
    return key


def _new_key() -> tuple[bytes, bytes]:
    """Both halves of a new pair, as PKCS#1."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pair = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    public = pair.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    private = pair.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return public, private


def _sign(ctx: Context, key: SigningKey, text: bytes) -> str:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    opened = ctx.home.vault.open(key.sealed_private, f"cloudtrail/{key.region}/{key.fingerprint}")
    pair = serialization.load_der_private_key(opened, None)
    assert isinstance(pair, RSAPrivateKey)
    return pair.sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()
