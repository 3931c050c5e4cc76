"""Server-side encryption: the calls of recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import hashlib
import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from recorded import Recorded

pytestmark = pytest.mark.http
KEY = b"0123456789abcdef0123456789abcdef"
NO_KEY = "134f2428-cec1-4b25-a1ae-9048164dba47"
"""The id of no key, in the cases."""
CUSTOMERS = ("SSECustomerKeyMD5", "ETag")
"""The cases' own key is not known."""


def read(call: Callable[..., Any]) -> Callable[..., Any]:
    def reading(**parameters: Any) -> Any:
        answer = call(**parameters)
        answer["Body"] = answer["Body"].read().decode()
        return answer

    return reading


def rules(**members: Any) -> dict[str, Any]:
    return {"ServerSideEncryptionConfiguration": {"Rules": [members]}}


@pytest.fixture
def key_id(aws: Any) -> str:
    found: str = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    return found


def test_a_copy_under_a_key_of_kms(s3: Any, bucket: str, key_id: str) -> None:
    source = {"Bucket": bucket, "Key": "source"}
    s3.put_object(Body="hello world", ChecksumAlgorithm="CRC32", **source)
    with Recorded("s3", "TestS3::test_copy_object_kms", apart=("ETag",)) as case:
        case.answers("get-object", read(s3.get_object), **source)
        under = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id, "BucketKeyEnabled": True}
        case.answers("copy-object", s3.copy_object, Bucket=bucket, Key="copy", CopySource=source, **under)
        case.answers("get-copied-object", read(s3.get_object), Bucket=bucket, Key="copy")


def test_a_default_under_kms_is_for_what_comes_after_it(s3: Any, bucket: str, key_id: str) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_id}
    with Recorded("s3", "TestS3::test_s3_sse_bucket_key_default", apart=("ETag",)) as case:
        case.answers("put-obj-default-before-setting", s3.put_object, Bucket=bucket, Key="before", Body="test-sse")
        case.answers("get-obj-default-before-setting", read(s3.get_object), Bucket=bucket, Key="before")
        asked = rules(ApplyServerSideEncryptionByDefault=default, BucketKeyEnabled=True)
        case.answers("put-bucket-encryption", s3.put_bucket_encryption, Bucket=bucket, **asked)
        case.answers("get-bucket-encryption", s3.get_bucket_encryption, Bucket=bucket)
        case.answers("get-obj-default-after-setting", read(s3.get_object), Bucket=bucket, Key="before")
        case.answers("put-obj-after-setting", s3.put_object, Bucket=bucket, Key="after", Body="test-sse")
        case.answers("get-obj-after-setting", read(s3.get_object), Bucket=bucket, Key="after")


def test_keys_that_are_not_there(aws: Any, s3: Any, bucket: str) -> None:
    under: dict[str, Any] = {"Bucket": bucket, "Key": "k", "ServerSideEncryption": "aws:kms"}
    s3.put_object(Bucket=bucket, Key="source", Body=b"x")
    with Recorded("s3", "TestS3::test_s3_sse_validate_kms_key", apart=("GrantTokens",)) as case:
        elsewhere = aws.client("kms", region="us-west-2")
        other = elsewhere.create_key()["KeyMetadata"]
        case.is_as("create-kms-key", other)
        case.answers("put-obj-wrong-kms-key", s3.put_object, SSEKMSKeyId="fake-key-id", **under)
        case.answers("put-obj-wrong-kms-key-real-uuid", s3.put_object, SSEKMSKeyId=NO_KEY, **under)
        arn = f"arn:aws:kms:us-east-1:{aws.account}:key/{NO_KEY}"
        case.answers("put-obj-wrong-kms-key-real-uuid-arn", s3.put_object, SSEKMSKeyId=arn, **under)
        case.answers("put-obj-different-region-kms-key", s3.put_object, SSEKMSKeyId=other["Arn"], **under)
        case.answers("put-obj-different-region-kms-key-no-arn", s3.put_object, SSEKMSKeyId=other["KeyId"], **under)
        case.answers("create-multipart-wrong-kms-key", s3.create_multipart_upload, SSEKMSKeyId="fake-key-id", **under)
        source = {"Bucket": bucket, "Key": "source"}
        case.answers("copy-obj-wrong-kms-key", s3.copy_object, CopySource=source, SSEKMSKeyId="fake-key-id", **under)


def test_a_bucket_that_is_told_to_do_what_it_does(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3BucketEncryption::test_s3_bucket_encryption_sse_s3") as case:
        asked = rules(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "AES256"}, BucketKeyEnabled=True)
        case.answers("put-bucket-enc", s3.put_bucket_encryption, Bucket=bucket, **asked)
        case.answers("put-object-encrypted", s3.put_object, Bucket=bucket, Key="k", Body="test-encrypted")
        case.answers("head-object-encrypted", s3.head_object, Bucket=bucket, Key="k")
        case.answers("get-object-encrypted", read(s3.get_object), Bucket=bucket, Key="k")


def test_the_default_of_a_bucket(s3: Any, bucket: str) -> None:
    left_out = {"get-bucket-no-encryption": "AWS's own default again, which the case records as nothing"}
    with Recorded("s3", "TestS3BucketEncryption::test_s3_default_bucket_encryption", left_out=left_out) as case:
        case.answers("default-bucket-encryption", s3.get_bucket_encryption, Bucket=bucket)
        case.answers("delete-bucket-encryption", s3.delete_bucket_encryption, Bucket=bucket)
        case.answers("delete-bucket-encryption-idempotent", s3.delete_bucket_encryption, Bucket=bucket)


def test_defaults_that_are_refused(s3: Any, bucket: str) -> None:
    aes = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    keyed = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "key"}}
    absent = f"absent-{os.urandom(8).hex()}"
    with Recorded("s3", "TestS3BucketEncryption::test_s3_default_bucket_encryption_exc") as case:
        case.answers("get-bucket-enc-no-bucket", s3.get_bucket_encryption, Bucket=absent)
        case.answers("delete-bucket-enc-no-bucket", s3.delete_bucket_encryption, Bucket=absent)
        case.answers("put-bucket-enc-no-bucket", s3.put_bucket_encryption, Bucket=absent, **rules(**aes))
        for label, asked in (("no-rules", []), ("two-rules", [aes, aes]), ("kms-with-aes", [keyed])):
            configuration = {"Rules": asked}
            case.answers(
                f"put-bucket-encryption-{label}", s3.put_bucket_encryption, Bucket=bucket, ServerSideEncryptionConfiguration=configuration
            )


# -- customers' keys -------------------------------------------------------------------------------------------------------


def customers(key: bytes = KEY) -> dict[str, Any]:
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}


ENCODED = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": b64encode(KEY).decode(),
    "SSECustomerKeyMD5": b64encode(hashlib.md5(KEY).digest()).decode(),
}
"""As it stands in the headers: botocore knows nothing of the key of GetObjectAttributes."""


def test_the_life_of_an_object_under_a_customers_key(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    with Recorded("s3", "TestS3SSECEncryption::test_put_object_lifecycle_with_sse_c", apart=CUSTOMERS) as case:
        case.answers("put-obj-sse-c", s3.put_object, Body="test_data", ChecksumAlgorithm="CRC32", **at, **customers())
        case.answers("head-obj-sse-c", s3.head_object, **at, **customers())
        case.answers("get-obj-sse-c", read(s3.get_object), **at, **customers())
        case.answers("get-obj-attrs-sse-c", s3.get_object_attributes, ObjectAttributes=["ETag", "ObjectSize"], **at, **ENCODED)
        case.answers("del-obj-sse-c", s3.delete_object, **at)


def test_the_checksum_of_an_object_under_a_customers_key(calm: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    calm.put_object(Body="test data..", **at, **customers())
    with Recorded("s3", "TestS3SSECEncryption::test_put_object_default_checksum_with_sse_c", apart=CUSTOMERS) as case:
        shown = {"ChecksumMode": "ENABLED", **at, **customers()}
        case.answers("head-obj-sse-c", calm.head_object, **shown)
        case.answers("get-obj-sse-c", read(calm.get_object), **shown)
        case.answers("get-obj-attrs-sse-c", calm.get_object_attributes, ObjectAttributes=["ETag", "Checksum"], **at, **ENCODED)


def test_copies_from_and_to_customers_keys(s3: Any, bucket: str) -> None:
    source = {"Bucket": bucket, "Key": "source"}
    of_source = {"CopySource": source, "CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": KEY}
    at = {"Bucket": bucket, "Key": "copy"}
    with Recorded("s3", "TestS3SSECEncryption::test_copy_object_with_sse_c", apart=CUSTOMERS) as case:
        case.answers("put-obj-sse-c", s3.put_object, Body="test_data", ChecksumAlgorithm="CRC32", **source, **customers())
        case.answers("copy-obj-sse-c-target-no-sse-c", s3.copy_object, Bucket=bucket, Key="plain", **of_source)
        case.answers("copy-obj-sse-c", s3.copy_object, **at, **of_source, **customers())
        case.answers("get-obj-no-sse-c-param", s3.get_object, **at)
        case.answers("copy-obj-no-src-sse-c", s3.copy_object, CopySource=source, **at)
        wrong = of_source | {"CopySourceSSECustomerAlgorithm": "KMS"}
        case.answers("copy-obj-wrong-src-sse-c-algo", s3.copy_object, **at, **wrong)
        case.answers("copy-obj-wrong-target-sse-c-algo", s3.copy_object, **at, **of_source, **customers() | {"SSECustomerAlgorithm": "KMS"})
        twice = {"ServerSideEncryption": "AES256", **customers()}
        case.answers("copy-obj-target-double-encryption", s3.copy_object, **at, **of_source, **twice)
    assert s3.get_object(Bucket=bucket, Key="plain")["ETag"] == f'"{hashlib.md5(b"test_data").hexdigest()}"'


def test_customers_keys_that_are_not_whole(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k", "Body": "test_data"}
    md5 = b64encode(hashlib.md5(KEY).digest()).decode()
    with Recorded("s3", "TestS3SSECEncryption::test_put_object_validation_sse_c", apart=CUSTOMERS) as case:
        case.answers("put-obj-sse-c-both-encryption", s3.put_object, ServerSideEncryption="AES256", **at, **customers())
        case.answers("put-obj-sse-c-wrong-algo", s3.put_object, **at, **customers() | {"SSECustomerAlgorithm": "KMS"})
        case.answers("put-obj-sse-c-no-algo", s3.put_object, SSECustomerKey=KEY, **at)
        case.answers("put-obj-sse-c-no-key", s3.put_object, SSECustomerAlgorithm="AES256", SSECustomerKeyMD5=md5, **at)
        encoded_twice = b64encode(KEY)  # by the case's own code and by botocore
        case.answers("put-obj-sse-c-no-md5", s3.put_object, **at, **customers(encoded_twice))
        case.answers("put-obj-sse-c-wrong-key-size", s3.put_object, **at, **customers(b"0123456789"))
        wrong = {"SSECustomerKey": b64encode(KEY).decode(), "SSECustomerKeyMD5": b64encode(b"0" * 16).decode()}
        case.answers("put-obj-sse-c-bad-md5", s3.put_object, SSECustomerAlgorithm="AES256", **wrong, **at)
