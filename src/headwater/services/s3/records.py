"""What S3 keeps: buckets, objects and their earlier versions, uploads in parts; and under which keys.

The newest version of a key stands alone in OBJECTS, so that a read of the latest and a listing never meet old versions; all
others stand in VERSIONS, newest first. Whoever has a version in VERSIONS has one in OBJECTS (perhaps a delete marker).
The easy mistake: the null version may stand among the old ones, so the newest carries a pointer to it (`null_order`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.kernel.store import Record, Table

ENABLED: Final = "Enabled"
NULL: Final = "null"
"""The version id of what was written while versioning was not enabled."""


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """One line of an access control list. The grantee is an account's canonical id, a group's URI, or "" for the owner."""

    grantee: str
    permission: str


class DefaultEncryption(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"algorithm": "SSEAlgorithm", "key": "KMSMasterKeyID", "bucket_key": "BucketKeyEnabled"},
):
    """How a bucket encrypts what says nothing about it."""

    algorithm: str = "AES256"
    key: str = ""
    bucket_key: bool = False
    blocked: list[str] = msgspec.field(default_factory=list)
    """Ways of encryption that writes may not ask for."""


class Encryption(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one body is sealed, and what is needed, beside the key, to open it."""

    algorithm: str
    """aws:kms, aws:kms:dsse or SSE-C."""
    key: str
    """Its ARN; of a customer's key its MD5."""
    bucket_key: bool = False
    wrapped: bytes = b""
    """The data key as KMS encrypted it."""
    context: dict[str, str] = msgspec.field(default_factory=dict)
    """What KMS bound it to."""
    said_context: str = ""
    """The part of that which the caller added, as it was sent."""
    salt: bytes = b""
    check: bytes = b""
    """By which a customer's key is known again."""


class NotificationRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wants to know of which events of which keys."""

    name: str
    target: str
    """The function's ARN."""
    events: list[str]
    """As s3:ObjectCreated:*."""
    prefix: str = ""
    suffix: str = ""
    filters: list[str] = msgspec.field(default_factory=list)
    """Which of the two were said, be it with nothing in them."""


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a bucket tells of what happens in it."""

    rules: list[NotificationRule] = msgspec.field(default_factory=list)
    event_bridge: bool = False


class ObjectLock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bucket's lock, and how long it keeps what asks for no time of its own; without a mode, not at all."""

    mode: str = ""
    days: int = 0
    years: int = 0


class Bucket(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A bucket. Names are global, so `account` is not part of its key."""

    name: str
    account: str
    region: str
    created_at: datetime
    location: str = ""
    """The LocationConstraint as it was asked for: EU stays EU, us-east-1 has none."""
    versioning: str = ""
    """Empty, Enabled or Suspended; it never becomes empty again."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    ownership: str = "BucketOwnerEnforced"
    public_access_block: dict[str, bool] | None = None
    policy: str = ""
    encryption: DefaultEncryption | None = None
    """The default rule that was put, or None while it is S3's own."""
    grants: list[Grant] | None = None
    """The access control list, or None while it is the owner's alone."""
    notification: Notification | None = None
    """None while nobody wants to know anything, so that nothing is made to be told."""
    lifecycle: list[dict[str, Any]] | None = None
    """The rules by which things end, as they were put; each has its ID."""
    transition_minimum: str = ""
    lock: ObjectLock | None = None
    cors: list[dict[str, Any]] | None = None
    """The rules by which pages of other sites may ask, as they were put."""
    website: dict[str, Any] | None = None
    """The website configuration, as it was put."""
    logging: dict[str, Any] | None = None
    """Where its access logs go, as it was put."""
    replication: dict[str, Any] | None = None
    """The role and the rules, as they were put."""
    requester_pays: bool = False
    acceleration: str = ""
    """Empty, Enabled or Suspended."""
    plain: bool = False
    """Never versioned, and no body was ever long enough for a file: overwriting needs no look at what is overwritten."""


class Configuration(Record, frozen=True, kw_only=True):
    """One of the configurations that a bucket has by id, as it was put."""

    bucket: str
    kind: str
    id: str
    said: dict[str, Any]


class PartMark(msgspec.Struct, frozen=True, array_like=True):
    """What an object that came in parts remembers of each: enough for partNumber and GetObjectAttributes."""

    number: int
    size: int
    checksum: str = ""


class ObjectVersion(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one key; also a delete marker, which is a version without a body."""

    bucket: str
    key: str
    order: str
    """Sorts newest first among the versions of a key, and no two are equal."""
    version_id: str = NULL
    modified_at: datetime
    marker: bool = False
    size: int = 0
    etag: str = ""
    body: bytes = b""
    file: str = ""
    """The body's file, when it is too long to stand in the record."""
    encryption: Encryption | None = None
    """None for a body that stands in the clear: S3's own encryption."""
    checksum_algorithm: str = ""
    checksum: str = ""
    checksum_type: str = "FULL_OBJECT"
    content_type: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Cache-Control and its like, by the API's member name."""
    expires: datetime | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    storage_class: str = "STANDARD"
    parts: list[PartMark] = msgspec.field(default_factory=list)
    grants: list[Grant] | None = None
    retained_mode: str = ""
    """GOVERNANCE or COMPLIANCE, while a retention stands in the record; it holds until its time."""
    retained_until: datetime | None = None
    legal_hold: str = ""
    """Empty, ON or OFF; once laid, it never becomes empty again."""
    replication: str = ""
    """PENDING, COMPLETED, FAILED or REPLICA; empty where no rule is concerned."""
    restored_at: datetime | None = None
    """Of what is archived: from when on it can be read again, and until when."""
    restored_until: datetime | None = None
    null_order: str = ""
    """On the newest version only: where the null version stands in VERSIONS, if it stands there."""


class Upload(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A multipart upload under way, and what the object will be when it is completed."""

    bucket: str
    key: str
    upload_id: str
    order: str
    initiated_at: datetime
    initiator: str
    encryption: Encryption | None = None
    """Of all parts, and so of the object."""
    checksum_algorithm: str = ""
    checksum_type: str = ""
    content_type: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    expires: datetime | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    storage_class: str = "STANDARD"
    grants: list[Grant] | None = None
    retained_mode: str = ""
    retained_until: datetime | None = None
    legal_hold: str = ""


class Part(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One part that arrived. `crc64` is always known, so that an upload that asked for no checksum gets S3's default."""

    upload_id: str
    number: int
    size: int
    etag: str
    file: str
    modified_at: datetime
    checksum: str = ""
    crc64: str = ""


def sortable(key: str) -> str:
    """An S3 key as a component of a stored key: the store ends components with a zero byte, which S3 keys may hold."""
    if "\0" in key or "\x01" in key:
        return key.replace("\x01", "\x01\x02").replace("\0", "\x01\x01")
    return key


BUCKETS: Final = Table("s3", "buckets", Bucket, key=lambda bucket: (bucket.name,))
CONFIGURATIONS: Final = Table("s3", "configurations", Configuration, key=lambda one: (one.bucket, one.kind, one.id))
OBJECTS: Final = Table("s3", "objects", ObjectVersion, key=lambda version: (version.bucket, sortable(version.key)), big=True)
VERSIONS: Final = Table(
    "s3", "versions", ObjectVersion, key=lambda version: (version.bucket, sortable(version.key), version.order), big=True
)
UPLOADS: Final = Table("s3", "uploads", Upload, key=lambda upload: (upload.bucket, sortable(upload.key), upload.upload_id))
PARTS: Final = Table("s3", "parts", Part, key=lambda part: (part.upload_id, f"{part.number:05}"))
