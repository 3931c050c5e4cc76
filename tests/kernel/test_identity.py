"""Temporary credentials need no storing, and cannot be made up. Truth: our own contract (kernel/identity.py)."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.kernel.identity import TOKEN_BYTES_MAX, Issuer, Principal, Session, role_session
from headwater.kernel.vault import Vault

PRINCIPAL = role_session("arn:aws:iam::123456789012:role/service/writer", "nightly")
ENDS = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_token_says_who_and_until_when(tmp_path: Path) -> None:
    issuer = Issuer(Vault(tmp_path / "root.key"))
    credentials = issuer.issue(PRINCIPAL, ENDS)
    token = issuer.read(credentials.session_token)
    assert token is not None
    assert token.principal.arn == "arn:aws:sts::123456789012:assumed-role/writer/nightly"
    assert token.expiration == ENDS
    assert issuer.secret_of(credentials.access_key_id) == credentials.secret_access_key


def test_a_token_survives_a_restart_and_is_worthless_in_another_home(tmp_path: Path) -> None:
    credentials = Issuer(Vault(tmp_path / "root.key")).issue(PRINCIPAL, None)
    assert Issuer(Vault(tmp_path / "root.key")).read(credentials.session_token) is not None
    assert Issuer(Vault(tmp_path / "other.key")).read(credentials.session_token) is None


@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_changed_token_is_refused(tmp_path: Path, position: int) -> None:
    issuer = Issuer(Vault(tmp_path / "root.key"))
    raw = bytearray(base64.b64decode(issuer.issue(PRINCIPAL, None).session_token))
    raw[position] ^= 1
    assert issuer.read(base64.b64encode(raw).decode()) is None


@pytest.mark.parametrize("nonsense", ["", "AAAA", "not base64 at all", "FwoGZXIvYXdzE"])
def test_nonsense_is_no_token(tmp_path: Path, nonsense: str) -> None:
    assert Issuer(Vault(tmp_path / "root.key")).read(nonsense) is None


def test_the_root_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Vault(tmp_path / "root.key")
    assert (tmp_path / "root.key").stat().st_mode & 0o777 == 0o600


def test_what_is_sealed_opens_only_in_its_context(tmp_path: Path) -> None:
    from cryptography.exceptions import InvalidTag

    vault = Vault(tmp_path / "root.key")
    sealed = vault.seal(b"secret", "AKIA1")
    assert vault.open(sealed, "AKIA1") == b"secret"
    with pytest.raises(InvalidTag):
        vault.open(sealed, "AKIA2")


TEXT = st.text(max_size=40)
MOMENTS = st.integers(1_500_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SESSIONS = st.builds(
    Session,
    issued_at=st.none() | MOMENTS,
    policies=st.lists(st.text(max_size=2048), max_size=2).map(tuple),
    policy_arns=st.lists(TEXT, max_size=10).map(tuple),
    tags=st.dictionaries(TEXT, TEXT, max_size=50),
    transitive_tag_keys=st.lists(TEXT, max_size=5).map(tuple),
    source_identity=TEXT,
    mfa_at=st.none() | MOMENTS,
    provider=TEXT,
    claims=st.dictionaries(TEXT, st.lists(TEXT, max_size=3).map(tuple), max_size=5),
)
PRINCIPALS = st.builds(
    Principal,
    arn=TEXT,
    account=TEXT,
    kind=st.sampled_from(["root", "user", "role", "federated"]),
    user_id=TEXT,
    role_arn=TEXT,
    session=st.none() | SESSIONS,
)


@given(principal=PRINCIPALS, ends=st.none() | MOMENTS, characters=st.integers(0, TOKEN_BYTES_MAX))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_into_a_token_is_read_from_it(tmp_path: Path, principal: Principal, ends: datetime | None, characters: int) -> None:
    issuer = Issuer(Vault(tmp_path / "root.key"))
    credentials = issuer.issue(principal, ends, characters_min=characters)
    token = issuer.read(credentials.session_token)
    assert token is not None
    assert msgspec.structs.replace(token.principal, access_key_id="") == principal
    assert token.expiration == ends
    assert len(credentials.session_token) >= characters


@given(principal=PRINCIPALS, position=st.integers(min_value=0), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_bit_passes(tmp_path: Path, principal: Principal, position: int, bit: int) -> None:
    issuer = Issuer(Vault(tmp_path / "root.key"))
    raw = bytearray(base64.b64decode(issuer.issue(principal, None).session_token))
    raw[position % len(raw)] ^= 1 << bit
    assert issuer.read(base64.b64encode(raw).decode()) is None


def test_a_session_policy_is_packed_in_its_token(tmp_path: Path) -> None:
    """2,048 characters of policy are what AWS takes; the token, sent with every request, stays below AWS's own longest."""
    statements = [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::bucket-{number}/*"} for number in range(25)]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    principal = msgspec.structs.replace(PRINCIPAL, session=Session(policies=(document[:2048],)))
    assert len(Issuer(Vault(tmp_path / "root.key")).issue(principal, ENDS).session_token) < 1024
