"""Buckets, their settings and tags: the calls of recorded cases made again; each test names its case. Truth: recorded answers of AWS."""

import json
import re
import secrets
from typing import Any

import pytest
import requests

from recorded import Recorded

pytestmark = pytest.mark.http


def fresh() -> str:
    return f"b-{secrets.token_hex(8)}"


def located(constraint: str | None) -> dict[str, Any]:
    return {"CreateBucketConfiguration": {"LocationConstraint": constraint}}


def test_location_constraints_that_do_not_fit(s3: Any, aws: Any) -> None:
    ireland, ohio, california = (aws.client("s3", region=region) for region in ("eu-west-1", "us-east-2", "us-west-1"))
    with Recorded("s3", "TestS3::test_bucket_constraint_aws_global[us-east-1]") as case:
        case.answers("aws-global-constraint", s3.create_bucket, Bucket=fresh(), **located("aws-global"))
    with Recorded("s3", "TestS3::test_create_bucket_with_invalid_location_constraint[us-east-1-foo]") as case:
        case.answers("us-east-1-location-constraint-foo-error", s3.create_bucket, Bucket=fresh(), **located("foo"))
    with Recorded("s3", "TestS3::test_create_bucket_with_invalid_location_constraint[eu-west-1-bar]") as case:
        case.answers("eu-west-1-location-constraint-bar-error", ireland.create_bucket, Bucket=fresh(), **located("bar"))
    with Recorded("s3", "TestS3::test_create_bucket_with_eu_location_constraint_raises") as case:
        case.answers("eu-location-constraint-error", ohio.create_bucket, Bucket=fresh(), **located("EU"))
    with Recorded("s3", "TestS3::test_different_location_constraint") as case:
        names = [fresh(), fresh(), fresh()]
        s3.create_bucket(Bucket=names[0])
        case.answers("get-bucket-location-bucket-us-east-1", s3.get_bucket_location, Bucket=names[0])
        case.answers("create-bucket-constraint-us-east-1", s3.create_bucket, Bucket=fresh(), **located("us-east-1"))
        url = s3.generate_presigned_url("create_bucket", {"Bucket": names[1]})
        empty = (
            '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint/></CreateBucketConfiguration>'
        )
        answer = requests.put(url, data=empty, timeout=10)
        assert answer.status_code == 200
        case.is_as("create-bucket-constraint-us-east-1-with-None", s3.create_bucket(Bucket=names[1]))
        ohio.create_bucket(Bucket=names[2], **located("us-east-2"))
        case.answers("get-bucket-location-bucket-us-east-2", ohio.get_bucket_location, Bucket=names[2])
        case.answers("create-bucket-us-east-2-no-constraint-exc", ohio.create_bucket, Bucket=fresh())
        case.answers("create-bucket-constraint-us-east-2-with-None", ohio.create_bucket, Bucket=fresh())
        case.answers("create-bucket-us-east-2-constraint-to-us-west-1", ohio.create_bucket, Bucket=fresh(), **located("us-west-1"))
        case.answers("create-bucket-us-west-1-constraint-to-us-east-2", california.create_bucket, Bucket=fresh(), **located("us-east-2"))
        case.answers("create-bucket-us-west-1-constraint-to-us-east-1", california.create_bucket, Bucket=fresh(), **located("us-east-1"))
        case.answers("get-bucket-location-non-existent-bucket", s3.get_bucket_location, Bucket=fresh())


def test_the_old_name_of_ireland(aws: Any) -> None:
    s3 = aws.client("s3")
    name = fresh()
    s3.create_bucket(Bucket=name, **located("EU"))
    with Recorded("s3", "TestS3::test_create_bucket_with_eu_location_constraint") as case:
        case.answers("get-bucket-location", aws.client("s3", region="eu-west-1").get_bucket_location, Bucket=name)
        case.answers("list-bucket-response", s3.list_buckets, Prefix=name)


def test_a_bucket_that_is_there_already(aws: Any) -> None:
    name = fresh()
    with Recorded("s3", "TestS3::test_create_bucket_with_existing_name") as case:
        aws.client("s3", region="us-west-1").create_bucket(Bucket=name, **located("us-west-1"))
        for region in ("us-west-1", "us-east-2"):
            create = aws.client("s3", region=region).create_bucket
            case.answers(f"create-bucket-{region}", create, Bucket=name, **located(region))


def test_a_bucket_that_is_not_there(s3: Any) -> None:
    name = fresh()
    with Recorded("s3", "TestS3::test_bucket_does_not_exist", left_out={"list_object_vhost": "the same by another host"}) as case:
        case.answers("list_object", s3.list_objects, Bucket=name)
    with Recorded("s3", "TestS3::test_delete_bucket_no_such_bucket") as case:
        case.answers("expected_error", s3.delete_bucket, Bucket="does-not-exist-localstack-test")
    with Recorded("s3", "TestS3::test_get_bucket_notification_configuration_no_such_bucket") as case:
        case.answers("expected_error", s3.get_bucket_notification_configuration, Bucket=name)
    with Recorded("s3", "TestS3::test_s3_uppercase_bucket_name") as case:
        case.answers("uppercase-bucket", s3.create_bucket, Bucket="Test-Upper")


def test_head_and_list_of_a_bucket(s3: Any) -> None:
    name = fresh()
    left_out = {"xml-error-create-bucket": "raw HTTP; test_a_scope_of_no_region"}
    with Recorded("s3", "TestS3::test_create_bucket_aws_global", left_out=left_out) as case:
        case.answers("create-bucket-global", s3.create_bucket, Bucket=name)
        case.answers("head-bucket-global", s3.head_bucket, Bucket=name)
        case.answers("get-location-1", s3.get_bucket_location, Bucket=name)
        case.answers("list-buckets", s3.list_buckets, Prefix=name)


def test_lists_of_buckets(s3: Any) -> None:
    name, other = fresh(), fresh()
    s3.create_bucket(Bucket=name)
    with Recorded("s3", "TestS3ListBuckets::test_list_buckets_by_bucket_region") as case:
        case.answers("list-objects-by-bucket-region-empty", s3.list_buckets, BucketRegion="us-east-2", Prefix=name)
        case.answers("list-objects-by-bucket-region-not-empty", s3.list_buckets, BucketRegion="us-east-1", Prefix=name)
    s3.create_bucket(Bucket=other)
    s3.create_bucket(Bucket=fresh())
    with Recorded("s3", "TestS3ListBuckets::test_list_buckets_with_max_buckets") as case:
        page = case.answers("list-objects-with-max-buckets", s3.list_buckets, MaxBuckets=1)
    with Recorded("s3", "TestS3ListBuckets::test_list_buckets_with_continuation_token") as case:
        token = {"ContinuationToken": page["ContinuationToken"]}
        case.answers("list-objects-with-continuation", s3.list_buckets, MaxBuckets=1, **token)


@pytest.mark.parametrize("account", ["0000000000020", "aa000000000$", "abcd"])
def test_owners_that_are_no_accounts_of_a_get(s3: Any, bucket: str, account: str) -> None:
    with Recorded("s3", f"TestS3::test_get_bucket_policy_invalid_account_id[{account}]") as case:
        asked = {"Bucket": bucket, "ExpectedBucketOwner": account}
        case.answers("get-bucket-policy-invalid-bucket-owner", s3.get_bucket_policy, **asked)


@pytest.mark.parametrize("account", ["0000000000020", "0000", "aa000000000$"])
def test_owners_that_are_no_accounts_of_a_put(s3: Any, bucket: str, account: str) -> None:
    with Recorded("s3", f"TestS3::test_put_bucket_policy_invalid_account_id[{account}]") as case:
        asked = {"Bucket": bucket, "ExpectedBucketOwner": account, "Policy": policy(bucket)}
        case.answers("put-bucket-policy-invalid-bucket-owner", s3.put_bucket_policy, **asked)


def policy(bucket: str) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_expected_owner_of_a_policy(s3: Any, aws: Any, bucket: str) -> None:
    asked = {"Bucket": bucket, "Policy": policy(bucket)}
    label = "put-bucket-policy-with-expected-bucket-owner"
    with Recorded("s3", "TestS3::test_put_bucket_policy_expected_bucket_owner") as case:
        case.answers(f"{label}-error", s3.put_bucket_policy, ExpectedBucketOwner="000000000002", **asked)
        case.answers(label, s3.put_bucket_policy, ExpectedBucketOwner=aws.account, **asked)


def test_ownership_controls(s3: Any) -> None:
    name, other = fresh(), fresh()

    def controls(*owners: str) -> dict[str, Any]:
        return {"Bucket": name, "OwnershipControls": {"Rules": [{"ObjectOwnership": owner} for owner in owners]}}

    with Recorded("s3", "TestS3BucketOwnershipControls::test_crud_bucket_ownership_controls") as case:
        s3.create_bucket(Bucket=name)
        case.answers("default-ownership", s3.get_bucket_ownership_controls, Bucket=name)
        case.answers("put-ownership", s3.put_bucket_ownership_controls, **controls("ObjectWriter"))
        case.answers("get-ownership", s3.get_bucket_ownership_controls, Bucket=name)
        case.answers("delete-ownership", s3.delete_bucket_ownership_controls, Bucket=name)
        case.answers("get-ownership-after-delete", s3.get_bucket_ownership_controls, Bucket=name)
        case.answers("delete-ownership-after-delete", s3.delete_bucket_ownership_controls, Bucket=name)
        s3.create_bucket(Bucket=other, ObjectOwnership="BucketOwnerPreferred")
        case.answers("get-ownership-at-creation", s3.get_bucket_ownership_controls, Bucket=other)
    name = fresh()
    with Recorded("s3", "TestS3BucketOwnershipControls::test_bucket_ownership_controls_exc") as case:
        s3.create_bucket(Bucket=name)
        case.answers("default-ownership", s3.get_bucket_ownership_controls, Bucket=name)
        put = s3.put_bucket_ownership_controls
        case.answers("put-ownership-multiple-rules", put, **controls("BucketOwnerPreferred", "ObjectWriter"))
        case.answers("put-ownership-wrong-value", put, **controls("RandomValue"))
        case.answers("put-ownership-empty-rule", put, **controls())
        case.answers("ownership-wrong-value-at-creation", s3.create_bucket, Bucket=fresh(), ObjectOwnership="RandomValue")
        case.answers("ownership-non-value-at-creation", s3.create_bucket, Bucket=fresh(), ObjectOwnership="")


def test_versioning(s3: Any, bucket: str) -> None:
    def put(status: str | None, name: str = bucket) -> Any:
        return s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={} if status is None else {"Status": status})

    with Recorded("s3", "TestS3BucketVersioning::test_bucket_versioning_crud") as case:
        case.answers("get-versioning-before", s3.get_bucket_versioning, Bucket=bucket)
        case.answers("put-versioning-suspended-before", put, "Suspended")
        case.answers("get-versioning-after-suspended", s3.get_bucket_versioning, Bucket=bucket)
        case.answers("put-versioning-enabled-lowercase", put, "enabled")
        case.answers("put-versioning-enabled-capitalized", put, "Enabled")
        case.answers("get-versioning-after-enabled", s3.get_bucket_versioning, Bucket=bucket)
        case.answers("put-versioning-suspended-after", put, "Suspended")
        case.answers("put-versioning-disabled", put, "Disabled")
        case.answers("put-versioning-empty", put, None)
        absent = fresh()
        case.answers("put-versioning-no-bucket", put, "Suspended", absent)
        case.answers("get-versioning-no-bucket", s3.get_bucket_versioning, Bucket=absent)


def test_cors_of_a_bucket_without(s3: Any, bucket: str) -> None:
    left_out = dict.fromkeys(["put-cors", "get-cors", "delete-cors"], "putting CORS is not built")
    with Recorded("s3", "TestS3Cors::test_delete_cors", left_out=left_out) as case:
        case.answers("delete-cors-before-set", s3.delete_bucket_cors, Bucket=bucket)
        case.answers("get-cors-deleted", s3.get_bucket_cors, Bucket=bucket)


def test_encryption(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3BucketEncryption::test_s3_default_bucket_encryption") as case:
        case.answers("default-bucket-encryption", s3.get_bucket_encryption, Bucket=bucket)
        case.answers("delete-bucket-encryption", s3.delete_bucket_encryption, Bucket=bucket)
        case.answers("delete-bucket-encryption-idempotent", s3.delete_bucket_encryption, Bucket=bucket)
        case.answers("get-bucket-no-encryption", s3.get_bucket_versioning, Bucket=bucket)  # so it was recorded
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    with Recorded("s3", "TestS3BucketEncryption::test_s3_bucket_encryption_sse_s3", apart=("ETag", "ChecksumCRC32", "Body")) as case:
        put = {"Bucket": bucket, "ServerSideEncryptionConfiguration": {"Rules": [rule]}}
        case.answers("put-bucket-enc", s3.put_bucket_encryption, **put)
        case.answers("put-object-encrypted", s3.put_object, Bucket=bucket, Key="k", Body="14 bytes of it")
        case.answers("head-object-encrypted", s3.head_object, Bucket=bucket, Key="k")
        case.answers("get-object-encrypted", s3.get_object, Bucket=bucket, Key="k")


def test_encryption_that_is_refused(s3: Any, bucket: str) -> None:
    absent = fresh()

    def put(name: str, *rules: dict[str, Any]) -> Any:
        return s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": list(rules)})

    def rule(algorithm: str, **more: Any) -> dict[str, Any]:
        return {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **more}, "BucketKeyEnabled": True}

    with Recorded("s3", "TestS3BucketEncryption::test_s3_default_bucket_encryption_exc") as case:
        case.answers("get-bucket-enc-no-bucket", s3.get_bucket_encryption, Bucket=absent)
        case.answers("delete-bucket-enc-no-bucket", s3.delete_bucket_encryption, Bucket=absent)
        case.answers("put-bucket-enc-no-bucket", put, absent, rule("AES256"))
        case.answers("put-bucket-encryption-no-rules", put, bucket)
        case.answers("put-bucket-encryption-two-rules", put, bucket, rule("AES256"), rule("aws:kms"))
        case.answers("put-bucket-encryption-kms-with-aes", put, bucket, rule("AES256", KMSMasterKeyID="fake"))


# -- tags ------------------------------------------------------------------------------------------------------------------


def tagged(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in pairs]}


def test_tags_of_a_bucket(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket}
    with Recorded("s3", "TestS3BucketObjectTagging::test_bucket_tagging_crud") as case:
        case.answers("get-bucket-tags-empty", s3.get_bucket_tagging, **at)
        case.answers("put-bucket-tags", s3.put_bucket_tagging, Tagging=tagged(("tag1", "tag1"), ("tag2", "")), **at)
        case.answers("get-bucket-tags", s3.get_bucket_tagging, **at)
        case.answers("put-bucket-tags-overwrite", s3.put_bucket_tagging, Tagging=tagged(("tag3", "tag3")), **at)
        case.answers("get-bucket-tags-overwritten", s3.get_bucket_tagging, **at)
        case.answers("delete-bucket-tags", s3.delete_bucket_tagging, **at)
        case.answers("put-bucket-tags-empty", s3.put_bucket_tagging, Tagging=tagged(), **at)
    with Recorded("s3", "TestS3BucketObjectTagging::test_put_bucket_tagging_none_value") as case:
        case.answers("put-bucket-tags-origin", s3.put_bucket_tagging, Tagging=tagged(("a", "b")), **at)
        case.answers("put-none-tag-set", s3.put_bucket_tagging, Tagging=tagged(), **at)
        case.answers("no-such-tag-set", s3.get_bucket_tagging, **at)


def test_a_bucket_made_with_tags(s3: Any) -> None:
    def make(*pairs: tuple[str, str], name: str = "") -> Any:
        return s3.create_bucket(Bucket=name or fresh(), CreateBucketConfiguration={"Tags": tagged(*pairs)["TagSet"]})

    name = fresh()
    with Recorded("s3", "TestS3BucketObjectTagging::test_create_bucket_with_tags") as case:
        case.answers("create-bucket-with-tags", make, ("tag1", "value1"), name=name)
        case.answers("get-bucket-tags", s3.get_bucket_tagging, Bucket=name)
    name = fresh()
    with Recorded("s3", "TestS3BucketObjectTagging::test_create_bucket_with_tags_us_east_1_idempotency") as case:
        case.answers("create-bucket-with-tags", make, ("tag1", "value1"), name=name)
        case.answers("get-bucket-tags", s3.get_bucket_tagging, Bucket=name)
        case.answers("create-bucket-different-tags", make, ("tag2", "value2"), name=name)
        case.answers("create-bucket-with-no-tags", s3.create_bucket, Bucket=name)
        case.answers("get-bucket-tags-after-re-create", s3.get_bucket_tagging, Bucket=name)
        case.answers("create-bucket-with-same-tags", make, ("tag1", "value1"), name=name)
        case.answers("create-bucket-with-empty-tags", make, name=name)
        case.answers("get-bucket-tags-after-create-empty", s3.get_bucket_tagging, Bucket=name)
    left_out = {
        "tags-key-none": "the SDK cannot send it", "tags-value-none": "the same",
        "tags-key-aws-duplicated-key": "an internal error of AWS; here it is InvalidTag",
    }  # fmt: skip
    with Recorded("s3", "TestS3BucketObjectTagging::test_create_bucket_with_tags_exc", left_out=left_out) as case:
        case.answers("tags-key-aws-prefix", make, ("aws:prefix", "value"))
        case.answers("tags-key-aws-bad-value", make, ("test", "value1,value2"))
        case.answers("tags-key-aws-bad-key", make, ("test,test2", "value1"))


def test_tags_of_an_object(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    case_name = "TestS3BucketObjectTagging::test_object_tagging_crud"
    with Recorded("s3", case_name, apart=("Body",)) as case:
        case.answers("put-object", s3.put_object, Body="test-tagging", **at)
        case.answers("get-object-tags-empty", s3.get_object_tagging, **at)
        case.answers("put-object-tags", s3.put_object_tagging, Tagging=tagged(("tag1", "tag1"), ("tag2", "")), **at)
        case.answers("get-object-tags", s3.get_object_tagging, **at)
        case.answers("put-object-tags-overwrite", s3.put_object_tagging, Tagging=tagged(("tag3", "tag3")), **at)
        case.answers("get-object-tags-overwritten", s3.get_object_tagging, **at)
        case.answers("get-obj-after-tags", s3.get_object, **at)
        case.answers("delete-object-tags", s3.delete_object_tagging, **at)
        case.answers("get-object-tags-deleted", s3.get_object_tagging, **at)
        case.answers("get-obj-after-tags-deleted", s3.get_object, **at)
    with Recorded("s3", "TestS3BucketObjectTagging::test_put_object_with_tags", apart=("Body",)) as case:
        case.answers("put-object", s3.put_object, Body="test-tagging", Tagging="tag1=tag1&tag2=tag2&tag=", **at)
        found = s3.get_object_tagging(**at)
        case.is_as("get-object-tags", found | {"TagSet": sorted(found["TagSet"], key=lambda tag: tag["Key"])})
        case.answers("put-object-tags", s3.put_object_tagging, Tagging=tagged(("tag3", "tag3")), **at)
        case.answers("get-object-tags-override", s3.get_object_tagging, **at)
        case.answers("head-obj", s3.head_object, **at)
        case.answers("get-obj", s3.get_object, **at)
        for suffix, header in (("", "wrongquery&wrongagain"), ("-2", "key1&key2")):
            s3.put_object(Tagging=header, **at)
            found = s3.get_object_tagging(**at)
            tag_set = sorted(found["TagSet"], key=lambda tag: tag["Key"])
            case.is_as(f"get-object-tags-wrong-format-qs{suffix}", found | {"TagSet": tag_set})


def test_tags_that_are_refused(s3: Any, bucket: str) -> None:
    absent = fresh()
    one = tagged(("a", "b"))
    with Recorded("s3", "TestS3BucketObjectTagging::test_object_tagging_exc") as case:
        case.answers("get-no-bucket-tags", s3.get_bucket_tagging, Bucket=absent)
        case.answers("delete-no-bucket-tags", s3.delete_bucket_tagging, Bucket=absent)
        case.answers("put-no-bucket-tags", s3.put_bucket_tagging, Bucket=absent, Tagging=one)
        case.answers("get-no-key-tags", s3.get_object_tagging, Bucket=bucket, Key="fake-key")
        case.answers("delete-no-key-tags", s3.delete_object_tagging, Bucket=bucket, Key="fake-key")
        case.answers("put-no-key-tags", s3.put_object_tagging, Bucket=bucket, Key="fake-key", Tagging=one)
        put = {"Bucket": bucket, "Key": "k"}
        case.answers("put-obj-duplicate-tagging", s3.put_object, Tagging="key1=val1&key1=val2", **put)
        case.answers("put-obj-wrong-format", s3.put_object, Tagging="key1=val1,key2=val2", **put)


def test_tags_that_are_not_valid(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k")

    def put_bucket(*pairs: tuple[str, str]) -> Any:
        return s3.put_bucket_tagging(Bucket=bucket, Tagging=tagged(*pairs))

    def put_object(*pairs: tuple[str, str]) -> Any:
        return s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagged(*pairs))

    left_out = {f"put-{kind}-tags-none-{part}": "the SDK cannot send it" for kind in ("bucket", "object") for part in ("key", "value")}
    with Recorded("s3", "TestS3BucketObjectTagging::test_tagging_validation", left_out=left_out) as case:
        case.answers("put-bucket-tags-duplicate-keys", put_bucket, ("Key1", "Val1"), ("Key1", "Val1"))
        case.answers("put-bucket-tags-invalid-key", put_bucket, ("Key1,Key2", "Val1"))
        case.answers("put-bucket-tags-invalid-value", put_bucket, ("Key1", "Val1,Val2"))
        case.answers("put-bucket-tags-aws-prefixed", put_bucket, ("aws:prefixed", "Val1"))
        case.answers("put-object-tags-duplicate-keys", put_object, ("Key1", "Val1"), ("Key1", "Val1"))
        case.answers("put-object-tags-invalid-field", put_object, ("Key1,Key2", "Val1"))
        case.answers("put-object-tags-aws-prefixed", put_object, ("aws:prefixed", "Val1"))


# -- listings --------------------------------------------------------------------------------------------------------------


def fill(s3: Any, bucket: str, *keys: str, body: str = "content 123") -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def test_a_listing_of_a_bucket_and_of_buckets(s3: Any, bucket: str) -> None:
    for number in range(10):
        s3.put_object(Bucket=bucket, Key=f"test-key-{number}", Body=f"test-{number}")
    with Recorded("s3", "TestS3::test_delete_bucket_with_content") as case:
        case.answers("list-objects", s3.list_objects, Bucket=bucket, MaxKeys=100)
        case.answers("list-buckets", s3.list_buckets)


def test_listings_behind_prefixes(s3: Any, bucket: str) -> None:
    keys = ["test/foo/bar/123", "test/foo/bar/456", "test/bar/foo/123"]
    fill(s3, bucket, *keys)
    with Recorded("s3", "TestS3ListObjectsV2::test_list_objects_v2_with_prefix") as case:
        for number, prefix in enumerate(("test/", "test/foo", "test/foo/bar"), 1):
            case.answers(f"list-objects-v2-{number}", s3.list_objects_v2, Bucket=bucket, Prefix=prefix)
        url = s3.generate_presigned_url("list_objects_v2", {"Bucket": bucket, "Prefix": "test/foo"})
        text = requests.get(url.replace("encoding-type=url&", ""), timeout=10).text
        case.is_as("list-objects-v2-no-encoding", {"ListBucketResult": listed_in(text)})
    with Recorded("s3", "TestS3ListObjectsV2::test_list_objects_v2_with_prefix_and_delimiter") as case:
        asked = {"Bucket": bucket, "Delimiter": "/"}
        case.answers("list-objects-v2-1", s3.list_objects_v2, Prefix="test/", **asked)
        case.answers("list-objects-v2-1-with-max-keys", s3.list_objects_v2, Prefix="test/", MaxKeys=1, **asked)
        case.answers("list-objects-v2-2", s3.list_objects_v2, Prefix="test/foo", **asked)
        case.answers("list-objects-v2-3", s3.list_objects_v2, Prefix="test/foo/bar", **asked)


def listed_in(text: str) -> dict[str, Any]:
    """A listing's XML as the recordings show it."""

    def members(inside: str) -> dict[str, str]:
        return {name: value.replace("&quot;", '"') for name, value in re.findall(r"<(\w+)>([^<]*)</\1>", inside)}

    contents = [members(one) for one in re.findall(r"<Contents>(.*?)</Contents>", text)]
    return members(re.sub(r"<Contents>.*?</Contents>", "", text)) | {"Contents": contents}


def test_pages_of_a_listing_with_common_prefixes(s3: Any, bucket: str) -> None:
    fill(s3, bucket, "folder/aSubfolder/subFile1", "folder/aSubfolder/subFile2", "folder/file1", "folder/file2")
    asked = {"Bucket": bucket, "Prefix": "folder/", "Delimiter": "/", "MaxKeys": 1}
    with Recorded("s3", "TestS3ListObjectsV2::test_list_objects_v2_continuation_common_prefixes") as case:
        case.answers("list-objects-v2-all-keys", s3.list_objects_v2, Bucket=bucket)
        page = case.answers("list-objects-v2-start", s3.list_objects_v2, **asked)
        page = case.answers("list-objects-v2-next-1", s3.list_objects_v2, ContinuationToken=page["NextContinuationToken"], **asked)
        case.answers("list-objects-v2-end", s3.list_objects_v2, ContinuationToken=page["NextContinuationToken"], **asked)


def test_a_listing_of_one(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3ListObjects::test_s3_list_objects_empty_marker") as case:
        case.answers("list-objects", s3.list_objects, Bucket=bucket, Marker="")
    fill(s3, bucket, "test/foo/bar/123")
    with Recorded("s3", "TestS3ListObjects::test_list_objects_with_prefix[]") as case:
        case.answers("list-objects", s3.list_objects, Bucket=bucket, Prefix="test/", MaxKeys=1, Delimiter="")


@pytest.mark.parametrize("operation", ["list_multipart_uploads", "list_object_versions"])
def test_encoding_types_that_are_none(s3: Any, bucket: str, operation: str) -> None:
    with Recorded("s3", f"TestS3ListObjectsV2::test_list_ops_encoding_type_validation[{operation}]") as case:
        for label, value in (("wrong", "value"), ("empty", "")):
            case.answers(f"{operation}-error-{label}-value", getattr(s3, operation), Bucket=bucket, EncodingType=value)


def test_what_a_bucket_has_not(s3: Any, bucket: str) -> None:
    crud = ["put-bucket-accelerate-config-enabled", "get-bucket-accelerate-config-enabled"]
    crud += [label.replace("enabled", "disabled") for label in crud]
    with Recorded("s3", "TestS3BucketAccelerateConfiguration::test_bucket_acceleration_configuration_crud",
                  left_out=dict.fromkeys(crud, "putting it is not built")) as case:  # fmt: skip
        case.answers("get-bucket-default-accelerate-config", s3.get_bucket_accelerate_configuration, Bucket=bucket)
    with Recorded("s3", "TestS3ObjectLock::test_get_object_lock_configuration_exc") as case:
        case.answers("get-lock-config-no-enabled", s3.get_object_lock_configuration, Bucket=bucket)
        case.answers("get-lock-config-bucket-not-exists", s3.get_object_lock_configuration, Bucket=fresh())


def test_keys_that_begin_with_a_slash(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="/foo", Body="foobar")
    s3.put_object(Bucket=bucket, Key="bar", Body="barfoo")
    s3.put_object(Bucket=bucket, Key="/bar/foo/", Body="test")
    with Recorded("s3", "TestS3::test_object_with_slashes_in_key[True]") as case:
        case.answers("list-objects-slashes", s3.list_objects_v2, Bucket=bucket)


def test_versions_page_by_page(s3: Any, versioned: str) -> None:
    at = {"Bucket": versioned}
    ids = []
    keys = ["test_0", "test_1", "test_2"]
    ids += [s3.put_object(Key=key, Body="version 1", **at)["VersionId"] for key in keys]
    ids.append(s3.put_object(Key="test_2", Body="version 2", **at)["VersionId"])
    ids += [s3.delete_object(Key=key, **at)["VersionId"] for key in keys]
    ids += [s3.put_object(Key=key, Body="version 2", **at)["VersionId"] for key in keys[:2]]
    with Recorded("s3", "TestS3ListObjectVersions::test_list_objects_versions_markers") as case:
        case.is_as("version-order", {"Versions": [{"VersionId": version} for version in ids]})
        case.answers("list-objects-versions-all", s3.list_object_versions, **at)
        page = case.answers("list-objects-versions-5", s3.list_object_versions, MaxKeys=5, **at)
        asked = {"MaxKeys": 1, **at}
        marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        case.answers("list-objects-next-key-only", s3.list_object_versions, KeyMarker="test_1", **asked)
        case.answers("list-objects-next-key-last", s3.list_object_versions, KeyMarker="test_2", **asked)
        case.answers("list-objects-next-version-only", s3.list_object_versions, VersionIdMarker=ids[5], **asked)
        case.answers("list-objects-both-markers", s3.list_object_versions, **marker, **asked)
        last = {"KeyMarker": "test_2", "VersionIdMarker": ids[3]}
        case.answers("list-objects-last-key-last-version", s3.list_object_versions, **last, **asked)
        case.answers("list-objects-next-key-empty", s3.list_object_versions, KeyMarker="", **asked)


def test_versions_of_a_bucket_without_versioning(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3ObjectCRUD::test_list_object_versions_order_unversioned") as case:
        case.answers("list-empty", s3.list_object_versions, Bucket=bucket)
        for label, key in (("", "a-test-object-1"), ("-3", "c-test-object-3"), ("-2", "b-test-object-2")):
            case.answers(f"put-object{label}", s3.put_object, Bucket=bucket, Key=key, Body=key[2:])
        case.answers("list-object-versions", s3.list_object_versions, Bucket=bucket)


def test_deletes_among_versions(s3: Any, versioned: str) -> None:
    key = "test-key-versioned"
    first, second = (s3.put_object(Bucket=versioned, Key=key, Body=body)["VersionId"] for body in ("something", "something-v2"))

    def delete(*versions: str | None) -> Any:
        wanted = [{"Key": key} | ({"VersionId": version} if version else {}) for version in versions]
        return s3.delete_objects(Bucket=versioned, Delete={"Objects": wanted})

    with Recorded("s3", "TestS3::test_delete_keys_in_versioned_bucket") as case:
        case.answers("list-objects-v2", s3.list_objects_v2, Bucket=versioned)
        marker = case.answers("delete-object", delete, None)["Deleted"][0]["DeleteMarkerVersionId"]
        case.answers("list-object-version", s3.list_object_versions, Bucket=versioned)
        case.answers("delete-object-version", delete, first, second)
        case.answers("list-objects-v2-after-delete", s3.list_objects_v2, Bucket=versioned)
        case.answers("list-object-version-after-delete", s3.list_object_versions, Bucket=versioned)
        case.answers("delete-object-delete-marker", delete, marker)
