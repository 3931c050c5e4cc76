"""Secrets Manager against what AWS answered: recordings/secretsmanager.json. Each test names its case."""

import json
from typing import Any

import botocore.exceptions
import pytest

from recordings.replaying import Case, refusal

DESCRIPTION = "Testing secrets creation."


@pytest.fixture
def secretsmanager(aws: Any) -> Any:
    return aws.client("secretsmanager")


@pytest.fixture
def case(recorded: Any) -> Any:
    """A case in which the names of the secrets are ours."""

    def named(name: str, *secrets: str) -> Case:
        case: Case = recorded("secretsmanager", f"TestSecretsManager::{name}")
        case.means({f"SecretId-{number}idx": secret for number, secret in enumerate(secrets)})
        return case

    return named


def paired(said: Any) -> Any:
    """The versions of a secret with their labels as pairs: their ids are references, which a recording has as values alone."""
    if isinstance(said, list):
        return [paired(each) for each in said]
    if not isinstance(said, dict):
        return said
    maps = {"VersionIdsToStages", "SecretVersionsToStages"}
    return {name: sorted(map(list, value.items())) if name in maps else paired(value) for name, value in said.items()}


def says(replayed: Case, answer: str, ours: Any) -> None:
    """As the case's own, with pairs."""
    recorded = replayed.recorded(answer)
    recorded |= paired(recorded)
    replayed.says(answer, paired(ours))


def deleted(secretsmanager: Any, name: str) -> Any:
    return secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize("name", ["test_call_lists_secrets_multiple_times", "test_call_lists_secrets_multiple_times_snapshots"])
def test_a_secret_is_listed_alike_each_time(secretsmanager: Any, case: Any, name: str) -> None:
    replayed = case(name, "db")
    made = secretsmanager.create_secret(Name="db", SecretString="a", Description="testing creation of secrets")
    replayed.says("create_secret_rs_1", made)
    for number in range(3):
        says(replayed, f"list_secrets_res_{number}", secretsmanager.list_secrets())
    replayed.says("delete_secret_res_1", deleted(secretsmanager, "db"))


def test_a_name_is_free_again_after_deletion(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_can_recreate_delete_secret", "db")
    replayed.says("create_secret_res_0", secretsmanager.create_secret(Name="db", SecretString="a"))
    replayed.says("delete_res_1", deleted(secretsmanager, "db"))
    replayed.says("create_secret_res_1", secretsmanager.create_secret(Name="db", SecretString="a"))


def test_binary_values_change(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_change_secret_value_after_creation[footest-updated1]", "db")

    def read() -> Any:
        found = secretsmanager.get_secret_value(SecretId="db")
        return found | {"SecretBinary": str(found["SecretBinary"])}

    secretsmanager.create_secret(Name="db", SecretBinary=b"initial")
    replayed.says("put_secret_value_secret_response", read())
    secretsmanager.put_secret_value(SecretId="db", SecretBinary=b"footest")
    replayed.says("put_secret_binary_response_updated", read())
    secretsmanager.update_secret(SecretId="db", SecretBinary=b"updated1")
    replayed.says("update_secret_binary_response_updated", read())


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("test_create_and_update_secret[Valid/_+=.@-Name-a1b2c3--True]", "Valid/_+=.@-Name-a1b2c3-"),
        ("test_create_and_update_secret[s-c64bdc03-True]", "s-c64bdc03"),
        ("test_create_and_update_secret[s-c64bdc03]", "s-c64bdc03"),
    ],
)
def test_a_secret_is_made_read_described_and_updated(secretsmanager: Any, case: Any, name: str, secret: str) -> None:
    replayed = case(name, secret)
    made = secretsmanager.create_secret(Name=secret, SecretString="my_secret", Description="Testing secret creation.")
    replayed.says("create_secret_rs_1", made)
    replayed.says("get_secret_value_rs_1", secretsmanager.get_secret_value(SecretId=secret))
    says(replayed, "describe_secret_rs_1", secretsmanager.describe_secret(SecretId=secret))
    replayed.says("get_secret_value_rs_2", secretsmanager.get_secret_value(SecretId=made["ARN"]))
    replayed.says("get_secret_value_rs_3", secretsmanager.get_secret_value(SecretId=made["ARN"][:-6]))
    replayed.says("put_secret_value_rs_1", secretsmanager.put_secret_value(SecretId=secret, SecretString="new_secret"))
    replayed.says("get_secret_value_rs_4", secretsmanager.get_secret_value(SecretId=secret))
    replayed.says("update_secret_res_1", secretsmanager.update_secret(SecretId=secret, SecretString="updated", Description="d"))
    replayed.says("delete_secret_res_1", deleted(secretsmanager, secret))


@pytest.mark.parametrize("name", ["test_create_multi_secrets", "test_create_multi_secrets_snapshot"])
def test_several_secrets_are_listed(secretsmanager: Any, case: Any, name: str) -> None:
    names = ["a", "b", "c"]
    replayed = case(name, *names)
    for each in names:
        secretsmanager.create_secret(Name=each, SecretString=each, Description=DESCRIPTION)
    says(replayed, "list_secrets_res", secretsmanager.list_secrets())
    for number, each in enumerate(names):
        replayed.says(f"delete_secret_res{number}", deleted(secretsmanager, each))


def test_rotation_wants_a_function(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_first_rotate_secret_with_missing_lambda_arn", "db")
    replayed.says("create_secret", secretsmanager.create_secret(Name="db", SecretString="a"))
    rules = {"AutomaticallyAfterDays": 1}
    replayed.refuses("rotate_secret_no_arn_exc", secretsmanager.rotate_secret, SecretId="db", RotationRules=rules, RotateImmediately=True)
    says(replayed, "describe_secret", secretsmanager.describe_secret(SecretId="db"))


def test_rotation_wants_a_function_that_can_be_invoked(secretsmanager: Any, aws: Any, case: Any) -> None:
    replayed = case("test_rotate_secret_invalid_lambda_arn", "db")
    replayed.says("create_secret", secretsmanager.create_secret(Name="db", SecretString="a"))
    request = {"SecretId": "db", "RotationRules": {"AutomaticallyAfterDays": 1}}
    function = f"arn:aws:lambda:us-east-1:{aws.account}:function:nowhere"
    replayed.refuses("rotate_secret_invalid_arn_exc", secretsmanager.rotate_secret, RotationLambdaARN=function, **request)
    says(replayed, "describe_secret", secretsmanager.describe_secret(SecretId="db"))


@pytest.mark.parametrize("name", [" Inv *?!]Name\\-", " Inv Name", "Inv Name"])
def test_names_that_are_none(secretsmanager: Any, case: Any, name: str) -> None:
    escaped = name.replace("\\", "\\\\")
    replayed = case(f"test_invalid_secret_name[{escaped}]")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create_secret", {"Name": name, "SecretString": "a", "Description": "d"}),
        ("delete_secret", {"SecretId": name, "ForceDeleteWithoutRecovery": True}),
        ("describe_secret", {"SecretId": name}),
        ("get_secret_value", {"SecretId": name}),
        ("list_secret_version_ids", {"SecretId": name, "IncludeDeprecated": True}),
        ("put_secret_value", {"SecretId": name, "SecretString": "a"}),
        ("tag_resource", {"SecretId": name, "Tags": [{"Key": "tag", "Value": "value"}]}),
        ("untag_resource", {"SecretId": name, "TagKeys": ["tag"]}),
        ("update_secret", {"SecretId": name, "Description": "d"}),
        ("validate_resource_policy", {"SecretId": name, "ResourcePolicy": '{"Version": "2012-10-17", "Statement": []}'}),
    ]
    for number, (operation, request) in enumerate(calls, 1):
        replayed.refuses(f"ex_log_{number}", getattr(secretsmanager, operation), **request)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("CreateSecret", {"Name": "new", "SecretString": "a"}),
        ("PutSecretValue", {"SecretId": "db", "SecretString": "a"}),
        ("RotateSecret", {"SecretId": "db"}),
    ],
)
def test_a_raw_request_without_a_token(secretsmanager: Any, case: Any, operation: str, request_: dict[str, Any]) -> None:
    replayed = case(f"test_no_client_request_token[{operation}]")
    secretsmanager.create_secret(Name="db", SecretString="a")

    def without_token(params: dict[str, Any], **_: Any) -> None:
        params["body"] = json.dumps(request_).encode()

    secretsmanager.meta.events.register(f"before-call.secrets-manager.{operation}", without_token)
    call = {"CreateSecret": "create_secret", "PutSecretValue": "put_secret_value", "RotateSecret": "rotate_secret"}[operation]
    refused = refusal(getattr(secretsmanager, call), **request_)
    error = {"Message": refused["Error"]["Message"], "__type": refused["Error"]["Code"]}
    answer = {"Error": error, "Metadata": {"StatusCode": refused["ResponseMetadata"]["HTTPStatusCode"]}}
    replayed.says("no-client-request-exc", answer)


def test_labels_of_ones_own_move_to_the_newer_version(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_non_versioning_version_stages_replacement", "db")
    replayed.says("create_secret_rs_0", secretsmanager.create_secret(Name="db", SecretString="S0"))
    stages = ["one", "two", "three"]
    for number, labels in enumerate((stages, [*stages, "four"])):
        put = secretsmanager.put_secret_value(SecretId="db", SecretString=f"S{number + 1}", VersionStages=labels)
        replayed.says(f"put_secret_value_res_{number}", put)
        replayed.says(f"list_secret_version_ids_res_{number}", secretsmanager.list_secret_version_ids(SecretId="db"))
    replayed.says("delete_secret_res_0", deleted(secretsmanager, "db"))


def test_only_the_current_version_is_read_by_default(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_put_secret_value_with_version_stages", "db")
    replayed.says("create_secret_rs_0", secretsmanager.create_secret(Name="db", SecretString="secret_string_v0"))
    replayed.says("get_secret_value_res_0", secretsmanager.get_secret_value(SecretId="db"))
    own = {"VersionStages": ["SAMPLESTAGE1", "SAMPLESTAGE0"]}
    several: list[dict[str, Any]] = [own, own, {"VersionStages": ["AWSPENDING"]}, {}]
    for number, stages in enumerate(several, 1):
        put = secretsmanager.put_secret_value(SecretId="db", SecretString=f"secret_string_v{number}", **stages)
        replayed.says(f"put_secret_value_res_{number}", put)
        replayed.says(f"get_secret_value_res_{number}", secretsmanager.get_secret_value(SecretId="db"))
    replayed.says("delete_secret_res_1", deleted(secretsmanager, "db"))


def test_a_policy_is_kept_as_it_was_written(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_resource_policy", "db")
    secretsmanager.create_secret(Name="db", SecretString="a")
    policy = replayed.recorded("get_resource_policy")["ResourcePolicy"]
    replayed.says("put_resource_policy", secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=json.dumps(policy)))
    found = secretsmanager.get_resource_policy(SecretId="db")
    replayed.says("get_resource_policy", found | {"ResourcePolicy": json.loads(found["ResourcePolicy"])})


def test_a_name_is_taken(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_secret_exists_snapshots", "db")
    secretsmanager.create_secret(Name="db", SecretString="a", Description=DESCRIPTION)
    replayed.refuses("ex_log", secretsmanager.create_secret, Name="db", SecretString="b", Description=DESCRIPTION)
    replayed.says("delete_secret_res", deleted(secretsmanager, "db"))


def test_a_secret_comes_back(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_secret_restore", "db")
    secretsmanager.create_secret(Name="db", SecretString="a", Description=DESCRIPTION)
    replayed.says("delete_secret_res", secretsmanager.delete_secret(SecretId="db"))
    replayed.says("restore_secret_res", secretsmanager.restore_secret(SecretId="db"))


def test_versions_that_are_not_there(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_secret_version_not_found", "db")

    def words(**request: str) -> str:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            secretsmanager.get_secret_value(SecretId="db", **request)
        return str(refused.value).replace(" (reached max retries: 0)", "")

    secretsmanager.create_secret(Name="db")
    replayed.says("get_secret_value_no_version_ex", words())
    secretsmanager.put_secret_value(SecretId="db", SecretString="a")
    replayed.says("get_secret_value_version_not_found_ex", words(VersionId="0" * 36))
    replayed.says("get_secret_value_stage_not_found_ex", words(VersionStage="AWSPENDING"))


class Moves:
    """The versions of one secret, each read and listed after each move, as the recordings number the answers."""

    def __init__(self, secretsmanager: Any, replayed: Case) -> None:
        self.secretsmanager = secretsmanager
        self._replayed = replayed
        self._numbers: dict[str, int] = {}
        made = secretsmanager.create_secret(Name="db", SecretString="S1")
        self._says("create_secret_rs", made)
        self.versions = [made["VersionId"]]

    def _says(self, answer: str, ours: Any) -> None:
        number = self._numbers.setdefault(answer, 0)
        self._numbers[answer] += 1
        self._replayed.says(f"{answer}_{number}", ours)

    def put(self, *stages: str) -> None:
        labels = {"VersionStages": list(stages)} if stages else {}
        answer = self.secretsmanager.put_secret_value(SecretId="db", SecretString=f"S{len(self.versions) + 1}", **labels)
        self.versions.append(answer["VersionId"])
        self._says("put_secret_value_res", answer)

    def move(self, source: int, target: int, *, said_as: str = "update_secret_version_stage_res") -> None:
        """AWSCURRENT from one version to another."""
        versions = {"RemoveFromVersionId": self.versions[source], "MoveToVersionId": self.versions[target]}
        self._says(said_as, self.secretsmanager.update_secret_version_stage(SecretId="db", VersionStage="AWSCURRENT", **versions))

    def list(self) -> None:
        self._says("list_secret_version_ids_res", self.secretsmanager.list_secret_version_ids(SecretId="db"))

    def get(self) -> None:
        self._says("get_secret_value_res", self.secretsmanager.get_secret_value(SecretId="db"))

    def delete(self) -> None:
        self._says("delete_secret_res", deleted(self.secretsmanager, "db"))


def test_a_new_current_version_ends_what_was_pending(secretsmanager: Any, case: Any) -> None:
    moves = Moves(secretsmanager, case("test_update_secret_version_stages_current_pending", "db"))
    moves.put("AWSPENDING")
    moves.list()
    moves.move(0, 1)
    moves.list()
    moves.put()
    moves.list()
    moves.delete()


def test_labels_through_two_rotations(secretsmanager: Any, case: Any) -> None:
    moves = Moves(secretsmanager, case("test_update_secret_version_stages_current_pending_cycle", "db"))
    moves.put("AWSPENDING")
    moves.list()
    moves.get()
    moves.move(0, 1)
    moves.list()
    moves.get()
    moves.put("AWSPENDING")
    moves.list()
    moves.get()
    moves.move(1, 2, said_as="put_secret_value_res")
    moves.list()
    moves.get()
    moves.delete()


def test_labels_through_two_rotations_with_labels_of_ones_own(secretsmanager: Any, case: Any) -> None:
    moves = Moves(secretsmanager, case("test_update_secret_version_stages_current_pending_cycle_custom_stages_1", "db"))
    moves.put("AWSPENDING", "AWSSOMETHING", "PUT1")
    moves.list()
    moves.get()
    moves.move(0, 1)
    moves.list()
    moves.get()
    moves.put("AWSPENDING", "PUT2")
    moves.list()
    moves.get()
    moves.move(1, 2)
    moves.list()
    moves.get()
    moves.delete()


def test_a_label_is_taken_off(secretsmanager: Any, case: Any) -> None:
    replayed = case("test_update_secret_version_stages_current_pending_cycle_custom_stages_3", "db")
    made = secretsmanager.create_secret(Name="db", SecretString="SS")
    replayed.says("create_secret_rs", made)
    put = secretsmanager.put_secret_value(SecretId="db", SecretString="S1", VersionStages=["PENDING"])
    replayed.says("put_secret_value_res_0", put)
    replayed.says("list_secret_version_ids_rs", secretsmanager.list_secret_version_ids(SecretId="db"))
    first, second = made["VersionId"], put["VersionId"]

    def read(suffix: str) -> None:
        replayed.says(f"get_secret_value_v1_rs{suffix}", secretsmanager.get_secret_value(SecretId="db", VersionId=first))
        replayed.says(f"get_secret_value_v2_rs{suffix}", secretsmanager.get_secret_value(SecretId="db", VersionId=second))

    read("")
    move = secretsmanager.update_secret_version_stage
    moved = move(SecretId="db", VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=second)
    replayed.says("update_secret_version_stage_res_1", moved)
    read("_1")
    replayed.says("update_secret_version_stage_res_2", move(SecretId="db", VersionStage="PENDING", RemoveFromVersionId=second))
    read("_2")
    replayed.says("delete_secret_res_0", deleted(secretsmanager, "db"))
