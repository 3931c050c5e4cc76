"""Temporary credentials need no storing, and cannot be made up. Truth: our own contract (kernel/identity.py)."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.kernel.identity import Issuer, role_session
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
