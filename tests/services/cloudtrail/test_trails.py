"""Trails as records: made, changed, found, switched, tagged, and what each selects.

Truth: the API reference of CloudTrail; sentences as its users report them.
"""

from typing import Any

import pytest

NAMES = {
    "too short": "ab",
    "too long": "a" * 129,
    "a dash at its end": "audit-",
    "a dash at its front": "-audit",
    "two dashes": "my--trail",
    "a space": "my trail",
    "an address": "192.168.5.4",
}


def test_a_trail_is_made_described_and_deleted(logged: Any) -> None:
    made = logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket, IsMultiRegionTrail=True)
    arn = f"arn:aws:cloudtrail:us-east-1:{logged.aws.account}:trail/audit"
    assert (made["TrailARN"], made["Name"], made["IsMultiRegionTrail"], made["LogFileValidationEnabled"]) == (arn, "audit", True, False)
    described = logged.cloudtrail.get_trail(Name="audit")["Trail"]
    assert described["HomeRegion"] == "us-east-1"
    assert described["HasCustomEventSelectors"] is False
    assert logged.cloudtrail.describe_trails(trailNameList=[arn, "nowhere"])["trailList"] == [described]
    assert logged.cloudtrail.list_trails()["Trails"] == [{"TrailARN": arn, "Name": "audit", "HomeRegion": "us-east-1"}]
    logged.cloudtrail.delete_trail(Name=arn)
    assert logged.cloudtrail.describe_trails()["trailList"] == []


def test_a_trail_of_several_regions_is_seen_in_all_and_changed_at_home(logged: Any, refused: Any) -> None:
    logged.cloudtrail.create_trail(Name="everywhere", S3BucketName=logged.bucket, IsMultiRegionTrail=True)
    logged.cloudtrail.create_trail(Name="here", S3BucketName=logged.bucket)
    there = logged.aws.client("cloudtrail", region="eu-west-1")
    assert [trail["Name"] for trail in there.describe_trails()["trailList"]] == ["everywhere"]
    assert there.describe_trails(includeShadowTrails=False)["trailList"] == []
    with refused("InvalidHomeRegionException"):
        there.update_trail(Name="everywhere", IsMultiRegionTrail=False)
    with refused("TrailNotFoundException", "here"):
        there.get_trail(Name="here")


def test_an_update_changes_what_is_said_and_nothing_else(logged: Any) -> None:
    logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket)
    logged.cloudtrail.update_trail(Name="audit", EnableLogFileValidation=True, IsMultiRegionTrail=True)
    trail = logged.cloudtrail.get_trail(Name="audit")["Trail"]
    assert (trail["S3BucketName"], trail["LogFileValidationEnabled"], trail["IsMultiRegionTrail"]) == (logged.bucket, True, True)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_create_trail_refuses_a_name_with(logged: Any, refused: Any, name: str) -> None:
    with refused("InvalidTrailNameException"):
        logged.cloudtrail.create_trail(Name=name, S3BucketName=logged.bucket)


def test_a_trail_needs_a_bucket_that_lets_it_in(logged: Any, refused: Any) -> None:
    with refused("S3BucketDoesNotExistException", "does not exist"):
        logged.cloudtrail.create_trail(Name="audit", S3BucketName=f"{logged.bucket}-none")
    logged.s3.delete_bucket_policy(Bucket=logged.bucket)
    with refused("InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {logged.bucket}"):
        logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket)


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "several regions without global services": (
        "InvalidParameterCombinationException",
        {"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": False},
    ),
    "a log group without a role": (
        "InvalidParameterCombinationException",
        {"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:x:*"},
    ),
    "a prefix without end": ("InvalidS3PrefixException", {"S3KeyPrefix": "p" * 201}),
    "a tag twice": ("InvalidTagParameterException", {"TagsList": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}),
    "a key of KMS": ("NotImplemented", {"KmsKeyId": "alias/x"}),
    "an organization": ("NotImplemented", {"IsOrganizationTrail": True}),
}


@pytest.mark.parametrize(("code", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_create_trail_refuses(logged: Any, refused: Any, code: str, request_: dict[str, Any]) -> None:
    with refused(code):
        logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket, **request_)
    assert logged.cloudtrail.list_trails()["Trails"] == []


def test_there_are_five_trails_in_a_region_and_no_two_of_one_name(logged: Any, refused: Any) -> None:
    for number in range(5):
        logged.cloudtrail.create_trail(Name=f"trail-{number}", S3BucketName=logged.bucket)
    with refused("MaximumNumberOfTrailsExceededException"):
        logged.cloudtrail.create_trail(Name="one-too-many", S3BucketName=logged.bucket)
    with refused("TrailAlreadyExistsException"):
        logged.cloudtrail.create_trail(Name="trail-1", S3BucketName=logged.bucket)


def test_logging_is_started_and_stopped(logged: Any) -> None:
    logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket)
    assert logged.cloudtrail.get_trail_status(Name="audit")["IsLogging"] is False
    logged.cloudtrail.start_logging(Name="audit")
    status = logged.cloudtrail.get_trail_status(Name="audit")
    assert status["IsLogging"] is True
    assert status["TimeLoggingStarted"] == f"{status['StartLoggingTime']:%Y-%m-%dT%H:%M:%SZ}"
    logged.cloudtrail.stop_logging(Name="audit")
    assert logged.cloudtrail.get_trail_status(Name="audit")["IsLogging"] is False


def test_tags_come_and_go(logged: Any, refused: Any) -> None:
    arn = logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket, TagsList=[{"Key": "a", "Value": "1"}])["TrailARN"]
    logged.cloudtrail.add_tags(ResourceId=arn, TagsList=[{"Key": "b", "Value": "2"}])
    logged.cloudtrail.remove_tags(ResourceId=arn, TagsList=[{"Key": "a"}])
    assert logged.cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"] == [
        {"ResourceId": arn, "TagsList": [{"Key": "b", "Value": "2"}]}
    ]
    with refused("ResourceNotFoundException"):
        logged.cloudtrail.list_tags(ResourceIdList=[f"{arn}-none"])
    with refused("CloudTrailARNInvalidException"):
        logged.cloudtrail.list_tags(ResourceIdList=["audit"])


def test_a_trail_has_a_selector_before_any_is_put(logged: Any) -> None:
    logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket)
    assert logged.cloudtrail.get_event_selectors(TrailName="audit")["EventSelectors"] == [
        {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": []}
    ]
    advanced = [{"Name": "writes", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
    logged.cloudtrail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=advanced)
    found = logged.cloudtrail.get_event_selectors(TrailName="audit")
    assert found["AdvancedEventSelectors"] == advanced
    assert "EventSelectors" not in found
    assert logged.cloudtrail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is True


def _field(name: str, **operators: list[str]) -> dict[str, Any]:
    return {"Field": name, **operators}


DATA = _field("eventCategory", Equals=["Data"])
SELECTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("InvalidEventSelectorsException", {}),
    "both kinds": (
        "InvalidEventSelectorsException",
        {"EventSelectors": [{}], "AdvancedEventSelectors": [{"FieldSelectors": [_field("eventCategory", Equals=["Management"])]}]},
    ),
    "an unknown type": ("InvalidEventSelectorsException", {"EventSelectors": [{"DataResources": [{"Type": "AWS::X::Y", "Values": []}]}]}),
    "a value that is no ARN": (
        "InvalidEventSelectorsException",
        {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["bucket"]}]}]},
    ),
    "six selectors": ("InvalidEventSelectorsException", {"EventSelectors": [{}] * 6}),
    "no category": (
        "InvalidEventSelectorsException",
        {"AdvancedEventSelectors": [{"FieldSelectors": [_field("readOnly", Equals=["true"])]}]},
    ),
    "an unknown field": (
        "InvalidEventSelectorsException",
        {"AdvancedEventSelectors": [{"FieldSelectors": [DATA, _field("colour", Equals=["x"])]}]},
    ),
    "data of no type": ("InvalidEventSelectorsException", {"AdvancedEventSelectors": [{"FieldSelectors": [DATA]}]}),
    "a type that begins": (
        "InvalidEventSelectorsException",
        {"AdvancedEventSelectors": [{"FieldSelectors": [DATA, _field("resources.type", StartsWith=["AWS::S3"])]}]},
    ),
    "a type that is not built": (
        "NotImplemented",
        {"AdvancedEventSelectors": [{"FieldSelectors": [DATA, _field("resources.type", Equals=["AWS::SNS::Topic"])]}]},
    ),
}


@pytest.mark.parametrize(("code", "request_"), SELECTORS.values(), ids=SELECTORS)
def test_put_event_selectors_refuses(logged: Any, refused: Any, code: str, request_: dict[str, Any]) -> None:
    logged.cloudtrail.create_trail(Name="audit", S3BucketName=logged.bucket)
    with refused(code):
        logged.cloudtrail.put_event_selectors(TrailName="audit", **request_)
