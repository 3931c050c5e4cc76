"""Users who look after their own credentials, and only with a second factor. Truth: the user guide's example of such a policy,
"AWS: Allows MFA-authenticated IAM users to manage their own credentials on the Security credentials page".
"""

import base64
from typing import Any

import pytest

from headwater.services.iam.totp import code_at, step_at
from users import User, allow

pytestmark = pytest.mark.http
OWN = "arn:aws:iam::*:user/${aws:username}"
WITHOUT_A_SECOND_FACTOR = [
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:GetMFADevice",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
]
SELF_SERVICE = (
    allow(["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"]),
    allow(["iam:ChangePassword", "iam:GetUser"], OWN),
    allow(["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys", "iam:UpdateAccessKey"], OWN),
    allow(["iam:ListSSHPublicKeys", "iam:ListSigningCertificates", "iam:ListServiceSpecificCredentials"], OWN),
    allow("iam:CreateVirtualMFADevice", "arn:aws:iam::*:mfa/*"),
    allow(["iam:DeactivateMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"], OWN),
    {
        "Effect": "Deny",
        "NotAction": WITHOUT_A_SECOND_FACTOR,
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    },
)


def test_a_user_sets_up_a_second_factor_and_then_may_look_after_itself(aws: Any, server: Any, refused: Any) -> None:
    aws.client("iam").create_user(UserName="other")
    dev = User(aws, *SELF_SERVICE)
    own = dev.client("iam")
    with refused("AccessDenied", "explicit deny"):
        own.list_access_keys()
    assert own.get_user()["User"]["UserName"] == "dev"
    with refused("AccessDenied", "iam:ListUsers"):
        own.list_users()

    device = own.create_virtual_mfa_device(VirtualMFADeviceName="dev")["VirtualMFADevice"]
    seed = base64.b32decode(device["Base32StringSeed"])
    step = step_at(server.home.clock.machine())
    codes = {"AuthenticationCode1": code_at(seed, step - 2), "AuthenticationCode2": code_at(seed, step - 1)}
    with refused("AccessDenied", "iam:EnableMFADevice"):
        own.enable_mfa_device(UserName="other", SerialNumber=device["SerialNumber"], **codes)
    own.enable_mfa_device(UserName="dev", SerialNumber=device["SerialNumber"], **codes)

    code = code_at(seed, step_at(server.home.clock.machine()))
    session = dev.client("sts").get_session_token(SerialNumber=device["SerialNumber"], TokenCode=code)["Credentials"]
    keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"]}
    proved = aws.client("iam", aws_session_token=session["SessionToken"], **keys)
    assert len(proved.list_access_keys(UserName="dev")["AccessKeyMetadata"]) == 1
    assert proved.list_ssh_public_keys(UserName="dev")["SSHPublicKeys"] == []
    with refused("AccessDenied", "because no identity-based policy allows the iam:ListAccessKeys action"):
        proved.list_access_keys(UserName="other")
    with refused("AccessDenied", "with an explicit deny"):
        own.list_ssh_public_keys(UserName="dev")


def test_an_administrator_who_may_only_make_bounded_users_cannot_get_around_it(aws: Any, refused: Any) -> None:
    # "Permissions boundaries for IAM entities": delegating responsibility to others
    boundary = f"arn:aws:iam::{aws.account}:policy/limit"
    aws.client("iam").create_policy(
        PolicyName="limit", PolicyDocument='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}'
    )
    zhang = User(
        aws, allow(["iam:CreateUser", "iam:PutUserPolicy", "iam:AttachUserPolicy"], StringEquals={"iam:PermissionsBoundary": boundary})
    )
    own = zhang.client("iam")
    with refused("AccessDenied", "iam:CreateUser"):
        own.create_user(UserName="free")
    own.create_user(UserName="bound", PermissionsBoundary=boundary)
    own.attach_user_policy(UserName="bound", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with refused("AccessDenied", "iam:AttachUserPolicy"):
        own.attach_user_policy(UserName="dev", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with refused("AccessDenied", "iam:DeleteUserPermissionsBoundary"):
        own.delete_user_permissions_boundary(UserName="bound")
    simulated = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{aws.account}:user/bound", ActionNames=["s3:GetObject", "sqs:SendMessage"]
    )
    assert [one["EvalDecision"] for one in simulated["EvaluationResults"]] == ["allowed", "implicitDeny"]


def test_only_certain_policies_may_be_attached(aws: Any, refused: Any) -> None:
    # "Control access to managed policies" of the user guide: iam:PolicyARN
    reading = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    own = User(aws, allow("iam:AttachUserPolicy", ArnEquals={"iam:PolicyARN": reading})).client("iam")
    own.attach_user_policy(UserName="dev", PolicyArn=reading)
    with refused("AccessDenied"):
        own.attach_user_policy(UserName="dev", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
