"""Passwords are really checked. Truth: "Set an account password policy for IAM users" and the API reference of each operation."""

from datetime import timedelta
from typing import Any

import pytest

from headwater.services.iam.passwords import LoginProfile, PasswordPolicy, next_rotation

GOOD = "Correct-horse-1"


@pytest.fixture
def iam(aws: Any) -> Any:
    client = aws.client("iam")
    client.create_user(UserName="u")
    return client


def as_user(aws: Any, iam: Any, service: str = "iam") -> Any:
    key = iam.create_access_key(UserName="u")["AccessKey"]
    return aws.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def test_a_login_profile_is_made_found_changed_and_deleted(iam: Any, refused: Any) -> None:
    with refused("NoSuchEntity", "Login Profile for User u cannot be found."):
        iam.get_login_profile(UserName="u")
    made = iam.create_login_profile(UserName="u", Password=GOOD, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == ("u", True)
    with refused("EntityAlreadyExists", "Login Profile for User u already exists."):
        iam.create_login_profile(UserName="u", Password=GOOD)
    iam.update_login_profile(UserName="u", PasswordResetRequired=False)
    assert iam.get_login_profile(UserName="u")["LoginProfile"]["PasswordResetRequired"] is False
    with refused("DeleteConflict", "Cannot delete entity, must delete login profile first."):
        iam.delete_user(UserName="u")
    iam.delete_login_profile(UserName="u")
    with refused("NoSuchEntity"):
        iam.delete_login_profile(UserName="u")
    with refused("NoSuchEntity"):
        iam.update_login_profile(UserName="u", Password=GOOD)
    iam.delete_user(UserName="u")


def test_a_user_changes_its_own_password_if_it_knows_the_old_one_and_is_allowed(aws: Any, iam: Any, refused: Any) -> None:
    iam.create_login_profile(UserName="u", Password=GOOD, PasswordResetRequired=True)
    own = as_user(aws, iam)
    change = {"OldPassword": GOOD, "NewPassword": "Battery-staple-2"}
    with refused("AccessDenied", "iam:ChangePassword"):
        own.change_password(**change)
    iam.update_account_password_policy(AllowUsersToChangePassword=True)
    with refused("AccessDenied", "The old password was incorrect."):
        own.change_password(**change | {"OldPassword": "something else"})
    own.change_password(**change)
    assert own.get_account_password_policy()["PasswordPolicy"]["AllowUsersToChangePassword"]
    assert iam.get_login_profile(UserName="u")["LoginProfile"]["PasswordResetRequired"] is False
    with refused("AccessDenied", "The old password was incorrect."):
        own.change_password(**change)
    with refused("InvalidUserType"):
        iam.change_password(**change)


def test_the_default_rules_want_eight_characters_of_three_kinds(iam: Any, refused: Any) -> None:
    for password in ("Short-1", "onlylowercase", "lower-and-symbols"):
        with refused("PasswordPolicyViolation", "Password does not conform to the account password policy."):
            iam.create_login_profile(UserName="u", Password=password)
    iam.create_login_profile(UserName="u", Password="lower-and-2")


def test_the_accounts_own_rules_replace_the_default_ones(iam: Any, refused: Any) -> None:
    with refused("NoSuchEntity", "The Password Policy with domain name"):
        iam.get_account_password_policy()
    with refused("NoSuchEntity"):
        iam.delete_account_password_policy()
    iam.update_account_password_policy()
    default = {"MinimumPasswordLength": 6, "ExpirePasswords": False, "AllowUsersToChangePassword": False}
    default |= dict.fromkeys([f"Require{kind}" for kind in ("Symbols", "Numbers", "UppercaseCharacters", "LowercaseCharacters")], False)
    assert iam.get_account_password_policy()["PasswordPolicy"] == default
    iam.create_login_profile(UserName="u", Password="simple")
    rules = {
        "MinimumPasswordLength": 10,
        "RequireSymbols": True,
        "RequireNumbers": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 2,
    }
    iam.update_account_password_policy(RequireUppercaseCharacters=True, RequireLowercaseCharacters=True, HardExpiry=True, **rules)
    found = iam.get_account_password_policy()["PasswordPolicy"]
    assert found.items() >= rules.items()
    assert (found["ExpirePasswords"], found["HardExpiry"]) == (True, True)
    for password in ("Sh0rt!", "nouppercase1!", "NOLOWERCASE1!", "NoNumbers!!!", "NoSymbols123"):
        with refused("PasswordPolicyViolation"):
            iam.update_login_profile(UserName="u", Password=password)
    iam.delete_account_password_policy()
    with refused("NoSuchEntity"):
        iam.get_account_password_policy()


def test_earlier_passwords_cannot_come_back_while_they_are_remembered(iam: Any, refused: Any) -> None:
    iam.update_account_password_policy(PasswordReusePrevention=2)
    iam.create_login_profile(UserName="u", Password="first-one")
    iam.update_login_profile(UserName="u", Password="second-one")
    for password in ("second-one", "first-one"):
        with refused("PasswordPolicyViolation"):
            iam.update_login_profile(UserName="u", Password=password)
    iam.update_login_profile(UserName="u", Password="third-one")
    iam.update_login_profile(UserName="u", Password="first-one")


def test_passwords_end_when_the_rules_say_so(server: Any) -> None:
    now = server.home.clock.now()
    profile = LoginProfile(account="a", user_id="u", created_at=now, changed_at=now, digest=b"")
    assert next_rotation(profile, None) is None
    assert next_rotation(profile, PasswordPolicy(account="a")) is None
    assert next_rotation(profile, PasswordPolicy(account="a", age_days=90)) == now + timedelta(days=90)
