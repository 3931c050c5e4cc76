"""Uploads in parts: begun, filled in any order, completed or aborted.

Parts are files of their own until the upload is completed; then one file is made of them, in a thread, and nothing is read again
to sum it: ETag and checksums of the whole follow from those of the parts. Sentences and their order from recorded answers of AWS
(TestS3MultipartUploadChecksum, test_complete_multipart_parts_order, TestS3ListMultipartUploads).
"""

from __future__ import annotations

import os
from collections.abc import Awaitable
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.identity import canonical_id
from headwater.kernel.permissions import requires

from . import attire, checksums, encryption, locks
from .access import bucket_of, key_of, owner_of
from .arns import OBJECT, sets_acl
from .encryption import Seal
from .keeper import Keeper, end_upload, now_of
from .listing import encoded
from .objects import as_written, check_length, checksum_members
from .records import PARTS, UPLOADS, Bucket, ObjectVersion, Part, PartMark, Upload, sortable
from .refusals import busy, invalid_argument, invalid_request, malformed_xml, no_such_upload

PART_BYTES_MIN: Final = 5 * 1024 * 1024
PART_NUMBER_MAX: Final = 10_000
LIST_MAX: Final = 1000


@requires("s3:PutObject", OBJECT)
@requires("s3:PutObjectTagging", OBJECT, when="Tagging")
@requires("s3:PutObjectAcl", OBJECT, when=sets_acl)
@requires("s3:PutObjectRetention", OBJECT, when="ObjectLockMode")
@requires("s3:PutObjectLegalHold", OBJECT, when="ObjectLockLegalHoldStatus")
async def create_multipart_upload(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    key = key_of(request)
    attire.refuse_not_built(request)
    attire.check_acl(request, bucket)
    algorithm = request.get("ChecksumAlgorithm", "")
    checksum_type = checksums.type_for(algorithm, request.get("ChecksumType"))
    wanted = encryption.wanted(ctx, request, bucket)
    seal = encryption.PLAIN if wanted is None else await encryption.sealed(ctx, bucket, key, wanted)
    keeper = Keeper.of(ctx)
    order = keeper.orders.next()
    upload = Upload(
        bucket=bucket.name,
        key=key,
        upload_id=_upload_id(order),
        order=order,
        initiated_at=now_of(ctx),
        initiator=ctx.principal.arn,
        encryption=seal.encryption,
        checksum_algorithm=algorithm,
        checksum_type=checksum_type,
        **attire.asked(request),
        **(locks.asked(ctx, request, bucket) if not locks.MEMBERS.isdisjoint(request) else {}),
    )
    keeper.writable(bucket.name)
    async with ctx.store.transaction() as tx:
        tx.put(UPLOADS, upload)
    return {
        "Bucket": bucket.name,
        "Key": key,
        "UploadId": upload.upload_id,
        **encryption.shown_to_writer(upload.encryption),
        "ChecksumAlgorithm": algorithm or None,
        "ChecksumType": checksum_type or None,
    }


@requires("s3:PutObject", OBJECT)
async def upload_part(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    attire.refuse_not_built(request)
    number = part_number(request)
    upload = upload_of(ctx, bucket, request)
    algorithm, given = checksums.asked(request, ctx.headers)
    body = request.get("Body")
    check_length(ctx, body)
    keeper = Keeper.of(ctx)
    sums_of = PartSums(upload, number, algorithm)
    seal = await part_seal(ctx, bucket, upload, request)
    arrived, sums = await keeper.bodies.take(body, sums_of.algorithms, inline=False, keys=seal.keys)
    with keeper.bodies.unless_refused(arrived.file):
        checksums.check_md5(request.get("ContentMD5"), arrived.etag)
        checksums.check_sum(algorithm, given, sums[0], body)
        part = sums_of.part(arrived.size, seal.etag(arrived), arrived.file, sums, ctx)
        await keeper.keep_part(upload, part)
    result = {"ETag": f'"{part.etag}"', **encryption.shown(upload.encryption)}
    shown = algorithm or upload.checksum_algorithm or checksums.DEFAULT
    return result | {checksums.member(shown): sums[0]}


@requires("s3:PutObject", OBJECT)
async def complete_multipart_upload(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    upload = upload_of(ctx, bucket, request)
    attire.refuse_not_built(request)
    listed = (request.get("MultipartUpload") or {}).get("Parts") or []
    parts = chosen_parts(ctx, upload, listed, request)
    algorithm, checksum, checksum_type = whole_checksum(upload, parts)
    check_whole(request, upload, algorithm, checksum, parts)

    if encryption.concerns(upload.encryption, request):
        await _check_completes(ctx, bucket, upload, request)
    keeper = Keeper.of(ctx)
    file = await _joined(keeper, parts)
    with keeper.bodies.unless_refused(file):
        upload = upload_of(ctx, bucket, request)  # while we joined, it may have ended
        if chosen_parts(ctx, upload, listed, request) != parts:
            raise busy()
        new = ObjectVersion(
            bucket=bucket.name,
            key=upload.key,
            order="",
            modified_at=now_of(ctx),
            size=sum(part.size for part in parts),
            etag=checksums.etag_of_parts([part.etag for part in parts]),
            file=file,
            encryption=upload.encryption,
            checksum_algorithm=algorithm,
            checksum=checksum,
            checksum_type=checksum_type,
            parts=[PartMark(part.number, part.size, part.checksum) for part in parts],
            **attire.worn(upload),
            **locks.of_upload(ctx, bucket, upload),
        )
        written = await keeper.write(ctx, new, request, told="ObjectCreated:CompleteMultipartUpload", upload=upload)
    ctx.bus.publish("s3/object-created", written)
    result = {"Location": location_of(ctx, bucket, upload.key), "Bucket": bucket.name, "Key": upload.key}
    told = {name: value for name, value in as_written(written, bucket).items() if name not in encryption.NOT_AT_THE_END}
    return result | told | checksum_members(written)


def part_seal(ctx: Context, bucket: Bucket, upload: Upload, request: dict[str, Any]) -> Awaitable[Seal]:
    """The keys for a part: those of its upload, opened for who sends it."""
    encryption.check_part_key(upload.encryption, request)
    return _part_seal(ctx, bucket, upload, request)


async def _part_seal(ctx: Context, bucket: Bucket, upload: Upload, request: dict[str, Any]) -> Seal:
    if upload.encryption is None:
        return encryption.PLAIN
    return Seal(upload.encryption, await encryption.opened(ctx, bucket, upload.encryption, request))


async def _check_completes(ctx: Context, bucket: Bucket, upload: Upload, request: dict[str, Any]) -> None:
    """KMS must let the caller have the key again. A customer's key need not be given again, but must not be another."""
    if not encryption.OF_CUSTOMER.isdisjoint(request):
        encryption.check_part_key(upload.encryption, request)
    elif upload.encryption is not None and upload.encryption.algorithm != encryption.CUSTOMER:
        await encryption.opened(ctx, bucket, upload.encryption, request)


async def _joined(keeper: Keeper, parts: list[Part]) -> str:
    try:
        return await keeper.bodies.join([part.file for part in parts])
    except FileNotFoundError:  # a part was replaced, or the upload ended, after we looked
        raise busy() from None


@requires("s3:AbortMultipartUpload", OBJECT)
async def abort_multipart_upload(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    upload = upload_of(ctx, bucket_of(ctx, request), request)
    async with ctx.store.transaction() as tx:
        files = end_upload(ctx.store, tx, upload)
    await Keeper.of(ctx).bodies.remove_all(files)
    return {}


@requires("s3:ListMultipartUploadParts", OBJECT)
async def list_parts(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    upload = upload_of(ctx, bucket, request)
    limit = min(request.get("MaxParts", LIST_MAX), LIST_MAX)
    marker = int(request.get("PartNumberMarker", 0) or 0)
    following = [part for part in ctx.store.scan(PARTS, upload.upload_id) if part.number > marker]
    shown = following[:limit]
    return {
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(following) > limit,
        "Parts": [described_part(part, upload) for part in shown] or None,
        "Initiator": _initiator(upload, bucket),
        "Owner": owner_of(bucket),
        "StorageClass": upload.storage_class,
        "ChecksumAlgorithm": upload.checksum_algorithm or None,
        "ChecksumType": upload.checksum_type or None,
    }


def described_part(part: Part, upload: Upload) -> dict[str, Any]:
    shown = {"PartNumber": part.number, "LastModified": part.modified_at, "ETag": f'"{part.etag}"', "Size": part.size}
    if upload.checksum_algorithm:
        shown[checksums.member(upload.checksum_algorithm)] = part.checksum
    return shown


def described(upload: Upload, bucket: Bucket, encoding: str | None) -> dict[str, Any]:
    """An upload as a listing shows it."""
    return {
        "UploadId": upload.upload_id,
        "Key": encoded(upload.key, encoding),
        "Initiated": upload.initiated_at,
        "StorageClass": upload.storage_class,
        "Owner": owner_of(bucket),
        "Initiator": _initiator(upload, bucket),
        "ChecksumAlgorithm": upload.checksum_algorithm or None,
        "ChecksumType": upload.checksum_type or None,
    }


def _initiator(upload: Upload, bucket: Bucket) -> dict[str, str]:
    name = upload.initiator.rpartition(":")[2].rpartition("/")[2]
    is_root = upload.initiator.endswith(":root")
    return {"ID": canonical_id(bucket.account) if is_root else upload.initiator, "DisplayName": name}


# -- rules -----------------------------------------------------------------------------------------------------------------


def _upload_id(order: str) -> str:
    """Sorts by the time of its making: orders shrink, so each letter is turned round."""
    return order.translate(_TURNED) + os.urandom(38).hex()


_LETTERS: Final = ".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_TURNED: Final = str.maketrans(_LETTERS, _LETTERS[::-1])


def part_number(request: dict[str, Any]) -> int:
    number: int = request["PartNumber"]
    if not 1 <= number <= PART_NUMBER_MAX:
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", str(number))
    return number


def upload_of(ctx: Context, bucket: Bucket, request: dict[str, Any]) -> Upload:
    upload_id = request["UploadId"]
    upload = ctx.store.get(UPLOADS, bucket.name, sortable(key_of(request)), upload_id)
    if upload is None:
        raise no_such_upload(upload_id)
    return upload


class PartSums:
    """Which checksums a part needs: the upload's (or the request's) first, and CRC64NVME where the upload asked for none."""

    def __init__(self, upload: Upload, number: int, algorithm: str) -> None:
        self._upload = upload
        self._number = number
        if upload.checksum_algorithm and algorithm and algorithm != upload.checksum_algorithm:
            raise invalid_request(
                "Checksum Type mismatch occurred, expected checksum Type: "
                f"{upload.checksum_algorithm.lower()}, actual checksum Type: {algorithm.lower()}"
            )
        shown = algorithm or upload.checksum_algorithm or checksums.DEFAULT
        self.algorithms = [shown] if upload.checksum_algorithm or shown == checksums.DEFAULT else [shown, checksums.DEFAULT]

    def part(self, size: int, etag: str, file: str, sums: list[str], ctx: Context) -> Part:
        return Part(
            upload_id=self._upload.upload_id,
            number=self._number,
            size=size,
            etag=etag,
            file=file,
            modified_at=now_of(ctx),
            checksum=sums[0] if self._upload.checksum_algorithm else "",
            crc64="" if self._upload.checksum_algorithm else sums[-1],
        )


def chosen_parts(ctx: Context, upload: Upload, listed: list[dict[str, Any]], request: dict[str, Any]) -> list[Part]:
    """The parts that the caller lists, checked as AWS checks them."""
    if not listed:
        raise invalid_request("You must specify at least one part") if "MultipartUpload" in request else malformed_xml()
    numbers = [one.get("PartNumber", 0) for one in listed]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise fault(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload.upload_id,
        )
    asked_type = request.get("ChecksumType")
    if asked_type is not None and asked_type != upload.checksum_type:
        sentence = f"The upload was created using the {upload.checksum_type or 'null'} checksum mode."
        raise invalid_request(f"{sentence} The complete request must use the same checksum mode.")
    parts = [_chosen(ctx, upload, one) for one in listed]
    for part in parts[:-1]:
        if part.size < PART_BYTES_MIN:
            raise fault(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ETag=part.etag,
                PartNumber=str(part.number),
                MinSizeAllowed=str(PART_BYTES_MIN),
                ProposedSize=str(part.size),
            )
    return parts


def _chosen(ctx: Context, upload: Upload, one: dict[str, Any]) -> Part:
    number, etag = one.get("PartNumber", 0), str(one.get("ETag", "")).strip('"')
    part = ctx.store.get(PARTS, upload.upload_id, f"{number:05}")
    if part is None or part.etag != etag:
        raise invalid_part(upload, number, etag)
    given = {checksums.MEMBERS[name]: one[name] for name in checksums.MEMBER_NAMES.intersection(one)}
    own = upload.checksum_algorithm
    if not own:
        if given:
            raise invalid_part(upload, number, etag)
        return part
    if given and own not in given:
        raise fault("BadDigest", f"The {min(given).lower()} you specified for part {number} did not match what we received.")
    if own in given and given[own] != part.checksum:
        raise invalid_part(upload, number, etag)
    if not given and upload.checksum_type == checksums.COMPOSITE:
        raise invalid_request(
            f"The upload was created using a {own.lower()} checksum. The complete request must include the checksum for each part. "
            f"It was missing for part {number} in the request."
        )
    return part


def invalid_part(upload: Upload, number: int, etag: str) -> Fault:
    return fault(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may "
        "not match the part's entity tag.",
        UploadId=upload.upload_id,
        PartNumber=str(number),
        ETag=etag,
    )


def whole_checksum(upload: Upload, parts: list[Part]) -> tuple[str, str, str]:
    """(algorithm, checksum, type) of the object that the parts make."""
    if upload.checksum_type == checksums.COMPOSITE:
        sums = [part.checksum for part in parts]
        return upload.checksum_algorithm, checksums.composite(upload.checksum_algorithm, sums), checksums.COMPOSITE
    algorithm = upload.checksum_algorithm or checksums.DEFAULT
    pairs = [(part.checksum or part.crc64, part.size) for part in parts]
    return algorithm, checksums.joined(algorithm, pairs), checksums.FULL_OBJECT


def check_whole(request: dict[str, Any], upload: Upload, algorithm: str, checksum: str, parts: list[Part]) -> None:
    """Raise unless what the caller says of the whole object, if anything, is so."""
    size = sum(part.size for part in parts)
    claimed = request.get("MpuObjectSize")
    if claimed is not None and int(claimed) != size:
        raise invalid_request(f"The provided 'x-amz-mp-object-size' header value {claimed} does not match what was computed: {size}")
    given = {checksums.MEMBERS[name]: request[name] for name in checksums.MEMBER_NAMES.intersection(request)}
    if given and given.get(algorithm, "").removesuffix(f"-{len(parts)}") != checksum.removesuffix(f"-{len(parts)}"):
        named = upload.checksum_algorithm or min(given)
        raise fault("BadDigest", f"The {named.lower()} you specified did not match the calculated checksum.")


def location_of(ctx: Context, bucket: Bucket, key: str) -> str:
    """Where the object is: at the host that the caller knows us by."""
    host = ctx.headers.get("host")
    base = f"http://{host}" if host else ctx.home.endpoint_url
    return f"{base}/{bucket.name}/{quote(key)}"
