"""SSH public keys of users: OpenSSH's one line or PEM in, either out, with the MD5 fingerprint that IAM shows.

Source: API reference of UploadSSHPublicKey and GetSSHPublicKey.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from . import arns
from .model import GLOBAL, User, calling_user, find_user
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PER_USER_MAX: Final = 5
ID_LENGTH: Final = 20
RSA_BITS_MIN: Final = 2048


class SshKey(Record, frozen=True, kw_only=True):
    account: str
    user_id: str
    key_id: str
    line: str
    """OpenSSH's form, without a comment."""
    given: str
    """As it was uploaded."""
    active: bool
    uploaded_at: datetime


ssh_keys: Final = Table("iam", "ssh_keys", SshKey, key=lambda key: (key.account, GLOBAL, key.user_id, key.key_id))


def _line(given: str) -> str:
    """The key in OpenSSH's form, whichever it came in."""
    from cryptography.exceptions import UnsupportedAlgorithm  # not before somebody has a key
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
        load_ssh_public_key,
    )

    try:
        pem = given.lstrip().startswith("-----BEGIN")
        key = load_pem_public_key(given.encode()) if pem else load_ssh_public_key(given.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise fault("InvalidPublicKey", "Unable to parse public key.") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < RSA_BITS_MIN:
        raise fault("InvalidPublicKey", f"The public key must be an RSA key of at least {RSA_BITS_MIN} bits.")
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _pem(line: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

    return load_ssh_public_key(line.encode()).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(line: str) -> str:
    """MD5 in pairs of digits: no protection, only a name to compare."""
    digest = hashlib.md5(base64.b64decode(line.split()[1]), usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _find(ctx: Context, request: dict[str, Any]) -> tuple[User, SshKey]:
    user = find_user(ctx, request["UserName"])
    key = ctx.store.get(ssh_keys, user.account, GLOBAL, user.unique_id, request["SSHPublicKeyId"])
    if key is None:
        raise fault("NoSuchEntity", f"The Public Key with id {request['SSHPublicKeyId']} cannot be found.")
    return user, key


def _status(key: SshKey) -> str:
    return "Active" if key.active else "Inactive"


def _described(user: User, key: SshKey, body: str) -> dict[str, Any]:
    described = {
        "UserName": user.name,
        "SSHPublicKeyId": key.key_id,
        "Fingerprint": fingerprint(key.line),
        "SSHPublicKeyBody": body,
        "Status": _status(key),
        "UploadDate": key.uploaded_at,
    }
    return {"SSHPublicKey": described}


@requires("iam:UploadSSHPublicKey", arns.user)
async def upload_ssh_public_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give a user a key, which counts at once."""
    user = find_user(ctx, request["UserName"])
    line = _line(request["SSHPublicKeyBody"])
    held = ctx.store.scan(ssh_keys, user.account, GLOBAL, user.unique_id)
    if any(key.line == line for key in held):
        raise fault("DuplicateSSHPublicKey", "The SSH public key is already associated with the specified IAM user.")
    if len(held) >= PER_USER_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for SSHPublicKeysPerUser: {PER_USER_MAX}")
    key = SshKey(
        account=user.account,
        user_id=user.unique_id,
        key_id=new_unique_id("APKA", ID_LENGTH),
        line=line,
        given=request["SSHPublicKeyBody"],
        active=True,
        uploaded_at=ctx.clock.now().replace(microsecond=0),
    )
    async with ctx.store.transaction() as tx:
        tx.put(ssh_keys, key)
    return _described(user, key, key.given)


@requires("iam:GetSSHPublicKey", arns.user)
async def get_ssh_public_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One key, in the form that is asked for."""
    user, key = _find(ctx, request)
    return _described(user, key, key.line if request["Encoding"] == "SSH" else _pem(key.line))


@requires("iam:ListSSHPublicKeys", arns.user)
async def list_ssh_public_keys(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's keys, without their bodies."""
    user = calling_user(ctx, request.get("UserName"))
    shown, more = page(ctx.store.scan(ssh_keys, user.account, GLOBAL, user.unique_id), request, lambda key: key.key_id)
    listed = [{"UserName": user.name, "SSHPublicKeyId": key.key_id, "Status": _status(key), "UploadDate": key.uploaded_at} for key in shown]
    return {"SSHPublicKeys": listed, **more}


@requires("iam:UpdateSSHPublicKey", arns.user)
async def update_ssh_public_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let it count, or not."""
    _, key = _find(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.put(ssh_keys, msgspec.structs.replace(key, active=request["Status"] == "Active"))
    return {}


@requires("iam:DeleteSSHPublicKey", arns.user)
async def delete_ssh_public_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Forget it."""
    user, key = _find(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.delete(ssh_keys, user.account, GLOBAL, user.unique_id, key.key_id)
    return {}
