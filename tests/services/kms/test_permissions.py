"""Who may use a key: its policy, grants, conditions. Users and roles of IAM call over the wire.

Truth: "Key policies", "Grants in AWS KMS", "Condition keys for AWS KMS" and "AWS managed keys" of the developer guide.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from headwater.aws.faults import Fault
from headwater.kernel.context import Context
from headwater.kernel.identity import root_of

USE = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*"} | one for one in statements]})


@pytest.fixture
def user(aws: Any) -> Callable[..., Any]:
    """`user("bob", {"Action": ...})`: a KMS client of a user with an inline policy of these statements, and the user's ARN."""

    def make(name: str, *statements: dict[str, Any], of: Any = aws) -> tuple[Any, str]:
        iam = of.client("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
        return of.client("kms", **keys), arn

    return make


def the_account(aws: Any) -> dict[str, Any]:
    return {"Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"}, "Action": "kms:*"}


def test_the_default_policy_lets_identity_policies_decide(kms: Any, key: str, user: Any, refused: Any) -> None:
    bob, _ = user("bob", {"Action": "kms:Encrypt", "Resource": key})
    nobody, _ = user("nobody")
    blob = bob.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    assert bob.encrypt(KeyId="alias/app", Plaintext=b"x")["KeyId"] == key
    with refused("AccessDeniedException", "kms:Decrypt", key):
        bob.decrypt(CiphertextBlob=blob)
    with refused("AccessDeniedException", "kms:Encrypt"):
        nobody.encrypt(KeyId=key, Plaintext=b"x")


def test_where_the_policy_does_not_name_the_account_identity_policies_do_not_suffice(
    kms: Any, aws: Any, key: str, user: Any, refused: Any
) -> None:
    bob, bob_arn = user("bob", {"Action": "kms:*"})
    eve, _ = user("eve", {"Action": "kms:*"})
    own = document({"Principal": {"AWS": bob_arn}, "Action": [*USE, "kms:PutKeyPolicy", "kms:GetKeyPolicy"]})
    bob.put_key_policy(KeyId=key, Policy=own)
    blob = bob.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for client in (eve, kms):
        with refused("AccessDeniedException", "no resource-based policy allows the kms:Decrypt action"):
            client.decrypt(CiphertextBlob=blob)
    assert bob.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_policy_that_would_lock_its_writer_out_is_refused(kms: Any, aws: Any, key: str, user: Any, refused: Any) -> None:
    _, bob_arn = user("bob")
    only_bob = document({"Principal": {"AWS": bob_arn}, "Action": "kms:*"})
    for call in (
        lambda **more: kms.put_key_policy(KeyId=key, Policy=only_bob, **more),
        lambda **more: kms.create_key(Policy=only_bob, **more),
    ):
        with refused("MalformedPolicyDocumentException", "will not allow you to update the key policy in the future"):
            call()
        call(BypassPolicyLockoutSafetyCheck=True)


def test_a_policy_names_only_roles_that_are_there(kms: Any, aws: Any, refused: Any) -> None:
    """ "Policy contains a statement with one or more invalid principals": PutKeyPolicy, as users of AWS meet it."""
    role = f"arn:aws:iam::{aws.account}:role/app"
    policy = document(the_account(aws), {"Principal": {"AWS": [role]}, "Action": "kms:Decrypt"})
    with refused("MalformedPolicyDocumentException", "invalid principals"):
        kms.create_key(Policy=policy)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}]}
    aws.client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(trust))
    assert kms.create_key(Policy=policy)["KeyMetadata"]["KeyState"] == "Enabled"


def test_another_account_needs_the_keys_policy_and_its_own(kms: Any, aws: Any, key: str, user: Any, refused: Any) -> None:
    other = aws.other()
    bob, _ = user("bob", {"Action": "kms:*"}, of=other)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for call in (lambda: bob.encrypt(KeyId=key, Plaintext=b"x"), lambda: bob.decrypt(CiphertextBlob=blob)):
        with refused("AccessDeniedException"):
            call()
    kms.put_key_policy(KeyId=key, Policy=document(the_account(aws), {"Principal": {"AWS": other.account}, "Action": "kms:*"}))
    assert bob.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert bob.describe_key(KeyId=key)["KeyMetadata"]["AWSAccountId"] == aws.account
    with refused("NotFoundException"):
        bob.disable_key(KeyId=key)
    other.close()


def test_a_grant_lets_in_until_it_is_revoked(kms: Any, key: str, user: Any, refused: Any) -> None:
    bob, bob_arn = user("bob")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    grant = kms.create_grant(KeyId=key, GranteePrincipal=bob_arn, Operations=["Decrypt"], Name="app")
    assert bob.decrypt(CiphertextBlob=blob, GrantTokens=[grant["GrantToken"]])["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        bob.encrypt(KeyId=key, Plaintext=b"x")
    [listed] = kms.list_grants(KeyId=key, GranteePrincipal=bob_arn)["Grants"]
    assert (listed["GrantId"], listed["Name"], listed["Operations"]) == (grant["GrantId"], "app", ["Decrypt"])
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    with refused("AccessDeniedException"):
        bob.decrypt(CiphertextBlob=blob)
    with refused("NotFoundException"):
        kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    with refused("InvalidGrantIdException"):
        kms.list_grants(KeyId=key, GrantId="none")


@pytest.mark.parametrize(
    ("constraint", "opens"),
    [
        ({"EncryptionContextEquals": {"a": "1"}}, [{"a": "1"}]),
        ({"EncryptionContextSubset": {"a": "1"}}, [{"a": "1"}, {"a": "1", "b": "2"}]),
    ],
)
def test_a_grants_constraint_binds_it_to_contexts(
    kms: Any, key: str, user: Any, refused: Any, constraint: dict[str, Any], opens: list[dict[str, str]]
) -> None:
    bob, bob_arn = user("bob")
    kms.create_grant(KeyId=key, GranteePrincipal=bob_arn, Operations=["Encrypt", "Decrypt", "DescribeKey"], Constraints=constraint)
    assert bob.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    for context in ({}, {"a": "1"}, {"A": "1"}, {"a": "2"}, {"a": "1", "b": "2"}):
        blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
        if context in opens:
            assert bob.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
        else:
            with refused("AccessDeniedException"):
                bob.decrypt(CiphertextBlob=blob, EncryptionContext=context)
            with refused("AccessDeniedException"):
                bob.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)


def test_who_gives_by_a_grant_gives_no_more_than_it_has(kms: Any, aws: Any, key: str, user: Any, refused: Any) -> None:
    """ "Granting CreateGrant permission" of the developer guide."""
    bob, bob_arn = user("bob")
    bound = {"EncryptionContextSubset": {"a": "1"}}
    kms.create_grant(KeyId=key, GranteePrincipal=bob_arn, Operations=["Decrypt", "CreateGrant"], Constraints=bound)
    child = {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{aws.account}:role/app"}
    bob.create_grant(Operations=["Decrypt"], Constraints={"EncryptionContextEquals": {"a": "1", "b": "2"}}, **child)
    for operations, constraints in (
        (["Encrypt"], bound),
        (["Decrypt", "Encrypt"], bound),
        (["Decrypt"], {}),
        (["Decrypt"], {"EncryptionContextSubset": {"b": "2"}}),
    ):
        with refused("AccessDeniedException"):
            bob.create_grant(Operations=operations, Constraints=constraints, **child)


def test_the_same_grant_of_the_same_name_is_given_once(kms: Any, aws: Any, key: str) -> None:
    asked = {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{aws.account}:role/app", "Operations": ["Decrypt"], "Name": "app"}
    one, same = kms.create_grant(**asked), kms.create_grant(**asked)
    assert one["GrantId"] == same["GrantId"]
    assert one["GrantToken"] != same["GrantToken"]
    assert kms.create_grant(**(asked | {"Operations": ["Encrypt"]}))["GrantId"] != one["GrantId"]
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 2


def test_a_grant_is_retired_by_whom_it_names(kms: Any, aws: Any, key: str, user: Any, refused: Any) -> None:
    bob, bob_arn = user("bob")
    eve, _ = user("eve")
    asked = {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{aws.account}:role/app", "Operations": ["Decrypt"]}
    first = kms.create_grant(RetiringPrincipal=bob_arn, **asked)
    second = kms.create_grant(RetiringPrincipal=bob_arn, **asked)
    third = kms.create_grant(**asked)
    assert len(kms.list_retirable_grants(RetiringPrincipal=bob_arn)["Grants"]) == 2
    with refused("AccessDeniedException"):
        eve.retire_grant(GrantToken=first["GrantToken"])
    with refused("AccessDeniedException"):
        bob.retire_grant(GrantToken=third["GrantToken"])
    bob.retire_grant(GrantToken=first["GrantToken"])
    bob.retire_grant(KeyId=key, GrantId=second["GrantId"])
    kms.retire_grant(GrantToken=third["GrantToken"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    with refused("InvalidGrantTokenException"):
        kms.retire_grant(GrantToken="bm90aGluZw==")
    with refused("ValidationException"):
        kms.retire_grant(GrantId=first["GrantId"])


def test_grants_that_cannot_be_given(kms: Any, aws: Any, key: str, refused: Any) -> None:
    with refused("ValidationException", "Sign"):
        kms.create_grant(KeyId=key, GranteePrincipal=aws.account, Operations=["Sign"])
    with refused("ValidationException", "GranteePrincipal"):
        kms.create_grant(KeyId=key, Operations=["Decrypt"])
    with refused("DryRunOperationException"):
        kms.create_grant(KeyId=key, GranteePrincipal=aws.account, Operations=["Decrypt"], DryRun=True)
    assert kms.list_grants(KeyId=key)["Grants"] == []


@pytest.mark.parametrize(
    ("condition", "allowed", "denied"),
    [
        ({"StringEquals": {"kms:EncryptionContext:App": "shop"}}, {"app": "shop"}, {"app": "other"}),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["app"]}}, {"app": "x"}, {"app": "x", "b": "y"}),
        ({"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "a/b"}}, {"aws:s3:arn": "a/b"}, {"aws:s3:arn": "a"}),
    ],
)
def test_conditions_on_the_context(
    key: str, user: Any, refused: Any, condition: dict[str, Any], allowed: dict[str, str], denied: dict[str, str]
) -> None:
    bob, _ = user("bob", {"Action": "kms:Encrypt", "Condition": condition})
    assert bob.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=allowed)["KeyId"] == key
    with refused("AccessDeniedException"):
        bob.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=denied)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"kms:RequestAlias": "alias/app"}},
        {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}},
        {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyUsage": "ENCRYPT_DECRYPT", "kms:KeyOrigin": "AWS_KMS"}},
        {"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, "Bool": {"kms:MultiRegion": "false"}},
        {"StringEquals": {"aws:ResourceTag/team": "shop"}, "Null": {"kms:ViaService": "true"}},
        {"Null": {"kms:MultiRegionKeyType": "true", "kms:MessageType": "true", "kms:ReEncryptOnSameKey": "true"}},
        {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "false", "kms:GrantIsForAWSResource": "false"}},
    ],
)
def test_conditions_on_the_key(kms: Any, aws: Any, user: Any, refused: Any, condition: dict[str, Any]) -> None:
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "shop"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    bob, _ = user("bob", {"Action": "kms:Encrypt", "Condition": condition | {"StringLike": {"kms:CallerAccount": aws.account}}})
    assert bob.encrypt(KeyId="alias/app", Plaintext=b"x")["CiphertextBlob"]
    eve, _ = user("eve", {"Action": "kms:Encrypt", "Condition": condition | {"StringLike": {"kms:CallerAccount": "1"}}})
    with refused("AccessDeniedException"):
        eve.encrypt(KeyId="alias/app", Plaintext=b"x")


def test_conditions_on_what_is_asked(kms: Any, aws: Any, key: str, user: Any, refused: Any) -> None:
    bob, _ = user(
        "bob",
        {"Action": "kms:CreateGrant", "Condition": {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]}}},
        {"Action": "kms:ScheduleKeyDeletion", "Condition": {"NumericGreaterThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "20"}}},
        {"Action": "kms:ReEncrypt*", "Condition": {"Bool": {"kms:ReEncryptOnSameKey": "true"}}},
    )
    grantee = f"arn:aws:iam::{aws.account}:role/app"
    bob.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
    with refused("AccessDeniedException"):
        bob.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt", "Encrypt"])
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    bob.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key, DestinationEncryptionContext={"a": "b"})
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    with refused("AccessDeniedException"):
        bob.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)
    with refused("AccessDeniedException"):
        bob.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    bob.schedule_key_deletion(KeyId=key, PendingWindowInDays=21)


def test_a_service_is_let_in_by_a_grant(kms: Any, aws: Any, server: Any, key: str) -> None:
    async def as_service() -> Any:
        ctx = Context(server.home, account=aws.account, region="us-east-1", principal=root_of(aws.account), service="rds")
        return (await ctx.client("kms", service_principal="rds").generate_data_key(KeyId=key, KeySpec="AES_256"))["KeyId"]

    with pytest.raises(Fault, match="no resource-based policy allows"):
        server.call(as_service())
    kms.create_grant(KeyId=key, GranteeServicePrincipal="rds.amazonaws.com", Operations=["GenerateDataKey"])
    assert server.call(as_service()) == key
    [listed] = kms.list_grants(KeyId=key, GranteeServicePrincipal="rds.amazonaws.com")["Grants"]
    assert listed["GranteeServicePrincipal"] == "rds.amazonaws.com"


def test_awss_own_key_is_made_once_by_many_at_once(aws: Any, server: Any) -> None:
    async def at_once() -> set[str]:
        ctx = Context(server.home, account=aws.account, region="us-east-1", principal=root_of(aws.account), service="rds")
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(ctx.client("kms").describe_key(KeyId="alias/aws/rds")) for _ in range(20)]
        return {task.result()["KeyMetadata"]["KeyId"] for task in asked}

    assert len(server.call(at_once())) == 1


def test_awss_own_keys_are_used_through_their_service_alone(kms: Any, aws: Any, server: Any, refused: Any) -> None:
    """Even by the account's root, as "AWS managed keys" says; S3 calls in the name of whoever called S3."""
    with refused("AccessDeniedException", "no resource-based policy allows the kms:GenerateDataKey action"):
        kms.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")

    async def through(service: str) -> Any:
        ctx = Context(server.home, account=aws.account, region="us-east-1", principal=root_of(aws.account), service=service)
        client = ctx.client("kms")
        made = await client.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")
        return made["Plaintext"] == (await client.decrypt(CiphertextBlob=made["CiphertextBlob"]))["Plaintext"]

    assert server.call(through("s3"))
    with pytest.raises(Fault, match="no resource-based policy allows"):
        server.call(through("secretsmanager"))
