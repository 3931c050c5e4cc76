"""Virtual MFA devices show and check real codes. Truth: RFC 6238's test vectors; the API reference; "Assign a virtual MFA device"."""

import base64
import json
import struct
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.services.iam.totp import code_at, pair_at, step_at


def test_codes_are_those_of_rfc_6238() -> None:
    # appendix B, SHA-1: the last six of its eight digits
    seed = b"12345678901234567890"
    for seconds, code in {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"}.items():
        assert code_at(seed, step_at(datetime.fromtimestamp(seconds, UTC))) == code


def test_a_pair_must_follow_each_other_and_be_near() -> None:
    seed = b"seed"
    assert pair_at(seed, code_at(seed, 9), code_at(seed, 10), 10, 2) == 10
    assert pair_at(seed, code_at(seed, 10), code_at(seed, 9), 10, 2) is None
    assert pair_at(seed, code_at(seed, 9), code_at(seed, 10), 20, 2) is None


class Authenticator:
    """What a user holds in the hand: the seed and the machine's time."""

    def __init__(self, made: dict[str, Any], server: Any) -> None:
        self.serial = made["SerialNumber"]
        self._seed = base64.b32decode(made["Base32StringSeed"])
        self._server = server

    def code(self, ahead: int = 0) -> str:
        return code_at(self._seed, step_at(self._server.home.clock.machine()) + ahead)

    def codes(self, ahead: int = 0) -> dict[str, str]:
        return {"AuthenticationCode1": self.code(ahead - 1), "AuthenticationCode2": self.code(ahead)}

    def checked(self, code: str) -> bool:
        async def check() -> bool:
            identity: Any = self._server.home.authorization.identity
            return bool(identity.check_mfa(self.serial.split(":")[4], self.serial, code))

        return bool(self._server.call(check()))


@pytest.fixture
def iam(aws: Any) -> Any:
    client = aws.client("iam")
    client.create_user(UserName="u")
    return client


def made(iam: Any, server: Any, name: str = "phone", **options: Any) -> Authenticator:
    return Authenticator(iam.create_virtual_mfa_device(VirtualMFADeviceName=name, **options)["VirtualMFADevice"], server)


def test_a_device_is_made_with_a_seed_and_a_picture(iam: Any, aws: Any, refused: Any) -> None:
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/p/")["VirtualMFADevice"]
    assert device["SerialNumber"] == f"arn:aws:iam::{aws.account}:mfa/p/phone"
    assert len(base64.b32decode(device["Base32StringSeed"])) == 40
    assert device["QRCodePNG"].startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", device["QRCodePNG"][16:24])
    assert width == height > 100
    with refused("EntityAlreadyExists", "MFADevice entity at the same path and name already exists."):
        iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/p/")
    (listed,) = iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]
    assert listed == {"SerialNumber": device["SerialNumber"]}
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []


def test_two_codes_in_a_row_give_a_device_to_a_user(iam: Any, server: Any, refused: Any) -> None:
    phone = made(iam, server)
    with refused("InvalidAuthenticationCode", "Authentication code for device is not valid."):
        iam.enable_mfa_device(UserName="u", SerialNumber=phone.serial, AuthenticationCode1="000000", AuthenticationCode2="000000")
    iam.enable_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes())
    with refused("EntityAlreadyExists", "MFA Device is already in use."):
        iam.enable_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes())
    (own,) = iam.list_mfa_devices(UserName="u")["MFADevices"]
    assert (own["UserName"], own["SerialNumber"]) == ("u", phone.serial)
    assert iam.get_mfa_device(UserName="u", SerialNumber=phone.serial)["EnableDate"] == own["EnableDate"]
    (listed,) = iam.list_virtual_mfa_devices()["VirtualMFADevices"]
    assert listed["User"]["UserName"] == "u"
    assert iam.get_account_summary()["SummaryMap"]["MFADevicesInUse"] == 1
    with refused("DeleteConflict", "must delete MFA device first"):
        iam.delete_user(UserName="u")
    with refused("DeleteConflict"):
        iam.delete_virtual_mfa_device(SerialNumber=phone.serial)
    iam.deactivate_mfa_device(UserName="u", SerialNumber=phone.serial)
    with refused("NoSuchEntity", "MFA Device invalid for user."):
        iam.deactivate_mfa_device(UserName="u", SerialNumber=phone.serial)
    iam.delete_virtual_mfa_device(SerialNumber=phone.serial)
    with refused("NoSuchEntity", f"VirtualMFADevice with serial number {phone.serial} does not exist."):
        iam.delete_virtual_mfa_device(SerialNumber=phone.serial)


def test_a_code_is_good_once_and_only_for_its_device(iam: Any, server: Any) -> None:
    phone, other = made(iam, server), made(iam, server, "other")
    assert not phone.checked(phone.code())
    for device in (phone, other):
        iam.enable_mfa_device(UserName="u", SerialNumber=device.serial, **device.codes(-1))
    code = phone.code()
    assert not other.checked(code)
    assert phone.checked(code)
    assert not phone.checked(code)
    assert not phone.checked(phone.code(-1))
    assert not phone.checked(phone.code(5))


@pytest.mark.http
def test_a_session_with_a_second_factor_may_what_a_policy_asks_it_for(iam: Any, aws: Any, server: Any, refused: Any) -> None:
    # "Secure API access with MFA" of the user guide: aws:MultiFactorAuthPresent
    strict = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": strict}))
    phone = made(iam, server)
    iam.enable_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes(-1))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    with refused("AccessDenied"):
        aws.client("iam", **keys).list_users()
    sts = aws.client("sts", **keys)
    with refused("AccessDenied", "MultiFactorAuthentication failed"):
        sts.get_session_token(SerialNumber=phone.serial, TokenCode="000000")
    session = sts.get_session_token(SerialNumber=phone.serial, TokenCode=phone.code())["Credentials"]
    keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"]}
    users = aws.client("iam", aws_session_token=session["SessionToken"], **keys).list_users()["Users"]
    assert [user["UserName"] for user in users] == ["u"]


def test_a_device_that_runs_ahead_is_brought_into_step(iam: Any, server: Any, refused: Any) -> None:
    phone = made(iam, server)
    iam.enable_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes(-1))
    assert not phone.checked(phone.code(20))
    iam.resync_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes(20))
    assert phone.checked(phone.code(21))
    with refused("InvalidAuthenticationCode"):
        iam.resync_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes(1000))


def test_devices_have_tags(iam: Any, server: Any) -> None:
    phone = made(iam, server, Tags=[{"Key": "a", "Value": "1"}])
    iam.tag_mfa_device(SerialNumber=phone.serial, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_mfa_device(SerialNumber=phone.serial, TagKeys=["a"])
    assert iam.list_mfa_device_tags(SerialNumber=phone.serial)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_user_has_eight_devices_at_most(iam: Any, server: Any, refused: Any) -> None:
    for number in range(8):
        phone = made(iam, server, f"phone{number}")
        iam.enable_mfa_device(UserName="u", SerialNumber=phone.serial, **phone.codes())
    ninth = made(iam, server, "ninth")
    with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8"):
        iam.enable_mfa_device(UserName="u", SerialNumber=ninth.serial, **ninth.codes())
