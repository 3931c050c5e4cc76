"""Who may read a secret: its tags, its policy, a second factor, its key. Users of IAM call over the wire.

Truth: scenario S4 (post 4); "Permissions policy examples", "Control access to secrets using attribute-based access control" and
"Secret encryption and decryption" of the user guide.
"""

import base64
import hmac
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.http  # the callers are not the root


def allow(actions: str | list[str], resource: str = "*", effect: str = "Allow", **condition: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": effect, "Action": actions, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_the_least_privilege_of_the_post(aws: Any, secretsmanager: Any, refused: Any) -> None:
    name = "Applications/MyApp/MySQL-RDS-Database"
    secretsmanager.create_secret(Name=name, SecretString="s3cret")
    secretsmanager.create_secret(Name="other", SecretString="other")
    arn = f"arn:aws:secretsmanager:us-east-1:{aws.account}:secret:{name}"
    app = aws.user(allow("secretsmanager:GetSecretValue", f"{arn}-??????"), name="app").client("secretsmanager")
    assert app.get_secret_value(SecretId=name)["SecretString"] == "s3cret"
    for operation, request in (
        ("get_secret_value", {"SecretId": "other"}),
        ("put_secret_value", {"SecretId": name, "SecretString": "mine"}),
        ("describe_secret", {"SecretId": name}),
        ("list_secrets", {}),
        ("get_secret_value", {"SecretId": "nowhere"}),
    ):
        with refused("AccessDeniedException", "is not authorized to perform: secretsmanager:"):
            getattr(app, operation)(**request)
    as_printed = aws.user(allow("secretsmanager:GetSecretValue", arn), name="printed").client("secretsmanager")
    with refused("AccessDeniedException", "because no identity-based policy allows the secretsmanager:GetSecretValue action"):
        as_printed.get_secret_value(SecretId=name)


@pytest.mark.parametrize("key", ["secretsmanager:ResourceTag/env", "aws:ResourceTag/env"])
def test_tags_say_who_may_read(aws: Any, secretsmanager: Any, refused: Any, key: str) -> None:
    secretsmanager.create_secret(Name="dev", SecretString="a", Tags=[{"Key": "env", "Value": "dev"}])
    secretsmanager.create_secret(Name="prod", SecretString="b", Tags=[{"Key": "env", "Value": "prod"}])
    user = aws.user(allow("secretsmanager:GetSecretValue", StringEquals={key: "dev"})).client("secretsmanager")
    assert user.get_secret_value(SecretId="dev")["SecretString"] == "a"
    with refused("AccessDeniedException"):
        user.get_secret_value(SecretId="prod")
    secretsmanager.tag_resource(SecretId="prod", Tags=[{"Key": "env", "Value": "dev"}])
    assert user.get_secret_value(SecretId="prod")["SecretString"] == "b"


CONDITIONS = {
    "the stage": ("secretsmanager:VersionStage", "AWSCURRENT", "get_secret_value", {}, {"VersionStage": "AWSPREVIOUS"}),
    "the version": ("secretsmanager:VersionId", "1" * 32, "get_secret_value", {"VersionId": "1" * 32}, {"VersionId": "2" * 32}),
    "the description": ("secretsmanager:Description", "ok", "update_secret", {"Description": "ok"}, {"Description": "no"}),
    "the window": ("secretsmanager:RecoveryWindowInDays", "30", "delete_secret", {"RecoveryWindowInDays": 30}, {"RecoveryWindowInDays": 7}),
    "no force": (
        "secretsmanager:ForceDeleteWithoutRecovery",
        "false",
        "delete_secret",
        {"RecoveryWindowInDays": 30},
        {"ForceDeleteWithoutRecovery": True},
    ),
    "tagged alike": (
        "aws:RequestTag/env",
        "dev",
        "tag_resource",
        {"Tags": [{"Key": "env", "Value": "dev"}]},
        {"Tags": [{"Key": "env", "Value": "x"}]},
    ),
    "no public policy": (
        "secretsmanager:BlockPublicPolicy",
        "true",
        "put_resource_policy",
        {"ResourcePolicy": document(allow("secretsmanager:*") | {"Principal": {"AWS": "123456789012"}}), "BlockPublicPolicy": True},
        {"ResourcePolicy": document(allow("secretsmanager:*") | {"Principal": {"AWS": "123456789012"}})},
    ),
    "where to": (
        "secretsmanager:AddReplicaRegions",
        "eu-west-1",
        "replicate_secret_to_regions",
        {"AddReplicaRegions": [{"Region": "eu-west-1"}]},
        {"AddReplicaRegions": [{"Region": "us-west-2"}]},
    ),
    "where from": ("secretsmanager:SecretPrimaryRegion", "us-east-1", "describe_secret", {}, None),
    "no rotation": ("secretsmanager:resource/AllowRotationLambdaArn", "arn:aws:lambda:us-east-1:1:function:f", "describe_secret", None, {}),
}


@pytest.mark.parametrize(("key", "value", "operation", "good", "bad"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(
    aws: Any,
    secretsmanager: Any,
    refused: Any,
    key: str,
    value: str,
    operation: str,
    good: dict[str, Any] | None,
    bad: dict[str, Any] | None,
) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a", ClientRequestToken="2" * 32)
    secretsmanager.put_secret_value(SecretId="db", SecretString="b", ClientRequestToken="1" * 32)
    user = aws.user(allow("secretsmanager:*", StringEquals={key: value})).client("secretsmanager")
    if bad is not None:
        with refused("AccessDeniedException"):
            getattr(user, operation)(SecretId="db", **bad)
    if good is not None:
        getattr(user, operation)(SecretId="db", **good)


def test_what_may_be_created(aws: Any, refused: Any) -> None:
    by_name = aws.user(allow("secretsmanager:CreateSecret", StringLike={"secretsmanager:Name": "team/*"}), name="named").client(
        "secretsmanager"
    )
    by_name.create_secret(Name="team/a", SecretString="a")
    with refused("AccessDeniedException"):
        by_name.create_secret(Name="other", SecretString="a")
    with refused("AccessDeniedException", "secretsmanager:TagResource"):
        by_name.create_secret(Name="team/b", Tags=[{"Key": "a", "Value": "b"}])
    creates = allow(["secretsmanager:CreateSecret", "secretsmanager:TagResource"], StringEquals={"aws:RequestTag/env": "dev"})
    by_tag = aws.user(creates, name="tagged").client("secretsmanager")
    by_tag.create_secret(Name="c", Tags=[{"Key": "env", "Value": "dev"}])
    with refused("AccessDeniedException"):
        by_tag.create_secret(Name="d", Tags=[{"Key": "env", "Value": "prod"}])
    by_key = aws.user(allow("secretsmanager:CreateSecret", StringEquals={"secretsmanager:KmsKeyId": "alias/app"}), name="keyed")
    with refused("AccessDeniedException"):
        by_key.client("secretsmanager").create_secret(Name="e")


def test_another_account_reads_where_the_secret_its_key_and_its_own_policies_let_it(aws: Any, secretsmanager: Any, refused: Any) -> None:
    other = aws.other()
    reads = allow(["secretsmanager:GetSecretValue", "kms:Decrypt"])
    user = other.user(reads)
    reader = user.client("secretsmanager")
    key_policy = document(
        allow("kms:*") | {"Principal": {"AWS": aws.account}},
        allow(["kms:Decrypt", "kms:DescribeKey"]) | {"Principal": {"AWS": other.account}},
    )
    key = aws.client("kms").create_key(Policy=key_policy)["KeyMetadata"]["Arn"]
    shared = secretsmanager.create_secret(Name="shared", SecretString="a", KmsKeyId=key)["ARN"]
    plain = secretsmanager.create_secret(Name="plain", SecretString="a")["ARN"]
    with refused("AccessDeniedException"):
        reader.get_secret_value(SecretId=shared)
    policy = document(allow("secretsmanager:GetSecretValue") | {"Principal": {"AWS": user.arn}})
    for name in ("shared", "plain"):
        secretsmanager.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    assert reader.get_secret_value(SecretId=shared)["SecretString"] == "a"
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.get_secret_value(SecretId=plain)  # AWS's own key is for its account alone
    with refused("AccessDeniedException"):
        reader.put_secret_value(SecretId=shared, SecretString="b")
    with refused("ResourceNotFoundException"):
        other.client("secretsmanager").get_secret_value(SecretId="shared")


def test_a_policy_of_the_secret_forbids_what_identity_policies_allow(aws: Any, secretsmanager: Any, refused: Any) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    user = aws.user(allow("secretsmanager:*"))
    deny = allow("secretsmanager:GetSecretValue", effect="Deny") | {"Principal": {"AWS": user.arn}}
    secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=document(deny))
    with refused("AccessDeniedException", "with an explicit deny in a resource-based policy"):
        user.client("secretsmanager").get_secret_value(SecretId="db")
    nobody = aws.user(name="nobody")
    let_in = allow("secretsmanager:GetSecretValue") | {"Principal": {"AWS": nobody.arn}}
    secretsmanager.put_resource_policy(SecretId="db", ResourcePolicy=document(let_in))
    assert nobody.client("secretsmanager").get_secret_value(SecretId="db")["SecretString"] == "a"


class Phone:
    """A user's authenticator, RFC 6238."""

    def __init__(self, aws: Any, user: str) -> None:
        iam = aws.client("iam")
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
        self.serial, self._seed = device["SerialNumber"], base64.b32decode(device["Base32StringSeed"])
        self._step = int(time.time()) // 30 - 2
        pair = {"AuthenticationCode1": self.code(), "AuthenticationCode2": self.code()}
        iam.enable_mfa_device(UserName=user, SerialNumber=self.serial, **pair)

    def code(self) -> str:
        digest = hmac.digest(self._seed, self._step.to_bytes(8, "big"), "sha1")
        self._step += 1
        start = digest[-1] & 15
        return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


def test_a_production_credential_wants_a_second_factor(aws: Any, secretsmanager: Any, refused: Any) -> None:
    secretsmanager.create_secret(Name="prod", SecretString="a")
    without = allow("secretsmanager:GetSecretValue", effect="Deny", BoolIfExists={"aws:MultiFactorAuthPresent": "false"})
    user = aws.user(allow(["secretsmanager:*", "sts:*"]), without)
    phone = Phone(aws, "dev")
    with_key = user.client("secretsmanager")
    session = user.client("sts").get_session_token(SerialNumber=phone.serial, TokenCode=phone.code())["Credentials"]
    plain = user.client("sts").get_session_token()["Credentials"]

    def client(credentials: dict[str, Any]) -> Any:
        return aws.client(
            "secretsmanager",
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    assert client(session).get_secret_value(SecretId="prod")["SecretString"] == "a"
    with refused("AccessDeniedException", "explicit deny"):
        client(plain).get_secret_value(SecretId="prod")
    only_with = allow("secretsmanager:GetSecretValue", Bool={"aws:MultiFactorAuthPresent": "true"})
    aws.client("iam").put_user_policy(UserName="dev", PolicyName="own", PolicyDocument=document(only_with))
    assert client(session).get_secret_value(SecretId="prod")["SecretString"] == "a"
    with refused("AccessDeniedException"):
        with_key.get_secret_value(SecretId="prod")


def test_a_batch_tells_what_may_not_be_read(aws: Any, secretsmanager: Any, refused: Any) -> None:
    mine = secretsmanager.create_secret(Name="mine", SecretString="a")["ARN"]
    secretsmanager.create_secret(Name="theirs", SecretString="b")
    batches, reads = allow("secretsmanager:BatchGetSecretValue"), allow("secretsmanager:GetSecretValue", mine)
    user = aws.user(batches, reads).client("secretsmanager")
    read = user.batch_get_secret_value(SecretIdList=["mine", "theirs"])
    assert [value["Name"] for value in read["SecretValues"]] == ["mine"]
    assert [(error["SecretId"], error["ErrorCode"]) for error in read["Errors"]] == [("theirs", "AccessDeniedException")]
    with refused("AccessDeniedException", "secretsmanager:ListSecrets"):
        user.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["m"]}])


def test_the_key_decides_too(aws: Any, secretsmanager: Any, refused: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    secretsmanager.create_secret(Name="db", SecretString="a", KmsKeyId=key)
    secretsmanager.create_secret(Name="plain", SecretString="b")
    assert secretsmanager.describe_secret(SecretId="db")["KmsKeyId"] == key
    assert secretsmanager.list_secret_version_ids(SecretId="db")["Versions"][0]["KmsKeyIds"] == [key]
    reads = allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"])
    user = aws.user(reads)
    reader = user.client("secretsmanager")
    assert reader.get_secret_value(SecretId="plain")["SecretString"] == "b"
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.get_secret_value(SecretId="db")
    via = {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com", "kms:EncryptionContext:SecretVersionId": "9" * 32}

    def put(*statements: dict[str, Any]) -> None:
        aws.client("iam").put_user_policy(UserName="dev", PolicyName="own", PolicyDocument=document(reads, *statements))

    put(allow("kms:Decrypt", key, StringEquals=via))
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.get_secret_value(SecretId="db")
    put(allow("kms:Decrypt", key, StringEquals={"kms:ViaService": via["kms:ViaService"]}))
    assert reader.get_secret_value(SecretId="db")["SecretString"] == "a"
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.put_secret_value(SecretId="db", SecretString="b")  # kms:GenerateDataKey is another permission
    put(allow("kms:GenerateDataKey", key))
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.put_secret_value(SecretId="db", SecretString="b")  # and who cannot read does not write
    put(allow(["kms:GenerateDataKey", "kms:Decrypt"], key))
    reader.put_secret_value(SecretId="db", SecretString="b")
    put(allow("kms:*", key, effect="Deny"))
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        reader.get_secret_value(SecretId="db")  # what was read a moment ago is asked again once a policy has changed


def test_a_key_out_of_use_opens_and_closes_nothing(aws: Any, secretsmanager: Any, refused: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    secretsmanager.create_secret(Name="db", SecretString="a", KmsKeyId=key)
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
    kms.disable_key(KeyId=key)
    with refused("DecryptionFailure"):
        secretsmanager.get_secret_value(SecretId="db")
    with refused("EncryptionFailure"):
        secretsmanager.put_secret_value(SecretId="db", SecretString="b")
    with refused("EncryptionFailure"):
        secretsmanager.create_secret(Name="other", SecretString="b", KmsKeyId="alias/nothing")
    kms.enable_key(KeyId=key)
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
    updated = secretsmanager.update_secret(SecretId="db", KmsKeyId="alias/aws/secretsmanager")
    assert updated["Name"] == "db"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
    secretsmanager.update_secret(SecretId="db", KmsKeyId="")
    assert "KmsKeyId" not in secretsmanager.describe_secret(SecretId="db")


def test_who_may_not_use_the_new_key_leaves_old_versions_under_the_old(aws: Any, secretsmanager: Any, refused: Any) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    secretsmanager.create_secret(Name="db", SecretString="a")
    user = aws.user(allow("secretsmanager:*")).client("secretsmanager")
    user.update_secret(SecretId="db", KmsKeyId=key)
    assert secretsmanager.describe_secret(SecretId="db")["KmsKeyId"] == key
    assert secretsmanager.list_secret_version_ids(SecretId="db")["Versions"][0]["KmsKeyIds"] == ["DefaultEncryptionKey"]
    assert user.get_secret_value(SecretId="db")["SecretString"] == "a"
    secretsmanager.put_secret_value(SecretId="db", SecretString="b")
    with refused("AccessDeniedException", "Access to KMS is not allowed"):
        user.get_secret_value(SecretId="db")


def test_a_value_is_nowhere_in_the_clear_on_disk(start_server: Any, tmp_path: Path, account_on: Any) -> None:
    server = start_server()
    client = account_on(server, "123456789012").client("secretsmanager")
    marks = ["quince-marmalade-4711", "binary-quince-0815"]
    client.create_secret(Name="a", SecretString=marks[0], Description="seen")
    client.put_secret_value(SecretId="a", SecretBinary=marks[1].encode())
    assert client.get_secret_value(SecretId="a")["SecretBinary"] == marks[1].encode()
    server.stop()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert b"seen" in kept
    assert not [mark for mark in marks if mark.encode() in kept or base64.b64encode(mark.encode()) in kept]
    again = start_server()
    client = account_on(again, "123456789012").client("secretsmanager")
    assert client.get_secret_value(SecretId="a", VersionStage="AWSPREVIOUS")["SecretString"] == marks[0]


def test_a_value_that_is_remembered_is_asked_for_again_when_time_is_moved(secretsmanager: Any, clock: Any) -> None:
    secretsmanager.create_secret(Name="db", SecretString="a")
    for _ in range(3):
        assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
    clock.advance(timedelta(hours=1))
    assert secretsmanager.get_secret_value(SecretId="db")["SecretString"] == "a"
