"""Tags and configuration of buckets. Truth: recorded answers of AWS (TestS3BucketObjectTagging, TestS3BucketOwnershipControls,
TestS3BucketEncryption), the API reference for policies and public access blocks."""

import json
from typing import Any

import pytest

TAGS = {"TagSet": [{"Key": "tag1", "Value": "tag1"}, {"Key": "tag2", "Value": ""}]}


def test_a_buckets_tags_are_put_shown_and_taken_away(s3: Any, bucket: str, refused: Any) -> None:
    with refused("NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging=TAGS)
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == TAGS["TagSet"]
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)


def test_an_objects_tags_are_put_shown_and_taken_away(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="tag1=tag1&tag2=tag2&tag=")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [
        {"Key": "tag1", "Value": "tag1"},
        {"Key": "tag2", "Value": "tag2"},
        {"Key": "tag", "Value": ""},
    ]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=TAGS)
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.http
def test_what_has_nothing_to_say_is_a_204(s3: Any, bucket: str) -> None:
    """Recorded: AWS answers PutBucketTagging and PutBucketPolicy so, unlike most puts."""
    answers = [
        s3.put_bucket_tagging(Bucket=bucket, Tagging=TAGS),
        s3.delete_bucket_tagging(Bucket=bucket),
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy_of(bucket))),
        s3.delete_bucket_policy(Bucket=bucket),
        s3.delete_bucket_encryption(Bucket=bucket),
        s3.delete_object(Bucket=bucket, Key="never"),
    ]
    assert {answer["ResponseMetadata"]["HTTPStatusCode"] for answer in answers} == {204}


BAD_TAGS = {
    "twice the same key": [{"Key": "Key1", "Value": "1"}, {"Key": "Key1", "Value": "2"}],
    "a comma in a key": [{"Key": "Key1,Key2", "Value": "1"}],
    "a comma in a value": [{"Key": "Key1", "Value": "Val1,Val2"}],
    "AWS's own prefix": [{"Key": "aws:prefixed", "Value": "1"}],
    "129 letters": [{"Key": "k" * 129, "Value": "1"}],
}


@pytest.mark.parametrize("tags", BAD_TAGS.values(), ids=BAD_TAGS)
def test_tags_are_refused(s3: Any, bucket: str, refused: Any, tags: list[dict[str, str]]) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("InvalidTag"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    with refused("InvalidTag"):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})


def test_eleven_tags_are_too_many_for_an_object(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(11)]
    with refused("BadRequest"):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def test_ownership_is_the_buckets_owners_until_it_is_changed(s3: Any, bucket: str, refused: Any) -> None:
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    for bad in ([], [{"ObjectOwnership": "Nobody"}], rules * 2):
        with refused("MalformedXML"):
            s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": bad})
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="private")
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    with refused("OwnershipControlsNotFoundError"):
        s3.get_bucket_ownership_controls(Bucket=bucket)


def test_public_access_is_blocked_until_it_is_not(s3: Any, bucket: str, refused: Any) -> None:
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    s3.delete_public_access_block(Bucket=bucket)
    with refused("NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket=bucket)


def policy_of(bucket: str, **changed: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return {"Version": "2012-10-17", "Statement": [statement | changed]}


def test_a_policy_is_kept_word_for_word(s3: Any, bucket: str, refused: Any) -> None:
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
    text = json.dumps(policy_of(bucket), indent=3)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy_of(bucket, Principal="*")))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy_status(Bucket=bucket)


BAD_POLICIES = {
    "no JSON": "{",
    "no object": "[]",
    "no statement": "{}",
    "another bucket": json.dumps(policy_of("another-bucket")),
    "another service": json.dumps(policy_of("{bucket}", Action="sqs:SendMessage")),
    "no effect": json.dumps(policy_of("{bucket}", Effect="Maybe")),
    "an unknown field": json.dumps(policy_of("{bucket}", Resources="*")),
    "an unknown operator": json.dumps(policy_of("{bucket}", Condition={"StringIs": {"s3:prefix": "a"}})),
    "a principal that is none": json.dumps(policy_of("{bucket}", Principal={"AWS": "somebody"})),
    "an action on objects, for the bucket": json.dumps(policy_of("{bucket}", Resource="arn:aws:s3:::{bucket}")),
    "an action on the bucket, for objects": json.dumps(policy_of("{bucket}", Action="s3:ListBucket")),
    "everybody but one allowed": json.dumps(policy_of("{bucket}") | {"Statement": [{"Effect": "Allow", "NotPrincipal": "*"}]}),
    "a key of a longer bucket": json.dumps(policy_of("{bucket}", Resource="arn:aws:s3:::{bucket}-2/*")),
}


@pytest.mark.parametrize("policy", BAD_POLICIES.values(), ids=BAD_POLICIES)
def test_a_policy_is_refused(s3: Any, bucket: str, refused: Any, policy: str) -> None:
    with refused("MalformedPolicy"):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy.replace("{bucket}", bucket))


ABSENT = {
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
}


@pytest.mark.parametrize(("operation", "code"), ABSENT.items(), ids=ABSENT)
def test_what_cannot_be_set_is_said_to_be_absent(s3: Any, bucket: str, refused: Any, operation: str, code: str) -> None:
    with refused(code) as caught:
        getattr(s3, operation)(Bucket=bucket)
    assert caught.value.response["Error"]["BucketName"] == bucket


def test_the_rest_of_a_bucket_is_described_as_it_is(s3: Any, bucket: str) -> None:
    """What Terraform and its like ask for."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    owner = s3.list_buckets()["Owner"]["ID"]
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert acl["Owner"] == {"ID": owner}
        assert acl["Grants"] == [{"Grantee": {"ID": owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    for operation in ("get_bucket_logging", "get_bucket_accelerate_configuration", "get_bucket_notification_configuration"):
        assert set(getattr(s3, operation)(Bucket=bucket)) == {"ResponseMetadata"}
    for operation in ("delete_bucket_cors", "delete_bucket_lifecycle", "delete_bucket_website", "delete_bucket_replication"):
        assert getattr(s3, operation)(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
