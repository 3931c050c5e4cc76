"""Server-side encryption: what a request asks for, which data keys seal and open a body, and what S3 says of wrong ones.

S3's own encryption (AES256, the default) seals nothing here: such bodies are plain files on the home's own disk, which engines read
in place. Under KMS a body has a data key, which KMS hands out to the *caller* (kms:ViaService and the encryption context decide with
its policies) and which stands, wrapped, beside the record; dual-layer encryption adds a layer under a key of the home. Under a
customer's key nothing is kept but a salted check value. A bucket key is honoured in what is seen of it (the encryption context is
the bucket's ARN); KMS is asked for every object all the same.
Source: "Protecting data with server-side encryption" of the user guide, and recorded answers of AWS (TestS3SSECEncryption,
test_s3_sse_validate_kms_key).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Awaitable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context

from .bodies import Arrived, Bodies, Stored
from .records import Bucket, Encryption, ObjectVersion
from .refusals import header_not_built, invalid_argument, invalid_request
from .sealing import Keys, SealedReader

AES256: Final = "AES256"
KMS: Final = "aws:kms"
DUAL: Final = "aws:kms:dsse"
CUSTOMER: Final = "SSE-C"
ALGORITHMS: Final = frozenset({AES256, KMS, DUAL})
NOT_BUILT: Final = frozenset({"aws:fsx", "aws:backup"})
OF_CUSTOMER: Final = frozenset({"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"})
OF_COPY_SOURCE: Final = frozenset(f"CopySource{member}" for member in OF_CUSTOMER)
OF_KMS: Final = frozenset({"SSEKMSKeyId", "SSEKMSEncryptionContext"})
MEMBERS: Final = OF_CUSTOMER | OF_KMS | {"ServerSideEncryption", "BucketKeyEnabled"}
"""With which a write says how it wants to be encrypted."""
NOT_AT_THE_END: Final = OF_CUSTOMER | OF_KMS - {"SSEKMSKeyId"}
"""Of what a write is told, what the end of an upload in parts is not: it was told at the beginning."""
SERVICE_KEY: Final = "alias/aws/s3"
OBJECT_ARN: Final = "aws:s3:arn"
HEADER: Final = "x-amz-server-side-encryption"
KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
CODES_OF_KMS: Final = frozenset({"DisabledException", "InvalidKeyUsageException", "KMSInvalidStateException", "NotFoundException"})
"""Those that S3 hands on as KMS.CODE, in KMS's own words."""


class Wanted(NamedTuple):
    """How a body is to be encrypted, where that is not S3's own way."""

    algorithm: str
    key: str = ""
    """Of KMS: the key as it was named."""
    context: str = ""
    """Of KMS: what the caller adds to the encryption context, as the header has it."""
    bucket_key: bool = False
    customer_key: bytes = b""


class Seal(NamedTuple):
    """With which keys a body is sealed, and what its record says of that."""

    encryption: Encryption | None
    keys: Keys

    def etag(self, arrived: Arrived) -> str:
        """The MD5 of the body is told only of what is not encrypted under somebody's key."""
        return arrived.etag if self.encryption is None else os.urandom(16).hex()


PLAIN: Final = Seal(None, ())
SHOWN_IN_THE_CLEAR: Final = {"ServerSideEncryption": AES256}


# -- what a write asks for -------------------------------------------------------------------------------------------------


def wanted(ctx: Context, request: Mapping[str, Any], bucket: Bucket) -> Wanted | None:
    """None for S3's own encryption."""
    default = bucket.encryption
    if MEMBERS.isdisjoint(request):
        if default is None or default.algorithm == AES256:
            return None
        return Wanted(default.algorithm, default.key or SERVICE_KEY, bucket_key=default.bucket_key and default.algorithm == KMS)
    customer_key = given_key(request, whole=True)
    algorithm: str | None = request.get("ServerSideEncryption")
    if customer_key is not None:
        if algorithm is not None:
            sentence = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
            raise invalid_argument(sentence, HEADER, algorithm)
        if default is not None and CUSTOMER in default.blocked:
            raise blocked(ctx, bucket, request["Key"])
        return Wanted(CUSTOMER, customer_key=customer_key)
    return _wanted_of_house(request, bucket, algorithm)


def _wanted_of_house(request: Mapping[str, Any], bucket: Bucket, algorithm: str | None) -> Wanted | None:
    """S3's own encryption, or one under KMS."""
    if algorithm is not None:
        check_algorithm(algorithm)
    if algorithm in {None, AES256} and not OF_KMS.isdisjoint(request):
        sentence = f"Server Side Encryption with AWS KMS managed key requires HTTP header {HEADER} : aws:kms"
        raise invalid_argument(sentence, HEADER, algorithm or "null")
    default = bucket.encryption
    key: str = request.get("SSEKMSKeyId") or SERVICE_KEY
    if algorithm is None:
        if default is None:
            return None
        algorithm, key = default.algorithm, default.key or SERVICE_KEY
    if algorithm == AES256:
        return None
    bucket_key = algorithm == KMS and request.get("BucketKeyEnabled", default is not None and default.bucket_key)
    return Wanted(algorithm, key, request.get("SSEKMSEncryptionContext", ""), bucket_key)


def check_algorithm(algorithm: str) -> None:
    if algorithm in NOT_BUILT:
        raise header_not_built(HEADER)
    if algorithm not in ALGORITHMS:
        raise invalid_argument("The encryption method specified is not supported", HEADER, algorithm)


def given_key(request: Mapping[str, Any], prefix: str = "", *, whole: bool = False) -> bytes | None:
    """The customer's key that a request carries, checked as AWS checks it; `whole`: it must be one that can seal."""
    names = OF_COPY_SOURCE if prefix else OF_CUSTOMER
    if names.isdisjoint(request):
        return None
    algorithm, key, md5 = (request.get(f"{prefix}{name}") for name in ("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"))
    if algorithm is None:
        raise wrong_parameter(
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm."
        )
    if algorithm != AES256:
        sentence = "The Encryption request you specified is not valid. Supported value: AES256."
        raise fault("InvalidEncryptionAlgorithmError", sentence, ArgumentName=HEADER, ArgumentValue=algorithm)
    if key is None:
        raise wrong_parameter(
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key."
        )
    try:
        found = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if md5 is not None and md5 != _md5(found):
        raise wrong_parameter("The calculated MD5 hash of the key did not match the hash that was provided.")
    if whole and len(found) != KEY_BYTES:
        raise wrong_parameter("The secret key was invalid for the specified algorithm.")
    return found


def _md5(key: bytes) -> str:
    return base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()


# -- sealing ---------------------------------------------------------------------------------------------------------------


def sealed(ctx: Context, bucket: Bucket, key: str, asked: Wanted) -> Awaitable[Seal]:
    """Keys for a body that is about to be written; raises where KMS refuses them to the caller."""
    return _sealed(ctx, bucket, key, asked)


async def _sealed(ctx: Context, bucket: Bucket, key: str, asked: Wanted) -> Seal:
    if asked.algorithm == CUSTOMER:
        salt = os.urandom(SALT_BYTES)
        check = _drawn(asked.customer_key, b"check", salt)
        encryption = Encryption(CUSTOMER, key=_md5(asked.customer_key), salt=salt, check=check)
        return Seal(encryption, (_drawn(asked.customer_key, b"body", salt),))
    check_signed(ctx)
    context = _context(bucket, key, asked)
    kms = ctx.client("kms", region=bucket.region)
    try:
        made = await kms.generate_data_key(KeyId=asked.key, KeySpec="AES_256", EncryptionContext=context)
    except Fault as refusal:
        raise of_kms(refusal) from refusal
    encryption = Encryption(
        asked.algorithm,
        key=made["KeyId"],
        bucket_key=asked.bucket_key,
        wrapped=made["CiphertextBlob"],
        context=context,
        said_context=asked.context,
    )
    return Seal(encryption, _layers(ctx, encryption, made["Plaintext"]))


def _layers(ctx: Context, encryption: Encryption, data_key: bytes) -> Keys:
    return (data_key, ctx.home.vault.derive("s3 second layer")) if encryption.algorithm == DUAL else (data_key,)


def _drawn(customer_key: bytes, purpose: bytes, salt: bytes) -> bytes:
    return hmac.digest(customer_key, b"headwater s3 customer key " + purpose + b" " + salt, hashlib.sha256)


def _context(bucket: Bucket, key: str, asked: Wanted) -> dict[str, str]:
    """What KMS binds the data key to: the ARN, and what the caller adds."""
    arn = f"arn:aws:s3:::{bucket.name}" if asked.bucket_key else f"arn:aws:s3:::{bucket.name}/{key}"
    if not asked.context:
        return {OBJECT_ARN: arn}
    try:
        said = msgspec.json.decode(base64.b64decode(asked.context, validate=True), type=dict[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        header = "x-amz-server-side-encryption-context"
        sentence = f"The header '{header}' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map"
        raise invalid_argument(sentence, header, asked.context) from None
    return said | {OBJECT_ARN: arn}


# -- opening ---------------------------------------------------------------------------------------------------------------


def concerns(thing: Encryption | None, request: Mapping[str, Any], prefix: str = "") -> bool:
    """Whether there is anything to open, or a key was given where there is not."""
    return thing is not None or not (OF_COPY_SOURCE if prefix else OF_CUSTOMER).isdisjoint(request)


def reader(
    ctx: Context, bodies: Bodies, bucket: Bucket, version: ObjectVersion, request: Mapping[str, Any], prefix: str = ""
) -> Awaitable[SealedReader]:
    """What reads the body of a version that `concerns` names; raises where the keys for it are not given."""
    stored = bodies.stored(version.body, version.file)  # now: while KMS is asked, an overwrite may remove the file
    return _reader(ctx, stored, bucket, version, request, prefix)


async def _reader(
    ctx: Context, stored: Stored, bucket: Bucket, version: ObjectVersion, request: Mapping[str, Any], prefix: str
) -> SealedReader:
    keys = await _opened(ctx, bucket, version.encryption, request, prefix)
    return SealedReader(keys, [part.size for part in version.parts] or [version.size], stored.read)


def opened(ctx: Context, bucket: Bucket, encryption: Encryption | None, request: Mapping[str, Any]) -> Awaitable[Keys]:
    """The data keys; none for what is not encrypted."""
    return _opened(ctx, bucket, encryption, request, "")


async def _opened(ctx: Context, bucket: Bucket, encryption: Encryption | None, request: Mapping[str, Any], prefix: str) -> Keys:
    check_key(encryption, request, prefix)
    if encryption is None:
        return ()
    if encryption.algorithm == CUSTOMER:
        return (_drawn(given_key(request, prefix) or b"", b"body", encryption.salt),)
    check_signed(ctx)
    kms = ctx.client("kms", region=bucket.region)
    try:
        found = await kms.decrypt(CiphertextBlob=encryption.wrapped, EncryptionContext=encryption.context)
    except Fault as refusal:
        raise of_kms(refusal) from refusal
    return _layers(ctx, encryption, found["Plaintext"])


def check_key(encryption: Encryption | None, request: Mapping[str, Any], prefix: str = "") -> None:
    """Raise unless the request carries the customer's key of this body, and none for a body that has no such key."""
    given = given_key(request, prefix)
    if encryption is None or encryption.algorithm != CUSTOMER:
        if given is not None:
            raise invalid_request("The encryption parameters are not applicable to this object.")
        return
    if given is None:
        sentence = "The object was stored using a form of Server Side Encryption."
        raise invalid_request(f"{sentence} The correct parameters must be provided to retrieve the object.")
    if not _is_key_of(encryption, given):
        sentence = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
        raise fault("AccessDenied", sentence)


def check_part_key(encryption: Encryption | None, request: Mapping[str, Any]) -> None:
    """The same for a part of an upload, of which S3 speaks otherwise."""
    given = given_key(request, whole=True)
    has_key = encryption is not None and encryption.algorithm == CUSTOMER
    if has_key != (given is not None):
        sentence = "The multipart upload initiate requested encryption."
        raise invalid_request(f"{sentence} Subsequent part requests must include the appropriate encryption parameters.")
    if encryption is not None and given is not None and not _is_key_of(encryption, given):
        raise invalid_request("The provided encryption parameters did not match the ones used originally.")


def _is_key_of(encryption: Encryption, given: bytes) -> bool:
    return hmac.compare_digest(_drawn(given, b"check", encryption.salt), encryption.check)


def check_signed(ctx: Context) -> None:
    """KMS has to know who asks, by a signature that is not of the old kind."""
    if ctx.principal.kind == "anonymous" or (ctx.signature is not None and ctx.signature.kind in {"query v2", "form v2"}):
        sentence = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
        raise invalid_argument(sentence, "Authorization", "null")


# -- what is said of it ----------------------------------------------------------------------------------------------------


def shown(encryption: Encryption | None) -> dict[str, Any]:
    """As every answer about an object shows it."""
    if encryption is None:
        return dict(SHOWN_IN_THE_CLEAR)
    if encryption.algorithm == CUSTOMER:
        return {"SSECustomerAlgorithm": AES256, "SSECustomerKeyMD5": encryption.key}
    told: dict[str, Any] = {"ServerSideEncryption": encryption.algorithm, "SSEKMSKeyId": encryption.key}
    if encryption.bucket_key:
        told["BucketKeyEnabled"] = True
    return told


def shown_to_writer(encryption: Encryption | None) -> dict[str, Any]:
    """Whoever writes is also told the encryption context that was added."""
    told = shown(encryption)
    if encryption is not None and encryption.said_context:
        told["SSEKMSEncryptionContext"] = encryption.said_context
    return told


def wrong_parameter(sentence: str) -> Fault:
    return invalid_argument(sentence, HEADER)


def blocked(ctx: Context, bucket: Bucket, key: str) -> Fault:
    """Source: "Troubleshoot access denied (403 Forbidden) errors" of the user guide."""
    who = f'User: {ctx.principal.arn} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket.name}/{key}"'
    why = "because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C)."
    return fault("AccessDenied", f"{who} {why} Please specify a different server-side encryption type")


def of_kms(refusal: Fault) -> Fault:
    """What KMS said, as S3 hands it on."""
    if refusal.code == "AccessDeniedException":
        return fault("AccessDenied", refusal.message)
    if refusal.code in CODES_OF_KMS:
        return fault(f"KMS.{refusal.code}", refusal.message)
    if refusal.code in {"InvalidArnException", "ValidationException"}:
        return fault("KMS.NotFoundException", refusal.message)
    return refusal
