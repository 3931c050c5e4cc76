"""The store keeps what was acknowledged. Truth: our own promise in ARCHITECTURE.md."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.kernel.store import Record, Store, Table
from headwater.kernel.store.table import encode_key


class Note(Record, frozen=True, kw_only=True):
    owner: str
    name: str
    text: str = ""


SMALL = Table("tests", "small", Note, key=lambda note: (note.owner, note.name))
BIG = Table("tests", "big", Note, key=lambda note: (note.owner, note.name), big=True)


def opened(path: Path) -> Store:
    store = Store(path)
    store.attach(asyncio.get_running_loop())
    return store


@pytest.mark.parametrize("table", [SMALL, BIG], ids=["small", "big"])
async def test_a_record_is_read_back_at_once_and_after_a_restart(tmp_path: Path, table: Table[Note]) -> None:
    store = opened(tmp_path)
    async with store.transaction() as tx:
        tx.put(table, Note(owner="a", name="1", text="first"))
        tx.put(table, Note(owner="a", name="2"))
        tx.delete(table, "a", "2")
    assert store.get(table, "a", "1") == Note(owner="a", name="1", text="first")
    assert store.get(table, "a", "2") is None
    store.close()

    again = opened(tmp_path)
    assert again.get(table, "a", "1") == Note(owner="a", name="1", text="first")
    assert again.get(table, "a", "2") is None
    again.close()


async def test_an_exception_in_the_block_leaves_nothing_behind(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as tx:
            tx.put(SMALL, Note(owner="a", name="1"))
            _ = 1 / 0
    assert store.get(SMALL, "a", "1") is None
    store.close()


async def test_changes_are_counted_for_each_service(tmp_path: Path) -> None:
    store = opened(tmp_path)
    async with store.transaction() as tx:
        tx.put(SMALL, Note(owner="a", name="1"))
        tx.put(BIG, Note(owner="a", name="1"))
    counted = store.changes("tests", "others")
    assert counted == store.changes("tests") > store.changes("others")
    async with store.transaction() as tx:
        tx.delete(SMALL, "a", "1")
    assert store.changes("tests", "others") > counted
    store.close()


async def test_a_generation_grows_with_every_change_of_its_tables(tmp_path: Path) -> None:
    store = opened(tmp_path)
    before = store.generation(SMALL)
    assert store.generation(SMALL) == before
    async with store.transaction() as tx:
        tx.put(SMALL, Note(owner="a", name="1"))
    changed = store.generation(SMALL)
    async with store.transaction() as tx:
        tx.delete(SMALL, "a", "1")
    assert before < changed < store.generation(SMALL)
    store.close()


async def test_scan_keeps_to_whole_components(tmp_path: Path) -> None:
    store = opened(tmp_path)
    async with store.transaction() as tx:
        for owner, name in [("a", "2"), ("ab", "1"), ("a", "1"), ("b", "1")]:
            tx.put(SMALL, Note(owner=owner, name=name))
    assert [(note.owner, note.name) for note in store.scan(SMALL, "a")] == [("a", "1"), ("a", "2")]
    assert len(store.scan(SMALL)) == 4
    store.close()


async def test_range_skips_by_prefix_after_and_beyond(tmp_path: Path) -> None:
    store = opened(tmp_path)
    async with store.transaction() as tx:
        for name in ["logs/1", "logs/2", "logs", "photos/1", "photos/2", "z"]:
            tx.put(BIG, Note(owner="bucket", name=name))

    async def names(**bounds: str) -> list[str]:
        return [note.name for note in await store.range(BIG, "bucket", **bounds)]  # type: ignore[arg-type]

    assert await names() == ["logs", "logs/1", "logs/2", "photos/1", "photos/2", "z"]
    assert await names(prefix="logs/") == ["logs/1", "logs/2"]
    assert await names(after="logs") == ["logs/1", "logs/2", "photos/1", "photos/2", "z"]
    assert await names(beyond="photos/") == ["z"]
    assert [note.name for note in await store.range(BIG, "bucket", limit=2)] == ["logs", "logs/1"]
    store.close()


async def test_a_torn_last_entry_is_forgotten_and_the_rest_is_kept(tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    store = opened(tmp_path / "one")
    async with store.transaction() as tx:
        tx.put(SMALL, Note(owner="a", name="kept"))
    (segment,) = (tmp_path / "one" / "journal").iterdir()
    crashed.mkdir()
    (crashed / "journal").mkdir()
    (crashed / "journal" / segment.name).write_bytes(segment.read_bytes() + b"\x40\x00\x00\x00torn")
    store.close()

    again = opened(crashed)
    assert [note.name for note in again.scan(SMALL)] == ["kept"]
    async with again.transaction() as tx:
        tx.put(SMALL, Note(owner="a", name="later"))
    again.close()
    third = opened(crashed)
    assert [note.name for note in third.scan(SMALL)] == ["kept", "later"]
    third.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from headwater.kernel.store import Record, Store, Table

class Note(Record, frozen=True, kw_only=True):
    owner: str
    name: str
    text: str = ""

async def main():
    store = Store(Path(sys.argv[1]))
    store.attach(asyncio.get_running_loop())
    small = Table("tests", "small", Note, key=lambda note: (note.owner, note.name))
    big = Table("tests", "big", Note, key=lambda note: (note.owner, note.name), big=True)
    number = 0
    while True:
        async with store.transaction() as tx:
            tx.put(small, Note(owner="a", name=f"{number:08d}"))
            tx.put(big, Note(owner="a", name=f"{number:08d}", text="x" * 200))
        print(number, flush=True)
        number += 1
        await asyncio.sleep(0)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 50, 3000])
async def test_everything_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path, after: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"}
    )
    assert writer.stdout is not None
    acknowledged = -1
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged >= after:
            break
    writer.send_signal(signal.SIGKILL)
    for line in writer.stdout:  # what it had already said
        acknowledged = int(line)
    writer.wait()
    writer.stdout.close()

    store = opened(tmp_path)
    names = [note.name for note in store.scan(SMALL, "a")]
    assert names == [f"{number:08d}" for number in range(len(names))]
    assert len(names) >= acknowledged + 1
    assert len(await store.range(BIG, "a", limit=1_000_000)) == len(names)
    store.close()


@given(
    st.lists(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), min_size=1, max_size=3), max_size=20)
)
def test_encoded_keys_sort_like_their_components(keys: list[list[str]]) -> None:
    def in_bytes(key: list[str]) -> list[bytes]:
        return [component.encode() for component in key]

    assert sorted(keys, key=lambda key: encode_key(tuple(key))) == sorted(keys, key=in_bytes)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=60))
def test_what_was_used_lately_is_never_out_of_date(steps: list[tuple[int, int]]) -> None:
    from headwater.kernel.store.recent import Recent

    recent, truth = Recent(), dict[bytes, int]()
    for name, value in steps:
        key = bytes([name])
        if value == 0:
            recent.drop(key)
            truth.pop(key, None)
        else:
            recent.put(key, value, 2_000_000)  # eight of them fill it
            truth[key] = value
        for each in range(10):
            assert recent.get(bytes([each])) in {truth.get(bytes([each])), None}


async def test_a_big_record_is_right_before_and_after_it_is_carried_over(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for text in ("first", "second", ""):
        async with store.transaction() as tx:
            if text:
                tx.put(BIG, Note(owner="a", name="1", text=text))
            else:
                tx.delete(BIG, "a", "1")
        for _ in range(2):
            found = store.get(BIG, "a", "1")
            assert (found.text if found else "") == text
            await store.range(BIG, "a")
    store.close()
