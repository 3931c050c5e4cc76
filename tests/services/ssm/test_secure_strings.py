"""SecureString: sealed by KMS, bound to the parameter. Truth: "How Parameter Store uses AWS KMS" of the KMS developer guide."""

import base64
from typing import Any

import pytest

from users import User, allow


@pytest.fixture
def ssm(aws: Any) -> Any:
    return aws.client("ssm")


@pytest.mark.parametrize("tier", ["Standard", "Advanced"])
def test_a_secure_string_is_answered_sealed_or_opened(ssm: Any, aws: Any, tier: str) -> None:
    long = "s" * (4096 if tier == "Standard" else 8192)
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    for name, more in {"/own": {"KeyId": key}, "/default": {}}.items():
        ssm.put_parameter(Name=name, Value=long, Type="SecureString", Tier=tier, **more)
        sealed = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        assert long.encode() not in base64.b64decode(sealed)
        assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == long
        assert ssm.get_parameters(Names=[name], WithDecryption=True)["Parameters"][0]["Value"] == long
        assert ssm.get_parameters_by_path(Path="/", WithDecryption=True)["Parameters"][-1]["Value"] == long
        history = ssm.get_parameter_history(Name=name, WithDecryption=True)["Parameters"]
        assert (history[0]["Value"], history[0]["KeyId"]) == (long, more.get("KeyId", "alias/aws/ssm"))


def test_the_ciphertext_is_kmss_own_under_the_parameters_arn(ssm: Any, aws: Any, refused: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name="/app/password", Value="s3cret", Type="SecureString", KeyId=key)
    blob = base64.b64decode(ssm.get_parameter(Name="/app/password")["Parameter"]["Value"])
    context = {"PARAMETER_ARN": f"arn:aws:ssm:us-east-1:{aws.account}:parameter/app/password"}
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"s3cret"
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)


def test_a_key_that_is_disabled_is_told_as_the_keys_fault(ssm: Any, aws: Any, refused: Any) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    ssm.put_parameter(Name="/p", Value="v", Type="SecureString", KeyId=key)
    kms.disable_key(KeyId=key)
    with refused("InvalidKeyId"):
        ssm.get_parameter(Name="/p", WithDecryption=True)
    assert ssm.get_parameter(Name="/p")["Parameter"]["Version"] == 1
    with refused("InvalidKeyId"):
        ssm.put_parameter(Name="/p", Value="v", Type="SecureString", KeyId=key, Overwrite=True)


@pytest.mark.http
def test_who_may_read_the_parameter_but_not_use_the_key_gets_no_value(ssm: Any, aws: Any, refused: Any) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name="/p", Value="v", Type="SecureString", KeyId=key)
    reader = User(aws, allow("ssm:GetParameter"))
    assert reader.client("ssm").get_parameter(Name="/p")["Parameter"]["Version"] == 1
    with refused("AccessDeniedException", "kms:Decrypt"):
        reader.client("ssm").get_parameter(Name="/p", WithDecryption=True)
    reader.may(allow("ssm:GetParameter"), allow("kms:Decrypt", key))
    assert reader.client("ssm").get_parameter(Name="/p", WithDecryption=True)["Parameter"]["Value"] == "v"
