"""Buckets. Truth: recorded answers of AWS (TestS3::test_different_location_constraint, test_create_bucket_with_existing_name and
their neighbours, TestS3ListBuckets), and "General purpose bucket naming rules"."""

import secrets
from typing import Any

import pytest


def fresh() -> str:
    return f"b-{secrets.token_hex(8)}"


def constrained(region: str) -> dict[str, Any]:
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


@pytest.mark.http
def test_a_bucket_is_made_found_and_ended(s3: Any) -> None:
    name = fresh()
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    head = s3.head_bucket(Bucket=name)
    assert (head["BucketRegion"], head["BucketArn"], head["AccessPointAlias"]) == ("us-east-1", f"arn:aws:s3:::{name}", False)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    s3.delete_bucket(Bucket=name)
    with pytest.raises(s3.exceptions.ClientError) as caught:
        s3.head_bucket(Bucket=name)
    assert caught.value.response["Error"]["Code"] == "404"


@pytest.mark.http
def test_a_bucket_stands_in_the_region_of_its_constraint(s3: Any, aws: Any) -> None:
    name, european = fresh(), fresh()
    assert s3.create_bucket(Bucket=name, **constrained("us-west-2"))["Location"] == f"http://{name}.s3.amazonaws.com/"
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "us-west-2"
    aws.client("s3", region="eu-west-1").create_bucket(Bucket=european, **constrained("EU"))
    assert s3.get_bucket_location(Bucket=european)["LocationConstraint"] == "EU"
    regions = {bucket["Name"]: bucket["BucketRegion"] for bucket in s3.list_buckets(MaxBuckets=1000)["Buckets"]}
    assert regions == {name: "us-west-2", european: "eu-west-1"}


LOCATIONS = {
    "us-east-1 by its name": ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
    "a region that is none": ("us-east-1", "foo", "InvalidLocationConstraint"),
    "the global pseudo-region": ("us-east-1", "aws-global", "InvalidLocationConstraint"),
    "no constraint elsewhere": ("us-east-2", None, "IllegalLocationConstraintException"),
    "another region's endpoint": ("us-east-2", "us-west-1", "IllegalLocationConstraintException"),
    "EU outside of eu-west-1": ("us-east-2", "EU", "IllegalLocationConstraintException"),
}


@pytest.mark.parametrize(("region", "constraint", "code"), LOCATIONS.values(), ids=LOCATIONS)
def test_a_location_is_refused(aws: Any, refused: Any, region: str, constraint: str | None, code: str) -> None:
    with refused(code):
        aws.client("s3", region=region).create_bucket(Bucket=fresh(), **(constrained(constraint) if constraint else {}))


@pytest.mark.parametrize("name", ["Upper", "ab", "a..b", "192.168.1.1", "-a-b", "a_b", "xn--abc", "abc-s3alias", "a" * 64])
def test_a_name_is_refused(s3: Any, refused: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.meta.events.unregister("before-parameter-build.s3", _validator(s3))
    with refused("InvalidBucketName"):
        s3.create_bucket(Bucket=name)


def _validator(s3: Any) -> Any:
    """boto3's own check of names, which would keep the bad ones from us."""
    from botocore.handlers import validate_bucket_name

    return validate_bucket_name


def test_a_name_belongs_to_one_account(s3: Any, bucket: str, stranger: Any, refused: Any) -> None:
    with refused("BucketAlreadyExists"):
        stranger.create_bucket(Bucket=bucket)
    with refused("AccessDenied"):
        stranger.list_objects_v2(Bucket=bucket)
    assert stranger.list_buckets()["Buckets"] == []


def test_making_ones_own_bucket_again_succeeds_in_us_east_1_only(s3: Any, aws: Any, refused: Any) -> None:
    name = fresh()
    tags = {"Tags": [{"Key": "tag1", "Value": "value1"}]}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=tags)
    s3.create_bucket(Bucket=name)
    with refused("BucketAlreadyOwnedByYou"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=tags)
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags["Tags"]
    west, name = aws.client("s3", region="us-west-1"), fresh()
    west.create_bucket(Bucket=name, **constrained("us-west-1"))
    with refused("BucketAlreadyOwnedByYou"):
        west.create_bucket(Bucket=name, **constrained("us-west-1"))


def test_buckets_are_listed_in_pages_by_prefix_and_by_region(s3: Any) -> None:
    stem = fresh()
    for ending in ("-a", "-b", "-c"):
        s3.create_bucket(Bucket=stem + ending)
    s3.create_bucket(Bucket=f"{stem}-d", **constrained("eu-central-1"))
    first = s3.list_buckets(MaxBuckets=2, Prefix=stem)
    assert [bucket["Name"] for bucket in first["Buckets"]] == [f"{stem}-a", f"{stem}-b"]
    second = s3.list_buckets(MaxBuckets=2, Prefix=stem, ContinuationToken=first["ContinuationToken"])
    assert [bucket["Name"] for bucket in second["Buckets"]] == [f"{stem}-c", f"{stem}-d"]
    assert "ContinuationToken" not in second
    assert [bucket["Name"] for bucket in s3.list_buckets(BucketRegion="eu-central-1")["Buckets"]] == [f"{stem}-d"]


def test_a_bucket_that_holds_anything_is_not_deleted(s3: Any, versioned: str, refused: Any) -> None:
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    with refused("BucketNotEmpty"):
        s3.delete_bucket(Bucket=versioned)
    s3.delete_object(Bucket=versioned, Key="k")
    with refused("BucketNotEmpty"):  # a delete marker is something
        s3.delete_bucket(Bucket=versioned)


def test_a_deleted_bucket_takes_its_uploads_with_it(s3: Any, bucket: str, refused: Any) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with refused("NoSuchUpload"):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


@pytest.mark.http
def test_a_client_of_another_region_is_sent_on(s3: Any, aws: Any) -> None:
    """boto3 reads the bucket's region from the 301 and signs anew; a client that does not sees PermanentRedirect."""
    name = fresh()
    s3.create_bucket(Bucket=name, **constrained("eu-west-1"))
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    stubborn = aws.client("s3")
    stubborn.meta.events.unregister("needs-retry.s3", unique_id=None, handler=_redirector(stubborn))
    with pytest.raises(stubborn.exceptions.ClientError) as caught:
        stubborn.get_object(Bucket=name, Key="k")
    answer = caught.value.response
    assert answer["Error"]["Code"] == "PermanentRedirect"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 301
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


def _redirector(client: Any) -> Any:
    found = client.meta.events._emitter._handlers.prefix_search("needs-retry.s3.GetObject")
    return next(handler for handler in found if getattr(handler, "__name__", "") == "redirect_from_error")


OWNERS = {
    "thirteen digits": ("0000000000020", "InvalidBucketOwnerAWSAccountID"),
    "letters": ("abcd", "InvalidBucketOwnerAWSAccountID"),
    "somebody else": ("111111111111", "AccessDenied"),
}


@pytest.mark.parametrize(("owner", "code"), OWNERS.values(), ids=OWNERS)
def test_the_expected_owner_is_checked(s3: Any, aws: Any, bucket: str, refused: Any, owner: str, code: str) -> None:
    s3.get_bucket_versioning(Bucket=bucket, ExpectedBucketOwner=aws.account)
    with refused(code):
        s3.get_bucket_versioning(Bucket=bucket, ExpectedBucketOwner=owner)


def test_an_unsigned_request_is_denied(aws: Any, bucket: str, refused: Any) -> None:
    from botocore import UNSIGNED
    from botocore.config import Config

    nobody = aws.client("s3", config=Config(signature_version=UNSIGNED))
    with refused("AccessDenied"):
        nobody.list_objects_v2(Bucket=bucket)


def test_no_bucket_no_answer(s3: Any, refused: Any) -> None:
    name = fresh()
    for operation in ("list_objects_v2", "get_bucket_location", "get_bucket_versioning", "get_bucket_tagging", "delete_bucket"):
        with refused("NoSuchBucket") as caught:
            getattr(s3, operation)(Bucket=name)
        assert caught.value.response["Error"]["BucketName"] == name
