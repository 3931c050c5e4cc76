"""Keys, names and tags over the wire with boto3.

Truth: the KMS API reference (members, defaults, limits, key states) and the recorded answers (recordings/kms.json, replayed in
tests/recordings/test_kms.py); sentences that neither has are our reading.
"""

import json
from typing import Any

import pytest

NOBODY = "0b0f4a7c-1111-4222-8333-123456789abc"


def test_a_key_is_found_by_its_id_its_arn_and_its_names(kms: Any, aws: Any, key: str) -> None:
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    arn = f"arn:aws:kms:us-east-1:{aws.account}:alias/app"
    found = [kms.describe_key(KeyId=named)["KeyMetadata"]["Arn"] for named in (key, key.split("/")[1], "alias/app", arn)]
    assert found == [key] * 4


@pytest.mark.parametrize(
    ("named", "code", "words"),
    [
        ("nonsense", "NotFoundException", "Invalid keyId 'nonsense'"),
        (NOBODY, "NotFoundException", f"key/{NOBODY}' does not exist"),
        ("alias/none", "NotFoundException", "alias/none is not found."),
        ("arn:aws:kms:eu-west-1:ACCOUNT:key/" + NOBODY, "NotFoundException", "Invalid arn eu-west-1"),
        ("arn:aws:s3:::bucket", "InvalidArnException", "Invalid arn"),
    ],
)
def test_what_is_not_there_is_said(kms: Any, aws: Any, refused: Any, named: str, code: str, words: str) -> None:
    named = named.replace("ACCOUNT", aws.account)
    with refused(code, words):
        kms.describe_key(KeyId=named)
    with refused(code, words):
        kms.encrypt(KeyId=named, Plaintext=b"x")


def test_keys_and_names_come_in_pages(kms: Any) -> None:
    made = sorted(kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5))
    for number, one in enumerate(made):
        kms.create_alias(AliasName=f"alias/n{number}", TargetKeyId=one)
    first = kms.list_keys(Limit=3)
    assert (len(first["Keys"]), first["Truncated"]) == (3, True)
    rest = kms.list_keys(Marker=first["NextMarker"])
    assert ([one["KeyId"] for one in first["Keys"] + rest["Keys"]], rest["Truncated"]) == (made, False)
    pages = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2})
    assert [alias["AliasName"] for page in pages for alias in page["Aliases"]] == [f"alias/n{number}" for number in range(5)]
    [own] = kms.list_aliases(KeyId=made[1])["Aliases"]
    assert (own["AliasName"], own["TargetKeyId"]) == ("alias/n1", made[1])


def test_a_marker_that_no_page_gave_is_refused(kms: Any, refused: Any) -> None:
    with refused("InvalidMarkerException"):
        kms.list_keys(Marker="ö")


def test_a_name_moves_to_a_key_of_its_kind_and_goes(kms: Any, key: str, refused: Any) -> None:
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    with refused("AlreadyExistsException", "alias/app already exists"):
        kms.create_alias(AliasName="alias/app", TargetKeyId=other)
    blob = kms.encrypt(KeyId="alias/app", Plaintext=b"old")["CiphertextBlob"]
    kms.update_alias(AliasName="alias/app", TargetKeyId=other)
    assert kms.describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"] == other
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == key
    with refused("ValidationException", "another kind of key"):
        kms.update_alias(AliasName="alias/app", TargetKeyId=mac)
    kms.delete_alias(AliasName="alias/app")
    with refused("NotFoundException", "alias/app is not found."):
        kms.delete_alias(AliasName="alias/app")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app", "ValidationException"),
        ("alias/", "ValidationException"),
        ("alias/aws/mine", "NotAuthorizedException"),
        ("alias/a:b", "ValidationException"),
    ],
)
def test_names_that_cannot_be_given(kms: Any, key: str, refused: Any, name: str, code: str) -> None:
    with refused(code):
        kms.create_alias(AliasName=name, TargetKeyId=key)


def test_a_name_does_not_name_a_name(kms: Any, key: str, refused: Any) -> None:
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
        kms.create_alias(AliasName="alias/other", TargetKeyId="alias/app")


def test_awss_own_key_is_made_when_it_is_first_named(kms: Any, key: str, refused: Any) -> None:
    made = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    assert (made["KeyManager"], made["Description"]) == (
        "AWS",
        "Default key that protects my Secrets Manager data when no other key is defined",
    )
    assert kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]["KeyId"] == made["KeyId"]
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"] != made["Arn"]
    assert [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]] == ["alias/aws/s3", "alias/aws/secretsmanager"]
    assert json.loads(kms.get_key_policy(KeyId=made["KeyId"])["Policy"])["Id"] == "auto-secretsmanager-2"
    for call in (kms.disable_key, kms.enable_key):
        with refused("AccessDeniedException", "resource-based policy allows"):
            call(KeyId=made["KeyId"])
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/aws/nosuchservice")


def test_a_disabled_key_refuses_all_cryptography_until_it_is_enabled(kms: Any, key: str, refused: Any) -> None:
    """ "Key states of KMS keys" of the developer guide."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    described = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (described["KeyState"], described["Enabled"]) == ("Disabled", False)
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.decrypt(CiphertextBlob=blob, KeyId=key),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key),
    ):
        with refused("DisabledException", f"{key} is disabled."):
            call()
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_the_last_use_of_a_key_is_known(kms: Any, key: str) -> None:
    """GetKeyLastUsage of the API reference; the trail's event id is not known here."""
    unused = kms.get_key_last_usage(KeyId=key)
    assert (unused["KeyLastUsage"], unused["KeyCreationDate"]) == ({}, unused["TrackingStartDate"])
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob)
    kms.describe_key(KeyId=key)
    last = kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]
    assert last["Operation"] == "Decrypt"
    assert last["Timestamp"] >= unused["KeyCreationDate"]


def test_what_a_key_is_for_can_be_said_anew(kms: Any, key: str) -> None:
    kms.update_key_description(KeyId=key, Description="orders")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "orders"


def test_tags_come_and_go(kms: Any, refused: Any) -> None:
    key = kms.create_key(Tags=[{"TagKey": "b", "TagValue": "1"}])["KeyMetadata"]["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": "3"}])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": "3"}]
    kms.untag_resource(KeyId=key, TagKeys=["a", "none"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "3"}]
    with refused("TagException", "Too many tags"):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": f"t{number}", "TagValue": ""} for number in range(50)])


def test_a_key_has_one_policy_called_default(kms: Any, aws: Any, key: str, refused: Any) -> None:
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    [statement] = json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"AWS": f"arn:aws:iam::{aws.account}:root"}, "kms:*")
    own = json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Sid": "own"}]})
    kms.put_key_policy(KeyId=key, Policy=own)
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == own
    with refused("NotFoundException", "No such policy exists"):
        kms.get_key_policy(KeyId=key, PolicyName="other")
    for wrong in ("{", '{"Statement": []}', json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*"}})):
        with refused("MalformedPolicyDocumentException"):
            kms.put_key_policy(KeyId=key, Policy=wrong)


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ({"KeySpec": "RSA_2048"}, "ValidationException", "You must specify a KeyUsage value"),
        ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException", "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, "ValidationException", "is not compatible with KeySpec HMAC_256"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "ValidationException", "deprecated"),
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", "SM2"),
        ({"Description": "d" * 8193}, "ValidationException", "length less than or equal to 8192"),
    ],
)
def test_keys_that_cannot_be_made(kms: Any, refused: Any, request_: dict[str, Any], code: str, words: str) -> None:
    with refused(code, words):
        kms.create_key(**request_)
