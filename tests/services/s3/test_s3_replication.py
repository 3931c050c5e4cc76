"""Replication: what is copied, under which role, and what a copy is. Truth: recorded answers of AWS where a case is named, else "What does
Amazon S3 replicate?", "Setting up permissions" and "Getting replication status information" of the user guide.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest

from recorded import Recorded
from users import allow
from users import role as new_role

pytestmark = pytest.mark.http


@pytest.fixture
def any_role(aws: Any) -> str:
    return f"arn:aws:iam::{aws.account}:role/r"


def rule(target: str, **more: Any) -> dict[str, Any]:
    given = {"ID": "id", "Priority": 1, "Filter": {}, "Status": "Enabled", "DeleteMarkerReplication": {"Status": "Disabled"}}
    return given | {"Destination": {"Bucket": f"arn:aws:s3:::{target}"}} | more


def configure(s3: Any, bucket: str, role: str, *rules: dict[str, Any]) -> None:
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": list(rules)})


@pytest.fixture
def target(s3: Any, versioned: str) -> str:
    name = f"{versioned}-2"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def role(aws: Any, versioned: str, target: str) -> str:
    read = allow(["s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"], f"arn:aws:s3:::{versioned}/*")
    write = allow(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], f"arn:aws:s3:::{target}/*")
    return new_role(aws, "replicator", "s3.amazonaws.com", read, write)


def eventually(look: Callable[[], Any], expected: Any) -> None:
    for _ in range(200):
        if look() == expected:
            return
        time.sleep(0.02)
    assert look() == expected


def status(s3: Any, bucket: str, key: str = "k") -> Callable[[], str | None]:
    return lambda: s3.head_object(Bucket=bucket, Key=key).get("ReplicationStatus")


def ids(s3: Any, bucket: str) -> list[str]:
    found = s3.list_object_versions(Bucket=bucket)
    return [one["VersionId"] for one in (*found.get("Versions", []), *found.get("DeleteMarkers", []))]


def test_configurations(s3: Any, bucket: str, any_role: str) -> None:
    target = f"{bucket}-2"
    s3.create_bucket(Bucket=target)
    put, get = s3.put_bucket_replication, s3.get_bucket_replication
    taxes = {"Role": any_role, "Rules": [rule(target, Filter={"Prefix": "Tax"})]}
    with Recorded("s3", "TestS3BucketReplication::test_replication_config", apart=("Role", "Bucket")) as case:
        case.answers("expected_error_no_replication_set", get, Bucket=bucket)
        case.answers("expected_error_versioning_not_enabled", put, Bucket=bucket, ReplicationConfiguration=taxes)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        minutes = {"Status": "Enabled", "Time": {"Minutes": 15}}, {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}
        timed = {"Bucket": f"arn:aws:s3:::{target}", "StorageClass": "STANDARD", "ReplicationTime": minutes[0], "Metrics": minutes[1]}
        slow = {"Role": any_role, "Rules": [rule(target, ID="rtc", Priority=0, Status="Disabled", Destination=timed)]}
        absent = {"Role": any_role, "Rules": [rule(f"{bucket}-no")]}
        with Recorded("s3", "TestS3BucketReplication::test_replication_config_without_filter", apart=("Role", "Bucket")) as other:
            other.answers("expected_error_dest_does_not_exist", put, Bucket=bucket, ReplicationConfiguration=absent)
            other.answers("expected_error_dest_versioning_disabled", put, Bucket=bucket, ReplicationConfiguration=slow)
            s3.put_bucket_versioning(Bucket=target, VersioningConfiguration={"Status": "Enabled"})
            other.answers("put-bucket-replication", put, Bucket=bucket, ReplicationConfiguration=slow)
            other.answers("get-bucket-replication", get, Bucket=bucket)
        case.answers("put-bucket-replication", put, Bucket=bucket, ReplicationConfiguration=taxes)
        case.answers("get-bucket-replication", get, Bucket=bucket)
        nothing = {"Role": any_role, "Rules": []}
        case.answers("put-empty-bucket-replication-rules", put, Bucket=bucket, ReplicationConfiguration=nothing)
        case.answers("delete-bucket-replication", s3.delete_bucket_replication, Bucket=bucket)
        case.answers("delete-bucket-replication-idempotent", s3.delete_bucket_replication, Bucket=bucket)


@pytest.mark.parametrize("body", [b"small", b"x" * 300_000])
def test_versions_are_copied_as_they_are(s3: Any, versioned: str, target: str, role: str, body: bytes) -> None:
    configure(s3, versioned, role, rule(target, Filter={"Prefix": "k"}))
    made = s3.put_object(Bucket=versioned, Key="k", Body=body, Metadata={"a": "b"}, Tagging="c=d", ContentType="text/plain")
    s3.put_object(Bucket=versioned, Key="other", Body=body)
    eventually(status(s3, versioned), "COMPLETED")
    copy = s3.get_object(Bucket=target, Key="k")
    assert (copy["Body"].read(), copy["VersionId"], copy["ETag"]) == (body, made["VersionId"], made["ETag"])
    assert (copy["Metadata"], copy["ContentType"], copy["ReplicationStatus"]) == ({"a": "b"}, "text/plain", "REPLICA")
    assert s3.get_object_tagging(Bucket=target, Key="k")["TagSet"] == [{"Key": "c", "Value": "d"}]
    assert "ReplicationStatus" not in s3.head_object(Bucket=versioned, Key="other")
    s3.put_object_tagging(Bucket=versioned, Key="k", Tagging={"TagSet": [{"Key": "e", "Value": "f"}]})
    eventually(lambda: s3.get_object_tagging(Bucket=target, Key="k")["TagSet"], [{"Key": "e", "Value": "f"}])
    s3.delete_object(Bucket=versioned, Key="k", VersionId=made["VersionId"])
    assert s3.get_object(Bucket=target, Key="k")["Body"].read() == body, "a deleted version stays in the copy"


def test_markers_are_copied_where_a_rule_says_so(s3: Any, versioned: str, target: str, role: str) -> None:
    configure(s3, versioned, role, rule(target, Filter={"Prefix": "k"}, DeleteMarkerReplication={"Status": "Enabled"}))
    for number in range(3):
        s3.put_object(Bucket=versioned, Key="k", Body=str(number))
    s3.delete_object(Bucket=versioned, Key="k")
    s3.put_object(Bucket=versioned, Key="z", Body=b"")
    s3.delete_object(Bucket=versioned, Key="z")
    eventually(lambda: sorted(ids(s3, target)), sorted(of_key(s3, versioned)))
    assert "Contents" not in s3.list_objects_v2(Bucket=target)


def of_key(s3: Any, bucket: str) -> list[str]:
    found = s3.list_object_versions(Bucket=bucket, Prefix="k")
    return [one["VersionId"] for one in (*found["Versions"], *found["DeleteMarkers"])]


@pytest.mark.parametrize("lacks", ["s3:ReplicateObject", "s3:GetObjectVersionForReplication", "trust"])
def test_a_role_that_may_not_copies_nothing(aws: Any, s3: Any, versioned: str, target: str, lacks: str) -> None:
    actions = [one for one in ("s3:ReplicateObject", "s3:GetObjectVersionForReplication") if one != lacks]
    trusted = "lambda.amazonaws.com" if lacks == "trust" else "s3.amazonaws.com"
    configure(s3, versioned, new_role(aws, "weak", trusted, allow(actions)), rule(target))
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    eventually(status(s3, versioned), "FAILED")
    assert ids(s3, target) == []


def test_who_configures_passes_the_role(aws: Any, versioned: str, target: str, role: str, refused: Any) -> None:
    user = aws.user({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    with refused("AccessDenied"):
        configure(user.client("s3"), versioned, role, rule(target))


WRONG: dict[str, dict[str, Any]] = {
    "tags and markers": {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "DeleteMarkerReplication": {"Status": "Enabled"}},
}


@pytest.mark.parametrize("members", WRONG.values(), ids=WRONG)
def test_rules_that_cannot_be(s3: Any, versioned: str, target: str, any_role: str, refused: Any, members: dict[str, Any]) -> None:
    with refused("InvalidRequest"):
        configure(s3, versioned, any_role, rule(target, **members))
    without = {name: value for name, value in rule(target).items() if name != "Priority"}
    with refused("InvalidRequest", "Priority must be specified"):
        configure(s3, versioned, any_role, without)
    with refused("NotImplemented"):
        configure(s3, versioned, any_role, rule(target, ExistingObjectReplication={"Status": "Enabled"}))


def test_versioning_stays_while_it_is_replicated(s3: Any, versioned: str, target: str, any_role: str, refused: Any) -> None:
    configure(s3, versioned, any_role, rule(target))
    with refused("InvalidBucketState"):
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})


def test_a_copy_stands_where_its_age_says(aws: Any, s3: Any, versioned: str, target: str) -> None:
    s3.put_object(Bucket=target, Key="k", Body=b"own")
    configure(s3, versioned, new_role(aws, "late", "s3.amazonaws.com", allow("s3:*")), rule(target))
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    eventually(lambda: ids(s3, target)[:2], [second, first])
    assert s3.get_object(Bucket=target, Key="k")["Body"].read() == b"2"


def test_a_destination_with_a_key_of_its_own(aws: Any, s3: Any, versioned: str, target: str) -> None:
    """Replicas are encrypted as their bucket has it, with the role's leave to use the key."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=target, ServerSideEncryptionConfiguration=encryption)
    replicates = allow(["s3:ReplicateObject", "s3:GetObjectVersionForReplication"])
    configure(s3, versioned, new_role(aws, "keyless", "s3.amazonaws.com", replicates), rule(target))
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    eventually(status(s3, versioned), "FAILED")
    configure(s3, versioned, new_role(aws, "keyed", "s3.amazonaws.com", replicates, allow("kms:*")), rule(target))
    s3.put_object(Bucket=versioned, Key="k", Body=b"xyz")
    eventually(status(s3, versioned), "COMPLETED")
    found = s3.get_object(Bucket=target, Key="k")
    assert (found["Body"].read(), found["SSEKMSKeyId"]) == (b"xyz", key)
