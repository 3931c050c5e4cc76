"""Who may do what with a bucket: users' policies, bucket policies, other accounts, nobody at all, the blocks of public access.

Truth: "Bucket policies for Amazon S3", "Blocking public access to your Amazon S3 storage" and "Required permissions for Amazon S3 API
operations" of the user guide; "Policy evaluation logic" of the IAM user guide.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

pytestmark = pytest.mark.http

NOTHING = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user_of(account: Any, name: str, *statements: dict[str, Any]) -> Any:
    """An S3 client of a user who may do what the statements say."""
    iam = account.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return account.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


@pytest.fixture
def user(aws: Any) -> Callable[..., Any]:
    return lambda *statements, name="dev": user_of(aws, name, *statements)


@pytest.fixture
def nobody(aws: Any) -> Any:
    return aws.client("s3", config=Config(signature_version=UNSIGNED))


@pytest.fixture
def elsewhere(aws: Any) -> Iterator[Any]:
    account = aws.other()
    yield account
    account.close()


def test_a_user_reads_what_the_policy_names_and_no_more(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    for key in ("in/a", "out/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    dev = user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*"))
    assert dev.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"x"
    assert dev.head_object(Bucket=bucket, Key="in/a")["ContentLength"] == 1
    with refused("AccessDenied", "user/dev is not authorized to perform: s3:GetObject", f'"arn:aws:s3:::{bucket}/out/b"', "identity-based"):
        dev.get_object(Bucket=bucket, Key="out/b")
    with refused("AccessDenied", "s3:PutObject"):
        dev.put_object(Bucket=bucket, Key="in/a", Body=b"y")
    with refused("AccessDenied", "s3:ListBucket"):
        dev.list_objects_v2(Bucket=bucket)


def test_that_a_key_is_absent_is_told_to_who_may_list(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    """ "Permissions" of GetObject and HeadObject in the API reference: 404 with s3:ListBucket, 403 without."""
    inside = f"arn:aws:s3:::{bucket}/*"
    reader = user(allow("s3:GetObject", inside), name="reader")
    lister = user(allow("s3:GetObject", inside), allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"), name="lister")
    with refused("AccessDenied"):
        reader.get_object(Bucket=bucket, Key="absent")
    with refused("403"):
        reader.head_object(Bucket=bucket, Key="absent")
    with refused("NoSuchKey"):
        lister.get_object(Bucket=bucket, Key="absent")
    with refused("404"):
        lister.head_object(Bucket=bucket, Key="absent")


def test_a_version_is_another_permission(s3: Any, versioned: str, user: Any, refused: Any) -> None:
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    dev = user(allow("s3:GetObject", f"arn:aws:s3:::{versioned}/*"))
    dev.get_object(Bucket=versioned, Key="k")
    with refused("AccessDenied", "s3:GetObjectVersion"):
        dev.get_object(Bucket=versioned, Key="k", VersionId=version)


def test_a_listing_is_held_to_its_prefix(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="home/dev/a", Body=b"x")
    condition = {"StringLike": {"s3:prefix": "home/${aws:username}/*"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}
    dev = user(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition))
    assert dev.list_objects_v2(Bucket=bucket, Prefix="home/dev/", MaxKeys=5)["KeyCount"] == 1
    for asked in ({"MaxKeys": 5}, {"Prefix": "home/", "MaxKeys": 5}, {"Prefix": "home/dev/", "MaxKeys": 11}, {"Prefix": "home/dev/"}):
        with refused("AccessDenied"):
            dev.list_objects_v2(Bucket=bucket, **asked)


def test_a_copy_needs_its_source_and_the_tags_of_its_source(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="team=blue")
    writes = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/copies/*")
    writer = user(writes, name="writer")
    with refused("AccessDenied", "s3:GetObject"):
        writer.copy_object(Bucket=bucket, Key="copies/a", CopySource=f"{bucket}/plain")
    copier = user(writes, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), name="copier")
    copier.copy_object(Bucket=bucket, Key="copies/a", CopySource=f"{bucket}/plain")
    with refused("AccessDenied", "s3:GetObjectTagging"):
        copier.copy_object(Bucket=bucket, Key="copies/b", CopySource=f"{bucket}/tagged")
    copier.copy_object(Bucket=bucket, Key="copies/b", CopySource=f"{bucket}/tagged", TaggingDirective="REPLACE")


def test_tags_decide_by_condition(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    for team in ("blue", "red"):
        s3.put_object(Bucket=bucket, Key=team, Body=b"x", Tagging=f"Team={team}")
    inside = f"arn:aws:s3:::{bucket}/*"
    dev = user(
        allow("s3:GetObject", inside, Condition={"StringEquals": {"s3:ExistingObjectTag/Team": "blue"}}),
        allow("s3:PutObject", inside),
        allow("s3:PutObjectTagging", inside, Condition={"StringEquals": {"s3:RequestObjectTag/Team": "blue"}}),
    )
    dev.get_object(Bucket=bucket, Key="blue")
    with refused("AccessDenied"):
        dev.get_object(Bucket=bucket, Key="red")
    dev.put_object(Bucket=bucket, Key="new", Body=b"x", Tagging="Team=blue")
    dev.put_object_tagging(Bucket=bucket, Key="new", Tagging={"TagSet": [{"Key": "Team", "Value": "blue"}]})
    with refused("AccessDenied"):
        dev.put_object(Bucket=bucket, Key="new", Body=b"x", Tagging="Team=red")


def test_headers_decide_by_condition(bucket: str, s3: Any, user: Any, refused: Any) -> None:
    """An upload must be encrypted as the policy says, and only one kind of storage is allowed."""
    inside = f"arn:aws:s3:::{bucket}/*"
    wanted = {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256", "s3:x-amz-storage-class": ["STANDARD_IA"]}}
    dev = user(allow("s3:PutObject", inside, Condition=wanted))
    dev.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256", StorageClass="STANDARD_IA")
    for headers in ({}, {"ServerSideEncryption": "AES256"}, {"ServerSideEncryption": "AES256", "StorageClass": "GLACIER"}):
        with refused("AccessDenied"):
            dev.put_object(Bucket=bucket, Key="k", Body=b"x", **headers)


def test_each_object_of_a_deletion_is_asked_about(s3: Any, bucket: str, user: Any) -> None:
    for key in ("mine/a", "theirs/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    dev = user(allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/mine/*"))
    answer = dev.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "theirs/b"}]})
    assert [one["Key"] for one in answer["Deleted"]] == ["mine/a"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("theirs/b", "AccessDenied")]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["theirs/b"]


def test_a_bucket_policy_alone_lets_the_accounts_own_users_in(s3: Any, bucket: str, aws: Any, user: Any, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    dev = user()
    with refused("AccessDenied"):
        dev.get_object(Bucket=bucket, Key="k")
    principal = {"AWS": f"arn:aws:iam::{aws.account}:user/dev"}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal=principal)))
    dev.get_object(Bucket=bucket, Key="k")


def test_a_deny_in_the_bucket_policy_wins_also_against_the_root(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    deny = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/k", Principal="*") | {"Effect": "Deny"}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(deny))
    with refused("AccessDenied", "with an explicit deny in a resource-based policy"):
        s3.get_object(Bucket=bucket, Key="k")
    s3.delete_bucket_policy(Bucket=bucket)
    s3.get_object(Bucket=bucket, Key="k")


def test_no_policy_locks_the_owners_root_out_of_the_policy(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    """ "Permissions" of PutBucketPolicy in the API reference."""
    everything = ["s3:*"], [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    admin = user(allow("s3:*", "*"))
    s3.put_bucket_policy(Bucket=bucket, Policy=document(allow(*everything, Principal="*") | {"Effect": "Deny"}))
    with refused("AccessDenied", "explicit deny"):
        s3.list_objects_v2(Bucket=bucket)
    for call in (admin.get_bucket_policy, admin.delete_bucket_policy):
        with refused("AccessDenied", "explicit deny"):
            call(Bucket=bucket)
    s3.get_bucket_policy(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    s3.list_objects_v2(Bucket=bucket)


def test_an_old_tls_may_be_denied(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    old = {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    s3.put_bucket_policy(
        Bucket=bucket, Policy=document(allow("s3:*", f"arn:aws:s3:::{bucket}/*", Principal="*", Condition=old) | {"Effect": "Deny"})
    )
    s3.get_object(Bucket=bucket, Key="k")


def test_another_account_needs_the_bucket_and_its_own_leave(s3: Any, bucket: str, elsewhere: Any, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    inside = f"arn:aws:s3:::{bucket}/*"
    root = elsewhere.client("s3")
    reader, idler = user_of(elsewhere, "reader", allow("s3:GetObject", inside)), user_of(elsewhere, "idler")
    for client in (root, reader, idler):
        with refused("AccessDenied", "Access Denied"):
            client.get_object(Bucket=bucket, Key="k")
    s3.put_bucket_policy(Bucket=bucket, Policy=document(allow("s3:GetObject", inside, Principal={"AWS": elsewhere.account})))
    for client in (root, reader):
        assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied"):
        idler.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied"):
        root.put_object(Bucket=bucket, Key="k", Body=b"y")


def test_the_public_reads_what_a_public_policy_says_once_the_blocks_are_gone(s3: Any, bucket: str, nobody: Any, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    policy = document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*"))
    with refused("AccessDenied"):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=NOTHING)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    for call in (nobody.list_objects_v2, nobody.get_bucket_policy):
        with refused("AccessDenied", "Access Denied"):
            call(Bucket=bucket)


def test_a_restricted_bucket_keeps_strangers_out_and_its_own_account_in(
    s3: Any, bucket: str, nobody: Any, elsewhere: Any, user: Any, refused: Any
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*")))
    stranger, own = elsewhere.client("s3"), user()
    for client in (nobody, stranger, own):
        client.get_object(Bucket=bucket, Key="k")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    own.get_object(Bucket=bucket, Key="k")
    for client in (nobody, stranger):
        with refused("AccessDenied"):
            client.get_object(Bucket=bucket, Key="k")


CONDITIONS = {
    "none": ({}, True),
    "an organization": ({"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}, False),
    "a network": ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, False),
    "the whole of the net": ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, True),
    "any endpoint": ({"StringLike": {"aws:SourceVpce": "vpce-*"}}, True),
    "everybody but one": ({"StringNotEquals": {"aws:SourceAccount": "123456789012"}}, True),
    "where it is there": ({"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}}, True),
    "a key that says not who": ({"Bool": {"aws:SecureTransport": "true"}}, True),
}


@pytest.mark.parametrize(("condition", "public"), CONDITIONS.values(), ids=CONDITIONS)
def test_what_is_public_depends_on_the_condition(s3: Any, bucket: str, condition: dict[str, Any], public: bool) -> None:
    s3.delete_public_access_block(Bucket=bucket)
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": "*"}, Condition=condition)
    s3.put_bucket_policy(Bucket=bucket, Policy=document(statement))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is public


def test_the_form_of_the_signature_is_a_condition(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    import requests

    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    dev = user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Condition={"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}))
    with refused("AccessDenied"):
        dev.get_object(Bucket=bucket, Key="k")
    url = dev.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert requests.get(url, timeout=10).content == b"x"


@pytest.mark.slow
def test_a_presigned_url_holds_no_longer_than_the_bucket_says(s3: Any, bucket: str, aws: Any) -> None:
    """ "Limiting presigned URL capabilities": a Deny by s3:signatureAge, whatever the URL itself says."""
    import time

    import requests

    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    stale = {"NumericGreaterThan": {"s3:signatureAge": "2000"}, "StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": stale}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(deny))
    signer = aws.client("s3", config=Config(signature_version="s3v4"))
    url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=3600)
    assert requests.get(url, timeout=10).status_code == 200
    time.sleep(3.1)
    assert requests.get(url, timeout=10).status_code == 403
    s3.get_object(Bucket=bucket, Key="k")


def test_only_new_objects_may_be_asked_for(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    """ "Enforce conditional writes on Amazon S3 buckets": what makes an object must say If-None-Match, parts need not."""
    inside = f"arn:aws:s3:::{bucket}/*"
    blind = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    deny = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": inside, "Condition": blind}
    dev = user(allow("s3:PutObject", inside), deny)
    for body in (b"", b"x"):
        with refused("AccessDenied", "explicit deny"):
            dev.put_object(Bucket=bucket, Key="k", Body=body)
    dev.put_object(Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*")
    upload = {"Bucket": bucket, "Key": "long", "UploadId": dev.create_multipart_upload(Bucket=bucket, Key="long")["UploadId"]}
    parts = {"Parts": [{"ETag": dev.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"], "PartNumber": 1}]}
    with refused("AccessDenied", "explicit deny"):
        dev.complete_multipart_upload(**upload, MultipartUpload=parts)
    dev.complete_multipart_upload(**upload, MultipartUpload=parts, IfNoneMatch="*")


def test_where_a_copy_may_come_from_is_a_condition(s3: Any, bucket: str, user: Any, refused: Any) -> None:
    for key in ("public/a", "private/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    inside = f"arn:aws:s3:::{bucket}/*"
    dev = user(
        allow("s3:GetObject", inside),
        allow("s3:PutObject", inside, Condition={"StringLike": {"s3:x-amz-copy-source": f"{bucket}/public/*"}}),
    )
    dev.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "public/a"})
    with refused("AccessDenied", "s3:PutObject"):
        dev.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "private/b"})


def test_a_bucket_is_made_where_the_policy_says(aws: Any, user: Any, refused: Any) -> None:
    dev = user(allow("s3:CreateBucket", "*", Condition={"StringEquals": {"s3:LocationConstraint": "eu-central-1"}}))
    name = f"b-{aws.account}"
    with refused("AccessDenied", "s3:CreateBucket"):
        dev.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    dev.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


def test_a_policy_may_be_for_the_buckets_of_one_account(s3: Any, bucket: str, elsewhere: Any, aws: Any, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(
        Bucket=bucket, Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": elsewhere.account}))
    )
    for name, account in (("theirs", aws.account), ("own", elsewhere.account)):
        dev = user_of(elsewhere, name, allow("s3:GetObject", "*", Condition={"StringEquals": {"s3:ResourceAccount": account}}))
        if name == "theirs":
            dev.get_object(Bucket=bucket, Key="k")
        else:
            with refused("AccessDenied"):
                dev.get_object(Bucket=bucket, Key="k")
