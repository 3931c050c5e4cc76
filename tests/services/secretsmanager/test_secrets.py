"""Secrets and their versions. Truth: the API reference, and AWS's recorded answers where tests/recordings has them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import Any

import pytest

ONE, TWO, THREE = ("0" * 31 + digit for digit in "123")


def test_a_secret_is_found_by_name_arn_and_arn_without_its_end(secretsmanager: Any) -> None:
    made = secretsmanager.create_secret(Name="app/db", SecretString="s3cret", ClientRequestToken=ONE)
    assert made["ARN"].rpartition("-")[0].endswith(":secret:app/db")
    assert len(made["ARN"].rpartition("-")[2]) == 6
    assert made["VersionId"] == ONE
    for named in ("app/db", made["ARN"], made["ARN"].rpartition("-")[0]):
        found = secretsmanager.get_secret_value(SecretId=named)
        assert (found["ARN"], found["SecretString"], found["VersionStages"]) == (made["ARN"], "s3cret", ["AWSCURRENT"])
        assert "SecretBinary" not in found


def test_binary_values_come_back_as_bytes(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="key", SecretBinary=b"\x00\xff")
    found = secretsmanager.get_secret_value(SecretId="key")
    assert found["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in found


def test_a_secret_without_a_value_has_no_version(secretsmanager: Any, refused: Any) -> None:
    assert "VersionId" not in secretsmanager.create_secret(Name="empty")
    assert "VersionIdsToStages" not in secretsmanager.describe_secret(SecretId="empty")
    with refused("ResourceNotFoundException", "staging label: AWSCURRENT"):
        secretsmanager.get_secret_value(SecretId="empty")
    put = secretsmanager.put_secret_value(SecretId="empty", SecretString="first", VersionStages=["MINE"])
    assert put["VersionStages"] == ["AWSCURRENT", "MINE"]


def test_the_same_request_once_more_does_nothing_and_another_is_refused(secretsmanager: Any, refused: Any) -> None:
    first = secretsmanager.create_secret(Name="db", SecretString="a", ClientRequestToken=ONE)
    again = secretsmanager.create_secret(Name="db", SecretString="a", ClientRequestToken=ONE)
    assert (again["ARN"], again["VersionId"]) == (first["ARN"], first["VersionId"])
    with refused("ResourceExistsException", f"You can't use ClientRequestToken {ONE}"):
        secretsmanager.create_secret(Name="db", SecretString="b", ClientRequestToken=ONE)
    with refused("ResourceExistsException", "The operation failed because the secret db already exists."):
        secretsmanager.create_secret(Name="db", SecretString="a", ClientRequestToken=TWO)
    put = secretsmanager.put_secret_value(SecretId="db", SecretString="b", ClientRequestToken=TWO)
    assert secretsmanager.put_secret_value(SecretId="db", SecretString="b", ClientRequestToken=TWO)["VersionId"] == put["VersionId"]
    with refused("ResourceExistsException", "already in use for a version of secret"):
        secretsmanager.put_secret_value(SecretId="db", SecretString="c", ClientRequestToken=TWO)
    with refused("ResourceExistsException"):
        secretsmanager.update_secret(SecretId="db", SecretString="c", ClientRequestToken=TWO)


def test_a_version_is_read_by_id_and_by_stage_if_they_agree(secretsmanager: Any, refused: Any) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a", ClientRequestToken=ONE)
    secretsmanager.put_secret_value(SecretId="db", SecretString="b", ClientRequestToken=TWO)
    assert secretsmanager.get_secret_value(SecretId="db", VersionId=ONE)["SecretString"] == "a"
    assert secretsmanager.get_secret_value(SecretId="db", VersionStage="AWSPREVIOUS")["SecretString"] == "a"
    assert secretsmanager.get_secret_value(SecretId="db", VersionId=TWO, VersionStage="AWSCURRENT")["SecretString"] == "b"
    with refused("InvalidRequestException", "not associated to the provided VersionId"):
        secretsmanager.get_secret_value(SecretId="db", VersionId=ONE, VersionStage="AWSCURRENT")
    with refused("ResourceNotFoundException", f"VersionId: {THREE}"):
        secretsmanager.get_secret_value(SecretId="db", VersionId=THREE)


def test_labels_are_moved_only_from_where_they_are(secretsmanager: Any, refused: Any) -> None:
    for token, value in ((ONE, "a"), (TWO, "b"), (THREE, "c")):
        write = secretsmanager.create_secret if token == ONE else secretsmanager.put_secret_value
        write(**{"Name" if token == ONE else "SecretId": "db"}, SecretString=value, ClientRequestToken=token)
    move = secretsmanager.update_secret_version_stage
    with refused("InvalidParameterException", "RemoveFromVersionId can't be empty", THREE):
        move(SecretId="db", VersionStage="AWSCURRENT", MoveToVersionId=ONE)
    with refused("InvalidParameterException", "not attached to version"):
        move(SecretId="db", VersionStage="AWSCURRENT", MoveToVersionId=ONE, RemoveFromVersionId=TWO)
    with refused("InvalidParameterException", "Not a valid version"):
        move(SecretId="db", VersionStage="AWSCURRENT", MoveToVersionId="9" * 32, RemoveFromVersionId=THREE)
    with refused("InvalidParameterException", "can't be completely removed"):
        move(SecretId="db", VersionStage="AWSCURRENT", RemoveFromVersionId=THREE)
    with refused("InvalidParameterException"):
        move(SecretId="db", VersionStage="MINE")
    move(SecretId="db", VersionStage="AWSCURRENT", MoveToVersionId=ONE, RemoveFromVersionId=THREE)
    stages = secretsmanager.describe_secret(SecretId="db")["VersionIdsToStages"]
    assert stages == {ONE: ["AWSCURRENT"], THREE: ["AWSPREVIOUS"]}
    listed = secretsmanager.list_secret_version_ids(SecretId="db")["Versions"]
    assert [version["VersionId"] for version in listed] == [ONE, THREE]
    listed = secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True)["Versions"]
    assert [(version["VersionId"], version.get("VersionStages")) for version in listed] == [
        (ONE, ["AWSCURRENT"]),
        (TWO, None),
        (THREE, ["AWSPREVIOUS"]),
    ]


def test_a_secret_is_updated(secretsmanager: Any) -> None:
    made = secretsmanager.create_secret(Name="db", Description="old", SecretString="a")
    assert "VersionId" not in secretsmanager.update_secret(SecretId="db", Description="new")
    updated = secretsmanager.update_secret(SecretId="db", SecretString="b")
    described = secretsmanager.describe_secret(SecretId="db")
    assert described["Description"] == "new"
    assert described["VersionIdsToStages"] == {made["VersionId"]: ["AWSPREVIOUS"], updated["VersionId"]: ["AWSCURRENT"]}
    assert described["LastChangedDate"] > described["CreatedDate"]
    assert "KmsKeyId" not in described
    assert "RotationEnabled" not in described


def test_the_day_of_the_last_access_is_told(secretsmanager: Any, aws: Any, clock: Any) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    assert "LastAccessedDate" not in secretsmanager.describe_secret(SecretId="db")
    secretsmanager.get_secret_value(SecretId="db")
    accessed = secretsmanager.describe_secret(SecretId="db")["LastAccessedDate"].astimezone(UTC)
    assert (accessed.hour, accessed.minute, accessed.second) == (0, 0, 0)
    clock.advance(timedelta(days=2))
    assert secretsmanager.describe_secret(SecretId="db")["LastAccessedDate"] == accessed
    secretsmanager.get_secret_value(SecretId="db")
    later = secretsmanager.list_secret_version_ids(SecretId="db")["Versions"][0]["LastAccessedDate"]
    assert later == accessed + timedelta(days=2)


REFUSALS = {
    "both values": ("InvalidParameterException", "create_secret", {"Name": "n", "SecretString": "a", "SecretBinary": b"a"}),
    "a bad name": ("ValidationException", "create_secret", {"Name": "no spaces"}),
    "too long a text": ("ValidationException", "create_secret", {"Name": "n", "SecretString": "é" * 32_769}),
    "too many bytes": ("ValidationException", "put_secret_value", {"SecretId": "db", "SecretBinary": b"x" * 65_537}),
    "no value": ("InvalidRequestException", "put_secret_value", {"SecretId": "db"}),
    "an unknown secret": ("ResourceNotFoundException", "get_secret_value", {"SecretId": "nowhere"}),
    "a tag twice": ("InvalidParameterException", "tag_resource", {"SecretId": "db", "Tags": [{"Key": "a"}, {"Key": "a"}]}),
    "a tag of AWS": ("InvalidParameterException", "tag_resource", {"SecretId": "db", "Tags": [{"Key": "aws:a", "Value": ""}]}),
    "a bad token": ("InvalidNextTokenException", "list_secrets", {"NextToken": "no token"}),
    "both windows": (
        "InvalidParameterException",
        "delete_secret",
        {"SecretId": "db", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
    ),
    "too short a window": ("InvalidParameterException", "delete_secret", {"SecretId": "db", "RecoveryWindowInDays": 6}),
}


@pytest.mark.parametrize(("code", "operation", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_refused(secretsmanager: Any, refused: Any, code: str, operation: str, request_: dict[str, Any]) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    with refused(code):
        getattr(secretsmanager, operation)(**request_)


def test_65536_bytes_are_kept(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="long", SecretString="x" * 65_536)
    assert len(secretsmanager.get_secret_value(SecretId="long")["SecretString"]) == 65_536


def test_an_arn_with_another_end_or_region_is_not_found(secretsmanager: Any, refused: Any) -> None:
    arn = secretsmanager.create_secret(Name="db", SecretString="a")["ARN"]
    for other in (arn[:-6] + "AAAAAA", arn.replace("us-east-1", "eu-west-1"), arn.replace("secret:", "other:")):
        with refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret."):
            secretsmanager.get_secret_value(SecretId=other)


def test_the_101st_version_takes_the_place_of_the_oldest_that_is_a_day_old(secretsmanager: Any, refused: Any, clock: Any) -> None:
    secretsmanager.create_secret(Name="db", SecretString="0")
    for number in range(1, 100):
        secretsmanager.put_secret_value(SecretId="db", SecretString=str(number))
    with refused("LimitExceededException"):
        secretsmanager.put_secret_value(SecretId="db", SecretString="too soon")
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "99"
    first = secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True, MaxResults=1)["Versions"][0]["VersionId"]
    clock.advance(timedelta(days=1, minutes=1))
    secretsmanager.put_secret_value(SecretId="db", SecretString="100")
    listed = secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True)["Versions"]
    assert len(listed) == 100
    assert first not in {version["VersionId"] for version in listed}
    with refused("ResourceNotFoundException"):
        secretsmanager.get_secret_value(SecretId="db", VersionId=first)


def test_tags_come_and_go(secretsmanager: Any) -> None:
    secretsmanager.create_secret(Name="db", Tags=[{"Key": "team", "Value": "lake"}])
    secretsmanager.tag_resource(SecretId="db", Tags=[{"Key": "env", "Value": "prod"}, {"Key": "team", "Value": "river"}])
    assert secretsmanager.describe_secret(SecretId="db")["Tags"] == [{"Key": "team", "Value": "river"}, {"Key": "env", "Value": "prod"}]
    secretsmanager.untag_resource(SecretId="db", TagKeys=["team", "nothing"])
    assert secretsmanager.describe_secret(SecretId="db")["Tags"] == [{"Key": "env", "Value": "prod"}]


def test_many_secrets_are_read_at_once_and_what_fails_is_told(secretsmanager: Any, refused: Any) -> None:
    for name in ("app/one", "app/two", "other"):
        secretsmanager.create_secret(Name=name, SecretString=name.upper())
    read = secretsmanager.batch_get_secret_value(SecretIdList=["app/one", "nowhere", "other"])
    assert [value["SecretString"] for value in read["SecretValues"]] == ["APP/ONE", "OTHER"]
    assert [(error["SecretId"], error["ErrorCode"]) for error in read["Errors"]] == [("nowhere", "ResourceNotFoundException")]
    filters = [{"Key": "name", "Values": ["app/"]}]
    page = secretsmanager.batch_get_secret_value(Filters=filters, MaxResults=1)
    rest = secretsmanager.batch_get_secret_value(Filters=filters, NextToken=page["NextToken"])
    assert [value["Name"] for value in page["SecretValues"] + rest["SecretValues"]] == ["app/one", "app/two"]
    with refused("InvalidParameterException"):
        secretsmanager.batch_get_secret_value()


def test_writers_at_the_same_time_lose_nothing(secretsmanager: Any) -> None:
    first = secretsmanager.create_secret(Name="db", SecretString="0")["VersionId"]
    with ThreadPoolExecutor(8) as writers:
        put = [writers.submit(secretsmanager.put_secret_value, SecretId="db", SecretString=str(number)) for number in range(16)]
    made = {each.result()["VersionId"] for each in put}
    listed = secretsmanager.list_secret_version_ids(SecretId="db", IncludeDeprecated=True)["Versions"]
    assert {version["VersionId"] for version in listed} == made | {first}
    labels = [label for version in listed for label in version.get("VersionStages", [])]
    assert sorted(labels) == ["AWSCURRENT", "AWSPREVIOUS"]
