"""Who calls: principals, the access keys that Headwater issued, and temporary credentials that need no storing.

A session token carries who it is of and until when, signed with the home's root key; its secret is derived from its
access key id. So STS writes nothing, and a token that was changed is worth nothing. Session policies and tags travel in it too,
packed where that makes it smaller: it is sent with every request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import secrets
import zlib
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

import msgspec

from headwater.kernel.store import Record, Table
from headwater.kernel.vault import Vault

DEFAULT_ACCOUNT: Final = "000000000000"
ROOT_SECRET: Final = "test"  # noqa: S105 - documented: the secret of a root that needs no set-up
ID_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SIGNATURE_BYTES: Final = 16
TOKEN_BYTES_MAX: Final = 4096
"""The longest session token, in characters; as AWS has it."""
PACKED: Final = b"\x78"
"""How zlib's output begins, and MessagePack of a Struct never does."""
PACKED_FROM_BYTES: Final = 400
ACCESS_KEY_ID_LENGTH: Final = 20
MARK_LENGTH: Final = 4

_REQUEST_IDS: Final = random.Random(secrets.randbits(128))  # noqa: S311 - not a secret

Kind = Literal["root", "user", "role", "federated", "service", "anonymous"]


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What temporary credentials add to the one whom they stand for."""

    issued_at: datetime | None = None
    policies: tuple[str, ...] = ()  # session policies, as they were written
    policy_arns: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""
    mfa_at: datetime | None = None
    vouched_by: str = ""  # of a federated user: the unique id of the user who asked for the session
    provider: str = ""  # who vouched for a federated identity: an ARN, or a name such as accounts.google.com
    claims: dict[str, tuple[str, ...]] = {}  # condition keys of that provider, in lower case


class Principal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one who acts. For a role it is the session: arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION."""

    arn: str
    account: str
    kind: Kind
    user_id: str
    access_key_id: str = ""
    role_arn: str = ""  # of a session: the role it was assumed from; of a federated user: who vouches for it
    session: Session | None = None


class AccessKey(Record, frozen=True, kw_only=True):
    """A long-lived key of an IAM user. The IAM room writes it; the gateway reads it at every request."""

    access_key_id: str
    sealed_secret: bytes
    account: str
    principal_arn: str
    user_id: str
    user_name: str
    active: bool
    created_at: datetime


ACCESS_KEYS: Final = Table("kernel", "access_keys", AccessKey, key=lambda key: (key.access_key_id,))


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a client signs with. `expiration` None: renewed by Headwater itself, never expires by the Clock."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime | None


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a session token says."""

    access_key_id: str
    principal: Principal
    expiration: datetime | None = None
    padding: str = ""


@lru_cache(maxsize=1024)
def canonical_id(account: str) -> str:
    """The name under which S3 knows an account: 64 hexadecimal digits that belong to it for ever."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()


def new_unique_id(prefix: str, length: int = 21) -> str:
    """An id as IAM gives them: AIDA…, AROA…, AKIA…, ASIA…"""
    return prefix + "".join(secrets.choice(ID_ALPHABET) for _ in range(length - len(prefix)))


def new_request_id() -> str:
    """A fresh id for a request, as a UUID's text. It names, it does not protect: no system call, no lock given away."""
    digits = f"{_REQUEST_IDS.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def anonymous() -> Principal:
    """Nobody: a request without a signature."""
    return Principal(arn="*", account="", kind="anonymous", user_id="")


def root_of(account: str, access_key_id: str = "") -> Principal:
    return Principal(arn=f"arn:aws:iam::{account}:root", account=account, kind="root", user_id=account, access_key_id=access_key_id)


def service_principal(service: str, account: str) -> Principal:
    """A service acting for itself, as firehose.amazonaws.com."""
    return Principal(arn=f"{service}.amazonaws.com", account=account, kind="service", user_id=f"{service}.amazonaws.com")


def role_session(role_arn: str, session_name: str, *, role_id: str = "") -> Principal:
    """The principal that `role_arn` becomes when it is assumed."""
    account = role_arn.split(":")[4]
    role_name = role_arn.rsplit("/", 1)[-1]
    digest = hashlib.sha256(role_arn.encode()).digest()
    role_id = role_id or "AROA" + base64.b32encode(digest).decode()[:17]
    return Principal(
        arn=f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
        account=account,
        kind="role",
        user_id=f"{role_id}:{session_name}",
        role_arn=role_arn,
    )


class Issuer:
    """Issues and reads temporary credentials of one home."""

    def __init__(self, vault: Vault) -> None:
        self._secret_key = vault.derive("session secrets")
        self._token_key = vault.derive("session tokens")
        self._mark_key = vault.derive("access key ids")

    def issue(self, principal: Principal, expiration: datetime | None, *, characters_min: int = 0) -> Credentials:
        """`characters_min`: how long the token must at least be, for those who test what carries it."""
        access_key_id = self.new_access_key_id("ASIA")
        issued = msgspec.structs.replace(principal, access_key_id=access_key_id)
        payload = _payload(Token(access_key_id=access_key_id, principal=issued, expiration=expiration), characters_min)
        signature = hmac.digest(self._token_key, payload, hashlib.sha256)[:SIGNATURE_BYTES]
        return Credentials(
            access_key_id=access_key_id,
            secret_access_key=self.secret_of(access_key_id),
            session_token=base64.b64encode(signature + payload).decode(),
            expiration=expiration,
        )

    def new_access_key_id(self, prefix: str) -> str:
        """A key id of AKIA… or ASIA…, whose last characters this home can tell from a stranger's."""
        stem = new_unique_id(prefix, ACCESS_KEY_ID_LENGTH - MARK_LENGTH)
        return stem + self._mark(stem)

    def was_issued(self, access_key_id: str) -> bool:
        """Whether this home made the key id, be the key deleted or not: such a one must never pass for a stranger's."""
        stem, mark = access_key_id[:-MARK_LENGTH], access_key_id[-MARK_LENGTH:]
        return len(access_key_id) == ACCESS_KEY_ID_LENGTH and hmac.compare_digest(mark, self._mark(stem))

    def _mark(self, stem: str) -> str:
        return base64.b32encode(hmac.digest(self._mark_key, stem.encode(), hashlib.sha256)).decode()[:MARK_LENGTH]

    def secret_of(self, access_key_id: str) -> str:
        return base64.b64encode(hmac.digest(self._secret_key, access_key_id.encode(), hashlib.sha256)).decode()[:40]

    def read(self, session_token: str) -> Token | None:
        """What the token says, or None when Headwater did not issue it so."""
        try:
            raw = base64.b64decode(session_token, validate=True)
        except ValueError:
            return None
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, hmac.digest(self._token_key, payload, hashlib.sha256)[:SIGNATURE_BYTES]):
            return None
        if payload[:1] == PACKED:
            payload = zlib.decompress(payload)
        return msgspec.msgpack.decode(payload, type=Token)


def _payload(token: Token, characters_min: int) -> bytes:
    plain = msgspec.msgpack.encode(token)
    lacking = -(-3 * characters_min // 4) - SIGNATURE_BYTES  # bytes, of which base64 makes four characters of three
    if len(plain) >= PACKED_FROM_BYTES and len(packed := zlib.compress(plain)) < len(plain) and len(packed) >= lacking:
        return packed
    if len(plain) >= lacking:
        return plain
    return msgspec.msgpack.encode(msgspec.structs.replace(token, padding="=" * (lacking - len(plain))))
