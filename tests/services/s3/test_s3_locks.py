"""Object lock: what may not go before its time, and who may bypass it. Truth: recorded answers of AWS where a case is named, else
"Locking objects with Object Lock" and "Object Lock considerations" of the S3 user guide.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

import pytest

from recorded import Recorded
from users import User, allow

DAY = timedelta(days=1)
PROTECTED = "Access Denied because object protected by object lock."


@pytest.fixture
def locking(s3: Any) -> str:
    name = f"b-{secrets.token_hex(8)}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def soon(server: Any) -> datetime:
    """Two days from now, by the Clock."""
    found: datetime = server.home.clock.now().replace(microsecond=0) + 2 * DAY
    return found


def kept(mode: str, until: datetime) -> dict[str, Any]:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until}


def retention(mode: str, until: datetime) -> dict[str, Any]:
    return {"Retention": {"Mode": mode, "RetainUntilDate": until}}


def default(**members: Any) -> dict[str, Any]:
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": members}}}


def test_a_bucket_with_a_lock_keeps_versions_for_ever(s3: Any, locking: str, refused: Any) -> None:
    assert s3.get_bucket_versioning(Bucket=locking)["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    with refused("InvalidBucketState", "the versioning state cannot be changed"):
        s3.put_bucket_versioning(Bucket=locking, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object_lock_configuration(Bucket=locking, **default(Mode="COMPLIANCE", Years=2))
    rule = s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"]["Rule"]
    assert rule == {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 2}}
    with refused("InvalidArgument", "must be a positive integer"):
        s3.put_object_lock_configuration(Bucket=locking, **default(Mode="COMPLIANCE", Days=0))


def test_what_is_retained_goes_when_its_time_has_come(s3: Any, locking: str, soon: datetime, clock: Any, refused: Any) -> None:
    for mode in ("GOVERNANCE", "COMPLIANCE"):
        version = s3.put_object(Bucket=locking, Key=mode, Body=b"x", **kept(mode, soon))["VersionId"]
        with refused("AccessDenied", PROTECTED):
            s3.delete_object(Bucket=locking, Key=mode, VersionId=version)
        assert s3.delete_object(Bucket=locking, Key=mode)["DeleteMarker"] is True
        assert s3.get_object(Bucket=locking, Key=mode, VersionId=version)["Body"].read() == b"x"
    governed, complied = (s3.list_object_versions(Bucket=locking, Prefix=mode)["Versions"][0] for mode in ("GOVERNANCE", "COMPLIANCE"))
    s3.delete_object(Bucket=locking, Key="GOVERNANCE", VersionId=governed["VersionId"], BypassGovernanceRetention=True)
    with refused("AccessDenied", PROTECTED):
        s3.delete_object(Bucket=locking, Key="COMPLIANCE", VersionId=complied["VersionId"], BypassGovernanceRetention=True)
    clock.advance(3 * DAY)
    s3.delete_object(Bucket=locking, Key="COMPLIANCE", VersionId=complied["VersionId"])


def test_a_retention_grows_and_never_shrinks_by_itself(s3: Any, locking: str, soon: datetime, refused: Any) -> None:
    at = {"Bucket": locking, "Key": "k"}
    s3.put_object(Body=b"x", **at, **kept("GOVERNANCE", soon))
    with refused("AccessDenied", PROTECTED):
        s3.put_object_retention(**at, **retention("GOVERNANCE", soon - DAY))
    with refused("AccessDenied", PROTECTED):
        s3.put_object_retention(Retention={}, **at)
    s3.put_object_retention(BypassGovernanceRetention=True, **at, **retention("GOVERNANCE", soon - DAY))
    s3.put_object_retention(**at, **retention("COMPLIANCE", soon))
    assert s3.get_object_retention(**at)["Retention"] == {"Mode": "COMPLIANCE", "RetainUntilDate": soon}
    for wrong in (retention("GOVERNANCE", soon + DAY), retention("COMPLIANCE", soon - DAY)):
        with refused("AccessDenied", PROTECTED):
            s3.put_object_retention(BypassGovernanceRetention=True, **at, **wrong)
    s3.put_object_retention(**at, **retention("COMPLIANCE", soon + DAY))
    with refused("InvalidArgument", "must be in the future"):
        s3.put_object_retention(**at, **retention("COMPLIANCE", soon - 5 * DAY))
    with refused("MalformedXML"):
        s3.put_object_retention(Retention={"Mode": "COMPLIANCE"}, **at)


@pytest.mark.http
def test_who_bypasses_needs_leave_for_that(aws: Any, s3: Any, locking: str, soon: datetime, refused: Any) -> None:
    version = s3.put_object(Bucket=locking, Key="k", Body=b"x", **kept("GOVERNANCE", soon))["VersionId"]
    user = User(aws, allow(["s3:DeleteObjectVersion", "s3:GetObject"]))
    theirs, one = user.client("s3"), {"Bucket": locking, "Key": "k", "VersionId": version}
    with refused("AccessDenied", "s3:BypassGovernanceRetention"):
        theirs.delete_object(BypassGovernanceRetention=True, **one)
    listed = {"Objects": [{"Key": "k", "VersionId": version}]}
    errors = theirs.delete_objects(Bucket=locking, Delete=listed, BypassGovernanceRetention=True)["Errors"]
    assert errors[0]["Code"] == "AccessDenied"
    assert "ObjectLockMode" not in theirs.head_object(Bucket=locking, Key="k"), "that too needs leave"
    user.may(allow(["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]))
    assert theirs.delete_objects(Bucket=locking, Delete=listed, BypassGovernanceRetention=True)["Deleted"][0]["Key"] == "k"


@pytest.mark.http
def test_policies_may_bound_how_long_is_kept(aws: Any, locking: str, soon: datetime, refused: Any) -> None:
    """Truth: "Setting limits on retention periods with a bucket policy"."""
    bound = {"NumericLessThan": {"s3:object-lock-remaining-retention-days": "10"}}
    theirs = User(aws, allow(["s3:PutObject", "s3:PutObjectRetention"], "*", **bound)).client("s3")
    theirs.put_object(Bucket=locking, Key="k", Body=b"x", **kept("GOVERNANCE", soon))
    with refused("AccessDenied", "s3:PutObject"):
        theirs.put_object(Bucket=locking, Key="k", Body=b"x", **kept("GOVERNANCE", soon + 20 * DAY))


def test_uploads_in_parts_are_locked_as_they_asked_or_by_default(s3: Any, locking: str, soon: datetime) -> None:
    s3.put_object_lock_configuration(Bucket=locking, **default(Mode="GOVERNANCE", Days=1))
    for asked, expected in ((kept("COMPLIANCE", soon), "COMPLIANCE"), ({"ObjectLockLegalHoldStatus": "ON"}, "GOVERNANCE")):
        upload = s3.create_multipart_upload(Bucket=locking, Key="k", **asked)["UploadId"]
        at = {"Bucket": locking, "Key": "k", "UploadId": upload}
        etag = s3.upload_part(PartNumber=1, Body=b"x", **at)["ETag"]
        s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}, **at)
        found = s3.head_object(Bucket=locking, Key="k")
        assert found["ObjectLockMode"] == expected
        assert found.get("ObjectLockLegalHoldStatus") == asked.get("ObjectLockLegalHoldStatus")


def test_lifecycle_rules_wait_for_locks(s3: Any, locking: str, soon: datetime, clock: Any) -> None:
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=locking, LifecycleConfiguration={"Rules": [rule]})
    held = s3.put_object(Bucket=locking, Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON")["VersionId"]
    free = s3.put_object(Bucket=locking, Key="k", Body=b"2")["VersionId"]
    s3.put_object(Bucket=locking, Key="k", Body=b"3")
    clock.advance(3 * DAY)
    left = {held, free}
    for _ in range(200):
        left = {one["VersionId"] for one in s3.list_object_versions(Bucket=locking)["Versions"]}
        if free not in left:
            break
    assert held in left


REFUSED = {
    "without a lock": ("ObjectLockConfigurationNotFoundError", "get_object_lock_configuration", {}),
    "a retention": ("InvalidRequest", "get_object_retention", {"Key": "k"}),
    "a hold": ("InvalidRequest", "put_object_legal_hold", {"Key": "k", "LegalHold": {"Status": "ON"}}),
}


@pytest.mark.parametrize(("code", "operation", "members"), REFUSED.values(), ids=REFUSED)
def test_a_bucket_without_a_lock_has_none(s3: Any, bucket: str, refused: Any, code: str, operation: str, members: dict[str, Any]) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused(code):
        getattr(s3, operation)(Bucket=bucket, **members)


def test_an_object_that_nobody_locked_says_so(s3: Any, locking: str, refused: Any) -> None:
    s3.put_object(Bucket=locking, Key="k", Body=b"x")
    for operation in (s3.get_object_retention, s3.get_object_legal_hold):
        with refused("NoSuchObjectLockConfiguration"):
            operation(Bucket=locking, Key="k")
    s3.put_object_legal_hold(Bucket=locking, Key="k", LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(Bucket=locking, Key="k")["LegalHold"] == {"Status": "ON"}


# -- recorded --------------------------------------------------------------------------------------------------------------


@pytest.mark.http
def test_configurations_as_recorded(s3: Any, bucket: str, locking: str) -> None:
    get, put, enabled = s3.get_object_lock_configuration, s3.put_object_lock_configuration, {"ObjectLockEnabled": "Enabled"}
    with Recorded("s3", "TestS3ObjectLock::test_get_object_lock_configuration_exc") as case:
        case.answers("get-lock-config-no-enabled", get, Bucket=bucket)
        case.answers("get-lock-config-bucket-not-exists", get, Bucket=f"{bucket}-absent")
    wrong: dict[str, Any] = {
        "no-enabled": {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}},
        "empty": {},
        "empty-rule": enabled | {"Rule": {}},
        "empty-retention": enabled | {"Rule": {"DefaultRetention": {}}},
        "no-days": enabled | {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE"}}},
        "bad-mode": enabled | {"Rule": {"DefaultRetention": {"Mode": "BAD-VALUE", "Days": 1}}},
        "both-days-years": enabled | {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}},
    }
    with Recorded("s3", "TestS3ObjectLock::test_put_object_lock_configuration_exc") as case:
        for label, configuration in wrong.items():
            case.answers(f"put-lock-config-{label}", put, Bucket=locking, ObjectLockConfiguration=configuration)
    with Recorded("s3", "TestS3ObjectLock::test_put_object_lock_configuration_on_existing_bucket") as case:
        case.answers("get-object-lock-existing-bucket-no-config", get, Bucket=bucket)
        case.answers("put-object-lock-existing-bucket-no-versioning", put, Bucket=bucket, ObjectLockConfiguration=enabled)
        versioning = s3.put_bucket_versioning
        case.answers("suspended-versioning", versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
        case.answers("put-object-lock-existing-bucket-versioning-disabled", put, Bucket=bucket, ObjectLockConfiguration=enabled)
        case.answers("enabled-versioning", versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        case.answers("put-object-lock-existing-bucket-enabled", put, Bucket=bucket, ObjectLockConfiguration=enabled)
        case.answers("get-object-lock-existing-bucket-enabled", get, Bucket=bucket)


@pytest.mark.http
def test_holds_as_recorded(s3: Any, locking: str) -> None:
    at = {"Bucket": locking, "Key": "test-delete-locked"}
    hold, free = {"LegalHold": {"Status": "ON"}}, {"LegalHold": {"Status": "OFF"}}
    with Recorded("s3", "TestS3ObjectLockLegalHold::test_delete_locked_object", apart=("ETag", "ChecksumCRC32")) as case:
        version = case.answers("put-obj", s3.put_object, Body="test", **at)["VersionId"]
        case.answers("put-object-legal-hold", s3.put_object_legal_hold, **at, **hold)
        case.answers("delete-object-locked", s3.delete_object, VersionId=version, **at)
        listed = {"Objects": [{"Key": at["Key"], "VersionId": version}]}
        case.answers("delete-objects-locked", s3.delete_objects, Bucket=locking, Delete=listed)
        case.answers("put-object-legal-hold-off", s3.put_object_legal_hold, **at, **free)
    at = {"Bucket": locking, "Key": "held"}
    apart = ("ETag", "ChecksumCRC32", "ContentLength")
    with Recorded("s3", "TestS3ObjectLockLegalHold::test_s3_copy_object_legal_hold", apart=apart) as case:
        case.answers("put-object", s3.put_object, Body="test legal-hold!", ObjectLockLegalHoldStatus="ON", **at)
        case.answers("head-object", s3.head_object, **at)
        case.answers("copy-legal-hold", s3.copy_object, Bucket=locking, Key="dest", CopySource=at)
        case.answers("head-dest-key", s3.head_object, Bucket=locking, Key="dest")
    at = {"Bucket": locking, "Key": "versions"}
    with Recorded("s3", "TestS3ObjectLockLegalHold::test_s3_legal_hold_lock_versioned") as case:
        first = case.answers("put-object", s3.put_object, Body="test", **at)
        of_first = at | {"VersionId": first["VersionId"]}
        case.answers("put-object-legal-hold-ver1", s3.put_object_legal_hold, **of_first, **hold)
        case.answers("head-object-ver1", s3.head_object, **of_first)
        second = case.answers("put-object-2", s3.put_object, Body="test", **at)
        case.answers("put-object-legal-hold-ver2", s3.put_object_legal_hold, **at, **hold)
        case.answers("head-object-ver2", s3.head_object, VersionId=second["VersionId"], **at)
        case.answers("remove-object-legal-hold-ver1", s3.put_object_legal_hold, **of_first, **free)
        case.answers("head-object-ver1-no-lock", s3.head_object, **of_first)
        case.answers("delete-object-ver1", s3.delete_object, **of_first)


@pytest.mark.http
def test_retentions_as_recorded(s3: Any, locking: str, soon: datetime) -> None:
    apart = ("ETag", "ChecksumCRC32", "ContentLength")
    governed, at = kept("GOVERNANCE", soon), {"Bucket": locking, "Key": "k"}
    with Recorded("s3", "TestS3ObjectLockRetention::test_s3_object_lock_mode_validation") as case:
        case.answers("put-obj-locked-error-no-retain-date", s3.put_object, Body="x", ObjectLockMode="GOVERNANCE", **at)
        case.answers("put-obj-locked-error-no-mode", s3.put_object, Body="x", ObjectLockRetainUntilDate=soon, **at)
        case.answers("put-obj-locked-bad-value", s3.put_object, Body="x", **kept("BAD-VALUE", soon), **at)
        case.answers("create-mpu-locked-bad-value", s3.create_multipart_upload, **kept("BAD-VALUE", soon), **at)
    with Recorded("s3", "TestS3ObjectLockRetention::test_object_lock_extend_duration", apart=apart) as case:
        version = case.answers("put-object-with-lock", s3.put_object, Body="x", **governed, **at)["VersionId"]
        case.answers("head-object-with-lock", s3.head_object, **at)
        of = at | {"VersionId": version}
        case.answers("put-object-retention-extend", s3.put_object_retention, **of, **retention("GOVERNANCE", soon + DAY))
        case.answers("head-object-with-lock-extended", s3.head_object, **at)
        case.answers("put-object-retention-reduce", s3.put_object_retention, **of, **retention("GOVERNANCE", soon))
    with Recorded("s3", "TestS3ObjectLockRetention::test_object_lock_delete_markers", apart=apart) as case:
        case.answers("put-object-with-lock", s3.put_object, Body="x", **governed, **at)
        case.answers("head-object-with-lock", s3.head_object, **at)
        marker = case.answers("put-delete-marker", s3.delete_object, **at)
        of = at | {"VersionId": marker["VersionId"]}
        case.answers("put-object-retention-delete-marker", s3.put_object_retention, **of, **retention("GOVERNANCE", soon))
        case.answers("get-object-retention-delete-marker", s3.get_object_retention, **of)
        case.answers("head-object-locked-delete-marker", s3.head_object, **of)
    with Recorded("s3", "TestS3ObjectLockRetention::test_bucket_config_default_retention", apart=apart) as case:
        case.answers("put-lock-config", s3.put_object_lock_configuration, Bucket=locking, **default(Mode="GOVERNANCE", Days=1))
        case.answers("put-object-default", s3.put_object, Body="x", **at)
        case.answers("head-object-default", s3.head_object, **at)
        case.answers("put-object-with-lock", s3.put_object, Body="x", **governed, **at)
        case.answers("head-object-with-lock", s3.head_object, **at)
        case.answers("put-object-with-lock-no-date", s3.put_object, Body="x", ObjectLockMode="GOVERNANCE", **at)
