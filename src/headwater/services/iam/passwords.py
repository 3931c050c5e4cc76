"""Passwords: login profiles, the account's rules for them, and a user's changing of its own.

There is no console to sign in to; a password is kept as its scrypt digest, checked when it is changed, and never shown. Without a policy
of the account's own AWS's default rules hold: eight characters of three kinds.
Source: "Set an account password policy for IAM users" of the user guide.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import string
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from . import arns
from .model import GLOBAL, User, calling_user, find_user

if TYPE_CHECKING:
    from headwater.kernel.context import Context

SALT_BYTES: Final = 16
SCRYPT: Final = {"n": 2**13, "r": 8, "p": 1}
REMEMBERED_MAX: Final = 24
"""As many earlier passwords as a policy can forbid."""
DEFAULT_LENGTH: Final = 8
DEFAULT_KINDS: Final = 3
SYMBOLS: Final = frozenset("!@#$%^&*()_+-=[]{}|'")


class LoginProfile(Record, frozen=True, kw_only=True):
    account: str
    user_id: str
    created_at: datetime
    changed_at: datetime
    digest: bytes
    """Salt and scrypt's output."""
    earlier: tuple[bytes, ...] = ()
    """Digests before, newest first."""
    reset_required: bool = False


class PasswordPolicy(Record, frozen=True, kw_only=True):
    account: str
    length: int = 6
    symbols: bool = False
    numbers: bool = False
    uppercase: bool = False
    lowercase: bool = False
    users_may_change: bool = False
    age_days: int | None = None
    reuse: int | None = None
    hard_expiry: bool | None = None


login_profiles: Final = Table("iam", "login_profiles", LoginProfile, key=lambda one: (one.account, GLOBAL, one.user_id))
password_policies: Final = Table("iam", "password_policies", PasswordPolicy, key=lambda one: (one.account, GLOBAL))


def _digest(password: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(password.encode(), salt=salt, n=SCRYPT["n"], r=SCRYPT["r"], p=SCRYPT["p"])


def _is(password: str, digest: bytes) -> bool:
    return hmac.compare_digest(_digest(password, digest[:SALT_BYTES]), digest)


def _conforms(password: str, user: User, policy: PasswordPolicy | None) -> bool:
    kinds = {
        "uppercase": any(character in string.ascii_uppercase for character in password),
        "lowercase": any(character in string.ascii_lowercase for character in password),
        "numbers": any(character in string.digits for character in password),
        "symbols": any(character in SYMBOLS for character in password),
    }
    if policy is None:
        return len(password) >= DEFAULT_LENGTH and sum(kinds.values()) >= DEFAULT_KINDS and password != user.name
    wanted = {kind for kind in kinds if getattr(policy, kind)}
    return len(password) >= policy.length and all(kinds[kind] for kind in wanted)


def _violation() -> Fault:
    return fault("PasswordPolicyViolation", "Password does not conform to the account password policy.")


async def _digested(ctx: Context, user: User, password: str, before: LoginProfile | None) -> bytes:
    """The new digest, once the password is found to be allowed; off the event loop, as scrypt is slow on purpose."""
    policy = ctx.store.get(password_policies, ctx.account, GLOBAL)
    if not _conforms(password, user, policy):
        raise _violation()
    barred = [] if before is None or policy is None else [before.digest, *before.earlier][: policy.reuse or 0]

    def work() -> bytes | None:
        if any(_is(password, digest) for digest in barred):
            return None
        return _digest(password, secrets.token_bytes(SALT_BYTES))

    digest = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, work)
    if digest is None:
        raise _violation()
    return digest


def _changed(ctx: Context, profile: LoginProfile, digest: bytes, *, reset_required: bool) -> LoginProfile:
    earlier = (profile.digest, *profile.earlier)[:REMEMBERED_MAX]
    now = ctx.clock.now().replace(microsecond=0)
    return msgspec.structs.replace(profile, digest=digest, earlier=earlier, changed_at=now, reset_required=reset_required)


def _find(ctx: Context, user: User) -> LoginProfile:
    profile = ctx.store.get(login_profiles, user.account, GLOBAL, user.unique_id)
    if profile is None:
        raise fault("NoSuchEntity", f"Login Profile for User {user.name} cannot be found.")
    return profile


def _described(user: User, profile: LoginProfile) -> dict[str, Any]:
    reset = profile.reset_required
    return {"LoginProfile": {"UserName": user.name, "CreateDate": profile.created_at, "PasswordResetRequired": reset}}


def _refuse_second(ctx: Context, user: User) -> None:
    if ctx.store.get(login_profiles, user.account, GLOBAL, user.unique_id) is not None:
        raise fault("EntityAlreadyExists", f"Login Profile for User {user.name} already exists.")


@requires("iam:CreateLoginProfile", arns.user)
async def create_login_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give a user a password."""
    user = calling_user(ctx, request.get("UserName"))
    _refuse_second(ctx, user)
    if "Password" not in request:
        raise fault("ValidationError", "Must specify password when creating a login profile.")
    digest = await _digested(ctx, user, request["Password"], None)
    _refuse_second(ctx, user)  # another call may have been quicker meanwhile
    now = ctx.clock.now().replace(microsecond=0)
    profile = LoginProfile(
        account=user.account,
        user_id=user.unique_id,
        created_at=now,
        changed_at=now,
        digest=digest,
        reset_required=request.get("PasswordResetRequired", False),
    )
    async with ctx.store.transaction() as tx:
        tx.put(login_profiles, profile)
    return _described(user, profile)


@requires("iam:GetLoginProfile", arns.user)
async def get_login_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Whether a user has a password, and since when."""
    user = calling_user(ctx, request.get("UserName"))
    return _described(user, _find(ctx, user))


@requires("iam:UpdateLoginProfile", arns.user)
async def update_login_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another password, given by somebody who may, or the wish that the user changes it."""
    user = find_user(ctx, request["UserName"])
    profile = _find(ctx, user)
    reset = request.get("PasswordResetRequired", profile.reset_required)
    if "Password" in request:
        digest = await _digested(ctx, user, request["Password"], profile)
        profile = _changed(ctx, _find(ctx, user), digest, reset_required=reset)
    async with ctx.store.transaction() as tx:
        tx.put(login_profiles, msgspec.structs.replace(profile, reset_required=reset))
    return {}


@requires("iam:DeleteLoginProfile", arns.user)
async def delete_login_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take the password away."""
    user = calling_user(ctx, request.get("UserName"))
    profile = _find(ctx, user)
    async with ctx.store.transaction() as tx:
        tx.delete(login_profiles, profile.account, GLOBAL, profile.user_id)
    return {}


@requires("iam:ChangePassword", arns.user)
async def change_password(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's own, who knows the old one."""
    if ctx.principal.kind != "user":
        raise fault("InvalidUserType", "Only IAM Users can change their own password")
    user = calling_user(ctx, None)
    profile = _find(ctx, user)
    old, new = request["OldPassword"], request["NewPassword"]
    if not await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, _is, old, profile.digest):
        raise fault("AccessDenied", "The old password was incorrect.")
    digest = await _digested(ctx, user, new, profile)
    changed = _changed(ctx, _find(ctx, user), digest, reset_required=False)
    async with ctx.store.transaction() as tx:
        tx.put(login_profiles, changed)
    return {}


# -- the account's rules -----------------------------------------------------------------------------------------------


def _no_policy(account: str) -> Fault:
    return fault("NoSuchEntity", f"The Password Policy with domain name {account} cannot be found.")


@requires("iam:UpdateAccountPasswordPolicy")
async def update_account_password_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What is not named takes its default again: the call replaces, it does not amend."""
    policy = PasswordPolicy(
        account=ctx.account,
        length=request.get("MinimumPasswordLength", 6),
        symbols=request.get("RequireSymbols", False),
        numbers=request.get("RequireNumbers", False),
        uppercase=request.get("RequireUppercaseCharacters", False),
        lowercase=request.get("RequireLowercaseCharacters", False),
        users_may_change=request.get("AllowUsersToChangePassword", False),
        age_days=request.get("MaxPasswordAge"),
        reuse=request.get("PasswordReusePrevention"),
        hard_expiry=request.get("HardExpiry"),
    )
    async with ctx.store.transaction() as tx:
        tx.put(password_policies, policy)
    return {}


@requires("iam:GetAccountPasswordPolicy")
async def get_account_password_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The account's own rules; AWS's default is no policy."""
    policy = ctx.store.get(password_policies, ctx.account, GLOBAL)
    if policy is None:
        raise _no_policy(ctx.account)
    described = {
        "MinimumPasswordLength": policy.length,
        "RequireSymbols": policy.symbols,
        "RequireNumbers": policy.numbers,
        "RequireUppercaseCharacters": policy.uppercase,
        "RequireLowercaseCharacters": policy.lowercase,
        "AllowUsersToChangePassword": policy.users_may_change,
        "ExpirePasswords": policy.age_days is not None,
        "MaxPasswordAge": policy.age_days,
        "PasswordReusePrevention": policy.reuse,
        "HardExpiry": policy.hard_expiry,
    }
    return {"PasswordPolicy": described}


@requires("iam:DeleteAccountPasswordPolicy")
async def delete_account_password_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """AWS's default rules hold again."""
    if ctx.store.get(password_policies, ctx.account, GLOBAL) is None:
        raise _no_policy(ctx.account)
    async with ctx.store.transaction() as tx:
        tx.delete(password_policies, ctx.account, GLOBAL)
    return {}


def next_rotation(profile: LoginProfile, policy: PasswordPolicy | None) -> datetime | None:
    """When the password ends, if the account's rules let passwords end."""
    if policy is None or policy.age_days is None:
        return None
    return profile.changed_at + timedelta(days=policy.age_days)
