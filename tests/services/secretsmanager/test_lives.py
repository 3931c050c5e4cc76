"""Deletion, copies in other regions, lists, policies and passwords. Truth: the API reference."""

import json
import string
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.services.secretsmanager import passwords


def test_a_deleted_secret_waits_and_comes_back(secretsmanager: Any, refused: Any) -> None:
    arn = secretsmanager.create_secret(Name="db", SecretString="a")["ARN"]
    deleted = secretsmanager.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    assert deleted["ARN"] == arn
    for operation, request in (
        ("get_secret_value", {}),
        ("put_secret_value", {"SecretString": "b"}),
        ("update_secret", {"Description": "b"}),
        ("rotate_secret", {}),
    ):
        with refused("InvalidRequestException", "marked for deletion"):
            getattr(secretsmanager, operation)(SecretId="db", **request)
    with refused("InvalidRequestException", "already scheduled for deletion"):
        secretsmanager.create_secret(Name="db", SecretString="b")
    with refused("InvalidRequestException", "already scheduled for deletion"):
        secretsmanager.delete_secret(SecretId="db")
    assert secretsmanager.describe_secret(SecretId="db")["DeletedDate"] == deleted["DeletionDate"]
    assert secretsmanager.list_secrets()["SecretList"] == []
    assert [each["Name"] for each in secretsmanager.list_secrets(IncludePlannedDeletion=True)["SecretList"]] == ["db"]
    secretsmanager.restore_secret(SecretId="db")
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
    assert "DeletedDate" not in secretsmanager.describe_secret(SecretId="db")
    secretsmanager.restore_secret(SecretId="db")


def test_what_happens_to_versions_is_told(secretsmanager: Any, events: Any, settled: Any) -> None:
    made = secretsmanager.create_secret(Name="db", SecretString="a")
    secretsmanager.delete_secret(SecretId="db")
    secretsmanager.restore_secret(SecretId="db")
    secretsmanager.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)
    told = settled(lambda: len(events.events) == 3 and events.events)
    assert events.names == ["StartSecretVersionDelete", "CancelSecretVersionDelete", "EndSecretVersionDelete"]
    assert told[0]["additionalEventData"] == {"SecretId": made["ARN"], "SecretVersionId": made["VersionId"]}
    assert (told[0]["eventSource"], told[0]["eventType"]) == ("secretsmanager.amazonaws.com", "AwsServiceEvent")


def test_at_the_end_of_the_window_the_secret_is_gone(secretsmanager: Any, refused: Any, clock: Any, settled: Any) -> None:
    arn = secretsmanager.create_secret(Name="db", SecretString="a")["ARN"]
    secretsmanager.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    clock.advance(timedelta(days=6))
    assert secretsmanager.describe_secret(SecretId="db")["ARN"] == arn
    clock.advance(timedelta(days=1, seconds=1))
    settled(lambda: not secretsmanager.list_secrets(IncludePlannedDeletion=True)["SecretList"])
    with refused("ResourceNotFoundException"):
        secretsmanager.describe_secret(SecretId="db")
    assert secretsmanager.create_secret(Name="db", SecretString="b")["ARN"] != arn


def test_one_deleted_without_recovery_is_gone_at_once(secretsmanager: Any, refused: Any) -> None:
    made = secretsmanager.create_secret(Name="db", SecretString="a")
    secretsmanager.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)
    with refused("ResourceNotFoundException"):
        secretsmanager.get_secret_value(SecretId="db")
    with refused("ResourceNotFoundException"):
        secretsmanager.restore_secret(SecretId="db")
    secretsmanager.create_secret(Name="db", SecretString="b")
    with refused("ResourceNotFoundException"):
        secretsmanager.get_secret_value(SecretId="db", VersionId=made["VersionId"])
    with refused("ResourceNotFoundException"):
        secretsmanager.get_secret_value(SecretId=made["ARN"])


FILTERS = {
    "name": ([("name", ["app/"])], ["app/api", "app/db"]),
    "name has case": ([("name", ["APP"])], []),
    "not the name": ([("name", ["!app/"])], ["Token"]),
    "the description": ([("description", ["the MYSQL"])], ["app/db"]),
    "not its middle": ([("description", ["MySQL"])], []),
    "a tag's key": ([("tag-key", ["env"])], ["Token", "app/db"]),
    "a tag's value": ([("tag-value", ["prod"])], ["app/db"]),
    "one of two values": ([("tag-value", ["prod", "test"])], ["Token", "app/db"]),
    "both of two filters": ([("tag-key", ["env"]), ("name", ["app"])], ["app/db"]),
    "one but not the other": ([("tag-key", ["env"]), ("tag-value", ["!prod"])], ["Token"]),
    "anything": ([("all", ["mysql prod"])], ["app/db"]),
    "anything in a name": ([("all", ["api"])], ["app/api"]),
    "no owner": ([("owning-service", ["rds"])], []),
    "no copies": ([("primary-region", ["us-"])], []),
}


@pytest.mark.parametrize(("filters", "names"), FILTERS.values(), ids=FILTERS)
def test_filters(secretsmanager: Any, filters: list[tuple[str, list[str]]], names: list[str]) -> None:
    secretsmanager.create_secret(Name="app/db", Description="The MySQL password", Tags=[{"Key": "env", "Value": "prod"}])
    secretsmanager.create_secret(Name="app/api")
    secretsmanager.create_secret(Name="Token", Tags=[{"Key": "env", "Value": "test"}])
    listed = secretsmanager.list_secrets(Filters=[{"Key": key, "Values": values} for key, values in filters])["SecretList"]
    assert sorted(secret["Name"] for secret in listed) == names


def test_lists_have_an_order_and_pages(secretsmanager: Any) -> None:
    for name in ("b", "a", "c"):
        secretsmanager.create_secret(Name=name, SecretString=name)
    secretsmanager.update_secret(SecretId="b", Description="changed last")

    def names(**request: Any) -> list[str]:
        pages = secretsmanager.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1}, **request)
        return [secret["Name"] for page in pages for secret in page["SecretList"]]

    assert names() == ["b", "a", "c"]
    assert names(SortOrder="desc") == ["c", "a", "b"]
    assert names(SortBy="name") == ["a", "b", "c"]
    assert names(SortBy="last-accessed-date") == ["a", "b", "c"]
    assert names(SortBy="last-changed-date", SortOrder="desc") == ["b", "c", "a"]


def test_a_secret_is_copied_to_other_regions_and_follows_its_primary(aws: Any, secretsmanager: Any, refused: Any) -> None:
    far = aws.client("secretsmanager", region="eu-west-1")
    made = secretsmanager.create_secret(Name="db", SecretString="a", AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert [(each["Region"], each["Status"]) for each in made["ReplicationStatus"]] == [("eu-west-1", "InSync")]
    copy = far.get_secret_value(SecretId="db")
    assert (copy["ARN"], copy["VersionId"]) == (made["ARN"].replace("us-east-1", "eu-west-1"), made["VersionId"])
    with refused("InvalidRequestException", "replica"):
        far.put_secret_value(SecretId="db", SecretString="b")
    put = secretsmanager.put_secret_value(SecretId="db", SecretString="b")
    secretsmanager.tag_resource(SecretId="db", Tags=[{"Key": "env", "Value": "prod"}])
    copy = far.get_secret_value(SecretId="db")
    assert (copy["SecretString"], copy["VersionId"]) == ("b", put["VersionId"])
    described = secretsmanager.describe_secret(SecretId="db")
    assert described["ReplicationStatus"][0]["LastAccessedDate"] == far.describe_secret(SecretId="db")["LastAccessedDate"]
    assert "LastAccessedDate" not in described
    described = far.describe_secret(SecretId="db")
    assert (described["PrimaryRegion"], described["Tags"]) == ("us-east-1", [{"Key": "env", "Value": "prod"}])
    assert far.list_secrets(Filters=[{"Key": "primary-region", "Values": ["us-east-1"]}])["SecretList"]
    with refused("InvalidRequestException", "eu-west-1"):
        secretsmanager.delete_secret(SecretId="db")
    assert secretsmanager.remove_regions_from_replication(SecretId="db", RemoveReplicaRegions=["eu-west-1"])["ReplicationStatus"] == []
    with refused("ResourceNotFoundException"):
        far.get_secret_value(SecretId="db")
    assert "PrimaryRegion" not in secretsmanager.describe_secret(SecretId="db")
    secretsmanager.delete_secret(SecretId="db")


def test_a_copy_does_not_overwrite_unless_it_is_told_to(aws: Any, secretsmanager: Any, refused: Any) -> None:
    far = aws.client("secretsmanager", region="eu-west-1")
    far.create_secret(Name="db", SecretString="theirs")
    secretsmanager.create_secret(Name="db", SecretString="ours")
    regions = [{"Region": "eu-west-1"}]
    answer = secretsmanager.replicate_secret_to_regions(SecretId="db", AddReplicaRegions=regions)
    assert [(each["Status"], each["StatusMessage"]) for each in answer["ReplicationStatus"]] == [
        ("Failed", "Secret with this name already exists in this region")
    ]
    secretsmanager.put_secret_value(SecretId="db", SecretString="ours again")
    assert far.get_secret_value(SecretId="db")["SecretString"] == "theirs"
    answer = secretsmanager.replicate_secret_to_regions(SecretId="db", AddReplicaRegions=regions, ForceOverwriteReplicaSecret=True)
    assert answer["ReplicationStatus"][0]["Status"] == "InSync"
    assert far.get_secret_value(SecretId="db")["SecretString"] == "ours again"
    with refused("InvalidParameterException"):
        secretsmanager.replicate_secret_to_regions(SecretId="db", AddReplicaRegions=regions)


def test_a_copy_becomes_a_secret_of_its_own(aws: Any, secretsmanager: Any, refused: Any) -> None:
    far = aws.client("secretsmanager", region="eu-west-1")
    secretsmanager.create_secret(Name="db", SecretString="a", AddReplicaRegions=[{"Region": "eu-west-1"}])
    with refused("InvalidRequestException"):
        secretsmanager.stop_replication_to_replica(SecretId="db")
    far.stop_replication_to_replica(SecretId="db")
    far.put_secret_value(SecretId="db", SecretString="b")
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
    assert "ReplicationStatus" not in secretsmanager.describe_secret(SecretId="db")
    secretsmanager.delete_secret(SecretId="db")


def document(principal: Any, effect: str = "Allow", **condition: Any) -> str:
    statement = {"Effect": effect, "Principal": principal, "Action": "secretsmanager:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement | ({"Condition": condition} if condition else {})})


def test_a_policy_is_written_read_and_deleted(secretsmanager: Any, refused: Any) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    assert "ResourcePolicy" not in secretsmanager.get_resource_policy(SecretId="db")
    policy = document({"AWS": "123456789012"})
    secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=policy)
    assert secretsmanager.get_resource_policy(SecretId="db")["ResourcePolicy"] == policy
    assert secretsmanager.list_resource_policies(SecretId="db")["ResourcePolicies"] == [{"PolicyName": "default"}]
    secretsmanager.delete_resource_policy(SecretId="db")
    assert "ResourcePolicy" not in secretsmanager.get_resource_policy(SecretId="db")
    with refused("MalformedPolicyDocumentException"):
        secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy="{}")


PUBLIC = {
    "everybody": (document("*"), True),
    "everybody of AWS": (document({"AWS": "*"}), True),
    "an account": (document({"AWS": "123456789012"}), False),
    "everybody of an account": (document("*", StringEquals={"aws:PrincipalAccount": "123456789012"}), False),
    "everybody if there is an account": (document("*", StringEqualsIfExists={"aws:PrincipalAccount": "123456789012"}), True),
    "everybody with a tag": (document("*", StringEquals={"aws:PrincipalTag/a": "b"}), True),
}


@pytest.mark.parametrize(("policy", "is_public"), PUBLIC.values(), ids=PUBLIC)
def test_a_public_policy_is_found(secretsmanager: Any, refused: Any, policy: str, is_public: bool) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    validated = secretsmanager.validate_resource_policy(SecretId="db", ResourcePolicy=policy)
    assert validated["PolicyValidationPassed"] is not is_public
    assert bool(validated["ValidationErrors"]) is is_public
    if is_public:
        with refused("PublicPolicyException"):
            secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=policy, BlockPublicPolicy=True)
        secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=policy)
    else:
        secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=policy, BlockPublicPolicy=True)


def test_a_policy_that_shuts_its_writer_out_is_found(aws: Any, secretsmanager: Any, refused: Any) -> None:
    validated = secretsmanager.validate_resource_policy(ResourcePolicy=document({"AWS": aws.account}, effect="Deny"))
    assert [error["CheckName"] for error in validated["ValidationErrors"]] == ["Lockout"]
    with refused("MalformedPolicyDocumentException"):
        secretsmanager.validate_resource_policy(ResourcePolicy="no policy")


def test_a_password_has_every_kind_of_character(secretsmanager: Any, refused: Any) -> None:
    password = secretsmanager.get_random_password()["RandomPassword"]
    assert len(password) == 32
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation):
        assert set(kind) & set(password)
    with refused("InvalidParameterException", "too short"):
        secretsmanager.get_random_password(PasswordLength=3)
    with refused("ValidationException"):
        secretsmanager.get_random_password(PasswordLength=4097)
    with refused("InvalidRequestException"):
        secretsmanager.get_random_password(PasswordLength=8, ExcludeCharacters=string.printable)


@settings(deadline=None)
@given(
    st.integers(1, 100),
    st.sets(st.sampled_from(["ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation"]), max_size=3),
    st.text(string.punctuation, max_size=10),
    st.booleans(),
)
async def test_a_password_has_nothing_that_is_excluded(length: int, excluded: set[str], characters: str, space: bool) -> None:
    request = dict.fromkeys(excluded, True) | {"PasswordLength": length, "ExcludeCharacters": characters, "IncludeSpace": space}
    answer = await passwords.get_random_password(None, request | {"RequireEachIncludedType": False})  # type: ignore[arg-type] - unused
    kinds = {
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeNumbers": string.digits,
        "ExcludePunctuation": string.punctuation,
    }
    password = set(answer["RandomPassword"])
    assert len(answer["RandomPassword"]) == length
    assert not password & set(characters + "".join(kinds[member] for member in excluded))
    assert space or " " not in password
