"""What a refusal seals can be read, by its own account, in full or shortened. Truth: our own contract (kernel/authorization_message.py)."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.kernel.authorization_message import CHARACTERS_MAX, Matched, Refusal, decode_message, encode_message
from headwater.kernel.vault import Vault

ACCOUNT = "123456789012"
TEXT = st.text(max_size=60)
SEVERAL = st.lists(TEXT, max_size=4).map(tuple)
KEYS = st.dictionaries(TEXT, SEVERAL, max_size=4)
MATCHED = st.builds(Matched, sid=TEXT, effect=st.sampled_from(["Allow", "Deny"]), principals=SEVERAL, actions=SEVERAL, resources=SEVERAL)
REFUSALS = st.builds(
    Refusal,
    account=st.just(ACCOUNT),
    principal_id=TEXT,
    principal_arn=TEXT,
    action=TEXT,
    resource=TEXT,
    explicit_deny=st.booleans(),
    matched=st.lists(MATCHED, max_size=3).map(tuple),
    failures=SEVERAL,
    conditions=KEYS,
)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "root.key")


@given(refusal=REFUSALS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sealed_is_read(vault: Vault, refusal: Refusal) -> None:
    message = encode_message(vault, refusal)
    assert len(message) <= CHARACTERS_MAX
    opened = decode_message(vault, ACCOUNT, message)
    assert opened is not None
    assert json.loads(opened) == refusal.document()


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_else_is_a_message(vault: Vault, text: str) -> None:
    assert decode_message(vault, ACCOUNT, text) is None


def test_another_account_and_another_home_cannot_read_it(vault: Vault, tmp_path: Path) -> None:
    message = encode_message(vault, Refusal(account=ACCOUNT, principal_id="i", principal_arn="a", action="s:A", resource="*"))
    assert decode_message(vault, "210987654321", message) is None
    assert decode_message(Vault(tmp_path / "other.key"), ACCOUNT, message) is None


def test_a_long_message_leaves_out_what_tells_least(vault: Vault) -> None:
    noise = {f"aws:RequestTag/{number:x}{number * 7919:x}": (f"{number * 104729:x}" * 9,) for number in range(900)}
    refusal = Refusal(account=ACCOUNT, principal_id="i", principal_arn="a", action="s:A", resource="r", conditions=noise)
    message = encode_message(vault, refusal)
    assert len(message) <= CHARACTERS_MAX
    opened = json.loads(decode_message(vault, ACCOUNT, message) or "")
    assert opened["context"]["resource"] == "r"
    assert opened["context"]["conditions"] == {"items": []}
