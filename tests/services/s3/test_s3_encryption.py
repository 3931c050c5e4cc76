"""Server-side encryption by use: what stands on the disk, who may open it, what is refused. Truth: "Protecting data with server-side
encryption" of the S3 user guide, "Troubleshoot access denied (403 Forbidden) errors", and where a test says so.
"""

import asyncio
import hashlib
import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from headwater.kernel.client import Client
from headwater.kernel.identity import root_of
from users import User, allow

SMALL = b"a secret that nobody writes to a disk in the clear"
BIG = SMALL * 20_000
PART = 5 * 1024 * 1024
KEY = b"0123456789abcdef0123456789abcdef"
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
UNDER_KMS = {"ServerSideEncryption": "aws:kms"}


@pytest.fixture
def key(aws: Any) -> str:
    found: str = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    return found


def on_disk(home: Path) -> bytes:
    """Everything that S3 keeps of bodies, in files and in records."""
    return b"".join(path.read_bytes() for folder in ("s3", "store") for path in (home / folder).rglob("*") if path.is_file())


WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "KMS": (UNDER_KMS, {}),
    "KMS twice": ({"ServerSideEncryption": "aws:kms:dsse"}, {}),
    "KMS with a context": (UNDER_KMS | {"SSEKMSEncryptionContext": b64encode(b'{"team": "blue"}').decode()}, {}),
    "KMS with a bucket key": (UNDER_KMS | {"BucketKeyEnabled": True}, {}),
    "a customer's key": (CUSTOMER, CUSTOMER),
}


@pytest.mark.parametrize(("way", "reading"), WAYS.values(), ids=WAYS)
def test_what_is_encrypted_comes_back_whole_and_in_part(s3: Any, bucket: str, way: dict[str, Any], reading: dict[str, Any]) -> None:
    for body in (b"", SMALL, BIG, os.urandom(1_500_000)):
        written = s3.put_object(Bucket=bucket, Key="k", Body=body, **way)
        assert written["ETag"] != f'"{hashlib.md5(body).hexdigest()}"', "the MD5 would tell something of the body"
        found = s3.get_object(Bucket=bucket, Key="k", **reading)
        assert (found["Body"].read(), found["ContentLength"], found["ETag"]) == (body, len(body), written["ETag"])
        assert found.get("ServerSideEncryption") == written.get("ServerSideEncryption") == way.get("ServerSideEncryption")
        for first, last in ((0, 9), (65_530, 65_541), (300_000, 900_000)):
            if last < len(body):
                part = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={first}-{last}", **reading)
                assert part["Body"].read() == body[first : last + 1]


def test_nothing_of_an_encrypted_body_stands_on_the_disk(start_server: Any, tmp_path: Path, account_on: Any) -> None:
    server = start_server()
    s3 = account_on(server, "123456789012").client("s3")
    s3.create_bucket(Bucket="sealed")
    for number, (way, _) in enumerate(WAYS.values()):
        s3.put_object(Bucket="sealed", Key=f"small-{number}", Body=SMALL, **way)
        s3.put_object(Bucket="sealed", Key=f"big-{number}", Body=BIG, **way)
    s3.put_object(Bucket="sealed", Key="plain", Body=b"readable on the home's own disk")
    server.stop()
    kept = on_disk(tmp_path / "home")
    assert b"readable on the home's own disk" in kept
    assert SMALL not in kept
    assert KEY not in kept
    assert b64encode(KEY) not in kept

    s3 = account_on(start_server(), "123456789012").client("s3")
    for number, (_, reading) in enumerate(WAYS.values()):
        assert s3.get_object(Bucket="sealed", Key=f"small-{number}", **reading)["Body"].read() == SMALL
        assert s3.get_object(Bucket="sealed", Key=f"big-{number}", **reading)["Body"].read() == BIG


@pytest.mark.http
def test_a_body_that_was_changed_on_disk_is_not_handed_out(server: Any, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=BIG[:200_000], **UNDER_KMS)
    (path,) = (path for path in (server.settings.home / "s3" / "bodies").glob("*/*") if path.stat().st_size == 200_000 + 32 + 4 * 16)
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    with pytest.raises(ClientError, match="InternalError"):
        s3.get_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize(("way", "reading"), WAYS.values(), ids=WAYS)
def test_an_upload_in_parts_is_encrypted_part_by_part(s3: Any, bucket: str, way: dict[str, Any], reading: dict[str, Any]) -> None:
    at = {"Bucket": bucket, "Key": "parts"}
    s3.put_object(Bucket=bucket, Key="source", Body=BIG)
    upload = s3.create_multipart_upload(**at, **way)
    of = at | {"UploadId": upload["UploadId"]}
    body = os.urandom(PART + 12_345)
    s3.upload_part(PartNumber=2, Body=b"is written over", **of, **reading)
    sent = [s3.upload_part(PartNumber=1, Body=body, **of, **reading), s3.upload_part(PartNumber=2, Body=body, **of, **reading)]
    copied = s3.upload_part_copy(
        PartNumber=9, CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange="bytes=10-99", **of, **reading
    )
    parts = [
        {"PartNumber": number, "ETag": etag}
        for number, etag in ((1, sent[0]["ETag"]), (2, sent[1]["ETag"]), (9, copied["CopyPartResult"]["ETag"]))
    ]
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **of)
    whole = body + body + BIG[10:100]
    assert done["ETag"].endswith('-3"')
    assert done.get("ServerSideEncryption") == upload.get("ServerSideEncryption") == way.get("ServerSideEncryption")
    assert s3.get_object(**at, **reading)["Body"].read() == whole
    over = f"bytes={PART + 12_000}-{2 * PART + 24_700}"
    assert s3.get_object(Range=over, **at, **reading)["Body"].read() == whole[PART + 12_000 : 2 * PART + 24_701]
    assert s3.get_object(PartNumber=3, **at, **reading)["Body"].read() == BIG[10:100]
    s3.copy_object(Bucket=bucket, Key="plain", CopySource=at, **{f"CopySource{name}": value for name, value in reading.items()})
    assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == whole


def test_dual_layers_know_no_bucket_key(s3: Any, bucket: str) -> None:
    written = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms:dsse", BucketKeyEnabled=True)
    assert "BucketKeyEnabled" not in written


def test_the_context_is_told_to_who_writes(s3: Any, bucket: str, refused: Any) -> None:
    said = b64encode(json.dumps({"team": "blue"}).encode()).decode()
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x", SSEKMSEncryptionContext=said, **UNDER_KMS)["SSEKMSEncryptionContext"] == said
    assert "SSEKMSEncryptionContext" not in s3.head_object(Bucket=bucket, Key="k")
    for wrong in ("no base64", b64encode(b"[1]").decode(), b64encode(b'{"a": 1}').decode()):
        with refused("InvalidArgument", "holding JSON which represents a string-string map"):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", SSEKMSEncryptionContext=wrong, **UNDER_KMS)


REFUSED = {
    "a key without a method": ("InvalidArgument", "requires HTTP header", {"SSEKMSKeyId": "alias/aws/s3"}),
    "a key of KMS for S3's own": (
        "InvalidArgument",
        "requires HTTP header",
        {"SSEKMSKeyId": "alias/aws/s3", "ServerSideEncryption": "AES256"},
    ),
    "a method of nobody": ("InvalidArgument", "not supported", {"ServerSideEncryption": "ROT13"}),
    "a method that is not built": ("NotImplemented", "not implemented", {"ServerSideEncryption": "aws:fsx"}),
}


@pytest.mark.parametrize(("code", "words", "asked"), REFUSED.values(), ids=REFUSED)
def test_what_no_write_may_ask_for(s3: Any, bucket: str, refused: Any, code: str, words: str, asked: dict[str, str]) -> None:
    with refused(code, words):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **asked)
    with refused(code, words):
        s3.create_multipart_upload(Bucket=bucket, Key="k", **asked)


# -- customers' keys -------------------------------------------------------------------------------------------------------


def test_another_key_than_the_customers_opens_nothing(s3: Any, bucket: str, refused: Any) -> None:
    """Truth of code and sentence: recorded by LocalStack against AWS, February 2026."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
    for other in (b"1" * 32, b"short"):
        with refused("AccessDenied", "must provide the correct secret key"):
            s3.get_object(Bucket=bucket, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=other)
    with pytest.raises(ClientError) as caught:
        s3.head_object(Bucket=bucket, Key="k")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    with refused("InvalidRequest", "not applicable to this object"):
        s3.get_object(Bucket=bucket, Key="plain", **CUSTOMER)


def test_the_parts_of_an_upload_need_its_key(s3: Any, bucket: str, refused: Any) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    sealed = s3.create_multipart_upload(**at, **CUSTOMER)["UploadId"]
    plain = s3.create_multipart_upload(**at)["UploadId"]
    for upload, key in ((sealed, {}), (plain, CUSTOMER)):
        with refused("InvalidRequest", "must include the appropriate encryption parameters"):
            s3.upload_part(UploadId=upload, PartNumber=1, Body=b"x", **at, **key)
    with refused("InvalidRequest", "did not match the ones used originally"):
        s3.upload_part(UploadId=sealed, PartNumber=1, Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=b"1" * 32, **at)


def test_a_bucket_may_block_customers_keys(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="before", Body=b"x", **CUSTOMER)
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    (kept,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert kept["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    assert kept["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    with refused("AccessDenied", "has blocked upload requests that specify Server Side Encryption with Customer provided keys"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
    assert s3.get_object(Bucket=bucket, Key="before", **CUSTOMER)["Body"].read() == b"x"
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
    s3.delete_bucket_encryption(Bucket=bucket)


# -- who may open ----------------------------------------------------------------------------------------------------------


def test_aws_s_own_key_is_made_when_it_is_first_used(aws: Any, s3: Any, bucket: str) -> None:
    arn = s3.put_object(Bucket=bucket, Key="k", Body=b"x", **UNDER_KMS)["SSEKMSKeyId"]
    told = aws.client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (told["Arn"], told["Description"]) == (arn, "Default key that protects my S3 objects when no other key is defined")


@pytest.mark.http
def test_kms_is_asked_in_the_callers_name(aws: Any, s3: Any, bucket: str, key: str, refused: Any) -> None:
    user = User(aws, allow("s3:*"))
    theirs = user.client("s3")
    at: dict[str, Any] = {"Bucket": bucket, "Key": "k"}
    under = UNDER_KMS | {"SSEKMSKeyId": key}
    with refused("AccessDenied", f"{user.arn} is not authorized to perform: kms:GenerateDataKey on resource: {key}"):
        theirs.put_object(Body=b"x", **at, **under)
    through = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/k"}
    user.may(allow("s3:*"), allow("kms:GenerateDataKey", key, StringEquals=through))
    theirs.put_object(Body=b"x", **at, **under)
    with refused("AccessDenied", "kms:GenerateDataKey"):
        theirs.put_object(Bucket=bucket, Key="other", Body=b"x", **under)
    with refused("AccessDenied", f"kms:Decrypt on resource: {key}"):
        theirs.get_object(**at)
    theirs.head_object(**at)
    with refused("AccessDenied", "kms:Decrypt"):
        theirs.get_object_attributes(ObjectAttributes=["Checksum"], **at)
    with refused("AccessDenied", "kms:Decrypt"):
        theirs.copy_object(CopySource=at, Bucket=bucket, Key="copy")
    upload = s3.create_multipart_upload(**at, **under)["UploadId"]
    with refused("AccessDenied", "kms:Decrypt"):
        theirs.upload_part(UploadId=upload, PartNumber=1, Body=b"x", **at)
    user.may(allow("s3:*"), allow("kms:Decrypt", key, StringEquals=through))
    assert theirs.get_object(**at)["Body"].read() == b"x"


@pytest.mark.http
def test_a_bucket_key_binds_to_the_bucket(aws: Any, s3: Any, bucket: str, key: str) -> None:
    context = {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}
    theirs = User(aws, allow("s3:*"), allow(["kms:GenerateDataKey", "kms:Decrypt"], key, StringEquals=context)).client("s3")
    theirs.put_object(Bucket=bucket, Key="k", Body=b"x", BucketKeyEnabled=True, SSEKMSKeyId=key, **UNDER_KMS)
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.http
def test_policies_may_insist_on_a_key(aws: Any, s3: Any, bucket: str, key: str, refused: Any) -> None:
    insists = {"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key}}
    theirs = User(aws, allow("s3:PutObject", "*", **insists), allow("kms:*", key)).client("s3")
    theirs.put_object(Bucket=bucket, Key="k", Body=b"x", SSEKMSKeyId=key, **UNDER_KMS)
    with refused("AccessDenied", "s3:PutObject"):
        theirs.put_object(Bucket=bucket, Key="k", Body=b"x")


def test_a_key_that_cannot_be_used_is_kms_s_own_refusal(aws: Any, s3: Any, bucket: str, key: str, refused: Any) -> None:
    kms = aws.client("kms")
    under = UNDER_KMS | {"SSEKMSKeyId": key}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **under)
    kms.disable_key(KeyId=key)
    with refused("KMS.DisabledException", f"{key} is disabled."):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **under)
    with refused("KMS.DisabledException", f"{key} is disabled."):
        s3.get_object(Bucket=bucket, Key="k")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMS.KMSInvalidStateException", f"{key} is pending deletion."):
        s3.get_object(Bucket=bucket, Key="k")
    signs = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    with refused("KMS.InvalidKeyUsageException", "SIGN_VERIFY"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", SSEKMSKeyId=signs, **UNDER_KMS)


@pytest.mark.http
def test_nobody_reads_under_kms_without_a_name(aws: Any, s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **UNDER_KMS)
    s3.delete_public_access_block(Bucket=bucket)
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    nobody = aws.client("s3", config=Config(signature_version=UNSIGNED))
    with refused("InvalidArgument", "require AWS Signature Version 4"):
        nobody.get_object(Bucket=bucket, Key="k")


@pytest.mark.http
def test_engines_are_not_told_where_an_encrypted_body_lies(s3: Any, bucket: str) -> None:
    def ask(request: Any, **_: Any) -> None:
        request.headers["x-headwater-in-place"] = "1"

    s3.meta.events.register("before-sign.s3.*", ask)
    for key, way in (("plain", {}), ("sealed", UNDER_KMS)):
        s3.put_object(Bucket=bucket, Key=key, Body=SMALL, **way)
    told = {key: s3.head_object(Bucket=bucket, Key=key)["ResponseMetadata"]["HTTPHeaders"] for key in ("plain", "sealed")}
    assert "x-headwater-file" in told["plain"]
    assert "x-headwater-file" not in told["sealed"]
    readable = [s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["ResponseMetadata"]["HTTPHeaders"] for prefix in ("plain", "")]
    assert ["x-headwater-readable" in headers for headers in readable] == [True, False]


@pytest.mark.http
def test_a_body_that_is_written_over_while_kms_is_asked_is_still_read_whole(server: Any, aws: Any, s3: Any, bucket: str) -> None:
    """The file is opened before the key is asked for: whoever began to read reads what stood there."""
    bodies = [letter * 100_000 for letter in (b"a", b"b", b"c")]
    s3.put_object(Bucket=bucket, Key="k", Body=bodies[0], **UNDER_KMS)

    async def together() -> list[bytes]:
        client = Client(server.home, "s3", root_of(aws.account), "us-east-1")
        read: list[bytes] = []

        async def get() -> None:
            read.extend([await (await client.get_object(Bucket=bucket, Key="k"))["Body"].read() for _ in range(20)])

        async def put(body: bytes) -> None:
            for _ in range(20):
                await client.put_object(Bucket=bucket, Key="k", Body=body, **UNDER_KMS)

        async with asyncio.TaskGroup() as tasks:
            for body in bodies:
                tasks.create_task(get())
                tasks.create_task(put(body))
        return read

    assert set(server.call(together())) <= set(bodies)
