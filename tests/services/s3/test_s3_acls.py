"""Access control lists: what they say, whom they let in, and what is no list.

Truth: recorded answers of AWS, and "Access control list (ACL) overview" and "Controlling ownership of objects" of the user guide.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from recorded import Recorded

pytestmark = pytest.mark.http

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
FAKE_GROUP = "http://acs.amazonaws.com/groups/s3/FakeGroup"


@pytest.fixture
def listed(s3: Any, bucket: str) -> str:
    """A bucket in which lists count, with nothing blocked."""
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    return bucket


@pytest.fixture
def nobody(aws: Any) -> Any:
    return aws.client("s3", config=Config(signature_version=UNSIGNED))


@pytest.fixture
def elsewhere(aws: Any) -> Iterator[Any]:
    account = aws.other()
    yield account
    account.close()


def test_a_public_object_is_read_by_nobody_in_particular(s3: Any, listed: str, nobody: Any, refused: Any) -> None:
    s3.put_object(Bucket=listed, Key="open", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=listed, Key="shut", Body=b"x")
    assert nobody.get_object(Bucket=listed, Key="open")["Body"].read() == b"x"
    with refused("AccessDenied", "Access Denied"):
        nobody.get_object(Bucket=listed, Key="shut")
    s3.put_object_acl(Bucket=listed, Key="shut", ACL="public-read")
    nobody.get_object(Bucket=listed, Key="shut")
    s3.put_object_acl(Bucket=listed, Key="shut", ACL="private")
    with refused("AccessDenied"):
        nobody.get_object(Bucket=listed, Key="shut")


def test_a_public_bucket_is_listed_and_written_and_its_objects_stay_shut(s3: Any, listed: str, nobody: Any, refused: Any) -> None:
    s3.put_bucket_acl(Bucket=listed, ACL="public-read-write")
    nobody.put_object(Bucket=listed, Key="k", Body=b"x")
    assert [one["Key"] for one in nobody.list_objects_v2(Bucket=listed)["Contents"]] == ["k"]
    for call in (nobody.get_object, nobody.delete_object):
        with refused("AccessDenied"):
            call(Bucket=listed, Key="k")


def test_authenticated_means_any_account_and_an_id_means_one(s3: Any, listed: str, nobody: Any, elsewhere: Any, refused: Any) -> None:
    s3.put_object(Bucket=listed, Key="all", Body=b"x", ACL="authenticated-read")
    stranger = elsewhere.client("s3")
    stranger.get_object(Bucket=listed, Key="all")
    with refused("AccessDenied"):
        nobody.get_object(Bucket=listed, Key="all")
    theirs = stranger.list_buckets()["Owner"]["ID"]
    s3.put_object(Bucket=listed, Key="one", Body=b"x", GrantRead=f'id="{theirs}"')
    stranger.get_object(Bucket=listed, Key="one")
    with refused("AccessDenied"):
        stranger.get_object_acl(Bucket=listed, Key="one")
    with refused("AccessDenied"):
        elsewhere.other().client("s3").get_object(Bucket=listed, Key="one")


def test_blocks_refuse_public_lists_and_ignore_those_that_are_there(s3: Any, listed: str, nobody: Any, refused: Any) -> None:
    s3.put_object(Bucket=listed, Key="k", Body=b"x", ACL="public-read")
    s3.put_public_access_block(Bucket=listed, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    nobody.get_object(Bucket=listed, Key="k")
    for attempt in (
        lambda: s3.put_object(Bucket=listed, Key="new", Body=b"x", ACL="public-read"),
        lambda: s3.put_object_acl(Bucket=listed, Key="k", GrantRead=f'uri="{ALL_USERS}"'),
        lambda: s3.put_bucket_acl(Bucket=listed, ACL="public-read"),
    ):
        with refused("AccessDenied"):
            attempt()
    s3.put_public_access_block(Bucket=listed, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    with refused("AccessDenied"):
        nobody.get_object(Bucket=listed, Key="k")


def test_with_the_owner_enforced_lists_are_refused_and_without_effect(s3: Any, listed: str, nobody: Any, refused: Any) -> None:
    s3.put_object(Bucket=listed, Key="k", Body=b"x", ACL="public-read")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=listed, OwnershipControls=enforced)
    with refused("AccessDenied"):
        nobody.get_object(Bucket=listed, Key="k")
    assert [grant["Permission"] for grant in s3.get_object_acl(Bucket=listed, Key="k")["Grants"]] == ["FULL_CONTROL"]
    with refused("AccessControlListNotSupported"):
        s3.put_bucket_acl(Bucket=listed, ACL="public-read")
    s3.put_object(Bucket=listed, Key="k", Body=b"x", ACL="bucket-owner-full-control")


def test_a_bucket_is_made_with_a_list(s3: Any, refused: Any) -> None:
    name = f"b-{secrets.token_hex(8)}"
    with refused("InvalidBucketAclWithObjectOwnership"):
        s3.create_bucket(Bucket=name, ACL="log-delivery-write")
    with refused("InvalidBucketAclWithBlockPublicAccessError"):
        s3.create_bucket(Bucket=name, ACL="public-read", ObjectOwnership="ObjectWriter")
    s3.create_bucket(Bucket=name, ACL="log-delivery-write", ObjectOwnership="ObjectWriter")
    assert [grant["Permission"] for grant in s3.get_bucket_acl(Bucket=name)["Grants"]] == ["FULL_CONTROL", "WRITE", "READ_ACP"]


def test_what_is_no_list_of_a_bucket(s3: Any, listed: str) -> None:
    owner = {"ID": s3.list_buckets()["Owner"]["ID"]}
    with Recorded("s3", "TestS3::test_s3_bucket_acl_exceptions") as case:
        _exceptions(case, "bucket", s3.put_bucket_acl, {"Bucket": listed}, owner)


def test_what_is_no_list_of_an_object(s3: Any, listed: str) -> None:
    owner = {"ID": s3.list_buckets()["Owner"]["ID"]}
    s3.put_object(Bucket=listed, Key="k", Body=b"x")
    with Recorded("s3", "TestS3::test_s3_object_acl_exceptions") as case:
        case.answers("put-object-canned-acl", s3.put_object, Bucket=listed, Key="new", Body=b"x", ACL="fake-acl")
        _exceptions(case, "object", s3.put_object_acl, {"Bucket": listed, "Key": "k"}, owner)


def _exceptions(case: Recorded, what: str, put: Any, place: dict[str, str], owner: dict[str, str]) -> None:
    def grant(permission: str = "WRITE", **grantee: str) -> dict[str, Any]:
        return {"Grantee": grantee, "Permission": permission}

    def acp(number: int, policy: dict[str, Any]) -> None:
        case.answers(f"put-{what}-acp-acl-{number}", put, **place, AccessControlPolicy=policy)

    canned = "put-bucket-canned-acl" if what == "bucket" else "put-object-acl-canned-acl"
    case.answers(canned, put, **place, ACL="fake-acl")
    case.answers(f"put-{what}-grant-acl-fake-uri", put, **place, GrantWrite=f"uri={FAKE_GROUP}")
    case.answers(f"put-{what}-grant-acl-fake-key", put, **place, GrantWrite='fakekey="1234"')
    case.answers(f"put-{what}-grant-acl-wrong-id", put, **place, GrantWrite='id="wrong-id"')
    everyone = grant(Type="Group", URI=ALL_USERS)
    acp(1, {"Grants": [everyone]})
    acp(2, {"Owner": owner, "Grants": [grant("FAKE", Type="Group", URI=ALL_USERS)]})
    acp(3, {"Owner": owner, "Grants": [grant(Type="CanonicalUser", ID="wrong-id")]})
    acp(4, {"Owner": owner, "Grants": [grant(Type="Group", URI=FAKE_GROUP)]})
    acp(5, {"Owner": {"ID": "wrong-id"}, "Grants": [everyone]})
    acp(6, {"Owner": owner, "Grants": [grant(Type="Group")]})
    case.answers(f"put-{what}-empty-acp", put, **place, AccessControlPolicy={})
    case.answers("put-bucket-empty" if what == "bucket" else "put-object-acl-empty", put, **place)
    case.answers(f"put-{what}-two-type-acl", put, **place, ACL="public-read", GrantRead=f'uri="{ALL_USERS}"')
    policy = {"Owner": owner, "Grants": [everyone]}
    case.answers(f"put-{what}-two-type-acl-acp", put, **place, ACL="public-read", AccessControlPolicy=policy)


def test_the_list_of_an_object_that_came_in_parts(s3: Any, listed: str) -> None:
    with Recorded("s3", "TestS3::test_s3_multipart_upload_acls") as case:
        s3.put_bucket_acl(Bucket=listed, ACL="public-read")
        case.answers("bucket-acl", s3.get_bucket_acl, Bucket=listed)
        for key, grants in (("key0", {}), ("key1", {"ACL": "private"}), ("key2", {"ACL": "public-read-write"})):
            upload = s3.create_multipart_upload(Bucket=listed, Key=key, **grants)["UploadId"]
            at = {"Bucket": listed, "Key": key, "UploadId": upload}
            etag = s3.upload_part(**at, PartNumber=1, Body=b"x")["ETag"]
            s3.complete_multipart_upload(**at, MultipartUpload={"Parts": [{"ETag": etag, "PartNumber": 1}]})
            case.answers(f"permission-acl-{key}", s3.get_object_acl, Bucket=listed, Key=key)
