"""How encrypted bodies stand on disk: every range of what was sealed comes back, and nothing that was changed does. No server."""

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.services.s3.sealing import CHUNK_BYTES, SealedReader, SealedWriter, sealed

KEYS = (os.urandom(32), os.urandom(32))
BODY = os.urandom(3 * CHUNK_BYTES + 1000)
SIZES = st.sampled_from([0, 1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])


def reader(keys: tuple[bytes, ...], stored: bytes, sizes: list[int]) -> SealedReader:
    return SealedReader(keys, sizes, lambda count, at: stored[at : at + count])


@given(st.integers(1, 2), st.lists(SIZES, min_size=1, max_size=4), st.data())
@settings(max_examples=60, deadline=None)
def test_every_range_of_parts_that_were_sealed_one_by_one_comes_back(layers: int, sizes: list[int], data: Any) -> None:
    keys = KEYS[:layers]
    parts = [BODY[number : number + size] for number, size in enumerate(sizes)]
    whole, stored = b"".join(parts), b"".join(sealed(keys, part) for part in parts)
    assert not whole or len(whole) < 20 or whole not in stored
    first = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, len(whole) - first))
    assert reader(keys, stored, sizes).read_all(length, first) == whole[first : first + length]


@given(st.lists(st.integers(0, 2 * CHUNK_BYTES), max_size=5))
@settings(max_examples=30, deadline=None)
def test_in_which_pieces_a_body_comes_does_not_matter(sizes: list[int]) -> None:
    stored: list[bytes] = []
    writer = SealedWriter(KEYS, stored.append)
    whole = b"".join(BODY[:size] for size in sizes)
    for size in sizes:
        writer.write(BODY[:size])
    writer.finish()
    assert reader(KEYS, b"".join(stored), [len(whole)]).read_all(len(whole), 0) == whole


def test_the_same_body_is_never_stored_as_the_same_bytes() -> None:
    assert sealed(KEYS, BODY)[32:] != sealed(KEYS, BODY)[32:]


CHANGES = {
    "one bit": lambda stored: stored[:5000] + bytes([stored[5000] ^ 1]) + stored[5001:],
    "the salt": lambda stored: bytes(32) + stored[32:],
    "cut short": lambda stored: stored[:-1],
    "a chunk less": lambda stored: stored[: 32 + 2 * (CHUNK_BYTES + 32)],
    "two chunks in each other's place": lambda stored: (
        stored[:32]
        + stored[32 + CHUNK_BYTES + 32 :][: CHUNK_BYTES + 32]
        + stored[32:][: CHUNK_BYTES + 32]
        + stored[32 + 2 * (CHUNK_BYTES + 32) :]
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_changed_on_disk_is_not_handed_out(change: Any) -> None:
    with pytest.raises(Fault, match="internal error"):
        reader(KEYS, change(sealed(KEYS, BODY)), [len(BODY)]).read_all(len(BODY), 0)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Fault):
        reader((KEYS[0], os.urandom(32)), sealed(KEYS, BODY), [len(BODY)]).read_all(10, 0)
