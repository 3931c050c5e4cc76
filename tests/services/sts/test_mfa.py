"""The second factor: in a request for a session, and in what policies say of it afterwards.

Truth: "Secure API access with MFA" of IAM's user guide; the sentences are those that users of AWS quote (aws/aws-cli #6325, #2279;
y13i/sgviz #9).
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

Clients = Callable[..., Any]
pytestmark = pytest.mark.http  # the callers are not the root

WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def code_at(seed: str, step: int) -> str:
    """RFC 6238, written a second time."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


class Phone:
    """A user's authenticator. A code is good once, and one step early or late, so each use takes the next step."""

    def __init__(self, aws: Any, user: str) -> None:
        iam = aws.client("iam")
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
        self.serial = device["SerialNumber"]
        self._seed = device["Base32StringSeed"].decode()
        now = int(time.time()) // 30
        pair = {"AuthenticationCode1": code_at(self._seed, now - 2), "AuthenticationCode2": code_at(self._seed, now - 1)}
        iam.enable_mfa_device(UserName=user, SerialNumber=self.serial, **pair)
        self._last = now - 1

    def code(self) -> str:
        self._last += 1
        return code_at(self._seed, self._last)

    def wrong(self) -> str:
        good = {code_at(self._seed, int(time.time()) // 30 + ahead) for ahead in range(-3, 4)}
        return next(f"{number:06d}" for number in range(10) if f"{number:06d}" not in good)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def bob(aws: Any) -> Clients:
    """A user who may list users with a second factor alone."""
    iam = aws.client("iam")
    iam.create_user(UserName="bob")
    rules = document(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": WITH_MFA},
    )
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=rules)
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    return lambda service: aws.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


@pytest.fixture
def role(aws: Any) -> str:
    """A role that asks for a second factor, and whose own rule for listing users does too."""
    iam = aws.client("iam")
    trusted = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": aws.account}, "Condition": WITH_MFA})
    arn: str = iam.create_role(RoleName="guarded", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    rules = document(
        {"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": WITH_MFA},
    )
    iam.put_role_policy(RoleName="guarded", PolicyName="p", PolicyDocument=rules)
    return arn


def signed_by(aws: Any, credentials: dict[str, Any], service: str) -> Any:
    keys = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
    return aws.client(service, **{name: credentials[member] for name, member in keys.items()})


def test_a_session_with_a_second_factor_may_what_asks_for_one(aws: Any, bob: Clients, refused: Any) -> None:
    phone = Phone(aws, "bob")
    with refused("AccessDenied", "iam:ListUsers"):
        bob("iam").list_users()
    credentials = bob("sts").get_session_token(SerialNumber=phone.serial, TokenCode=phone.code())["Credentials"]
    signed_by(aws, credentials, "iam").list_users()


def test_a_role_may_ask_for_a_second_factor(aws: Any, bob: Clients, role: str, refused: Any) -> None:
    phone, sts = Phone(aws, "bob"), bob("sts")
    with refused("AccessDenied", "is not authorized to perform: sts:AssumeRole"):
        sts.assume_role(RoleArn=role, RoleSessionName="session")
    session = sts.assume_role(RoleArn=role, RoleSessionName="session", SerialNumber=phone.serial, TokenCode=phone.code())
    iam = signed_by(aws, session["Credentials"], "iam")
    iam.list_roles()
    with refused("AccessDenied", "iam:ListUsers"):
        iam.list_users()  # credentials of AssumeRole say nothing of the second factor


def test_a_session_with_a_second_factor_assumes_such_a_role(aws: Any, bob: Clients, role: str) -> None:
    phone = Phone(aws, "bob")
    credentials = bob("sts").get_session_token(SerialNumber=phone.serial, TokenCode=phone.code())["Credentials"]
    signed_by(aws, credentials, "sts").assume_role(RoleArn=role, RoleSessionName="session")


def test_a_code_that_is_not_the_devices_is_refused(aws: Any, bob: Clients, refused: Any) -> None:
    phone, sts = Phone(aws, "bob"), bob("sts")
    with refused("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code."):
        sts.get_session_token(SerialNumber=phone.serial, TokenCode=phone.wrong())
    code = phone.code()
    sts.get_session_token(SerialNumber=phone.serial, TokenCode=code)
    with refused("AccessDenied", "invalid MFA one time pass code"):
        sts.get_session_token(SerialNumber=phone.serial, TokenCode=code)  # good once


def test_a_device_must_be_the_callers_own(aws: Any, bob: Clients, refused: Any) -> None:
    aws.client("iam").create_user(UserName="alice")
    phone, sts = Phone(aws, "alice"), bob("sts")
    nowhere = [f"arn:aws:iam::{aws.account}:mfa/nowhere", "arn:aws:iam::999999999999:mfa/bob", "GAHT12345678"]
    for serial in (phone.serial, *nowhere):
        with refused("AccessDenied", "Please verify your MFA serial number is valid and associated with this user."):
            sts.get_session_token(SerialNumber=serial, TokenCode=phone.code())


def test_half_a_second_factor_is_none(bob: Clients, refused: Any) -> None:
    for half in ({"TokenCode": "123456"}, {"SerialNumber": "arn:aws:iam::123456789012:mfa/bob"}):
        with refused("AccessDenied", "must provide both MFA serial number and one time pass code."):
            bob("sts").get_session_token(**half)
