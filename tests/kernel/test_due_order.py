"""The order of time among many recurring things. Truth: our own promise, issue 5: a recurring schedule does not starve the others."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.kernel.due_order import AT_ONCE, DueOrder

ZERO = datetime(2030, 1, 1, tzinfo=UTC)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 20)), min_size=1, max_size=6), st.integers(0, 40))
async def test_what_recurs_is_fired_in_the_order_of_time(rates: list[tuple[int, int]], until: int) -> None:
    """Each thing recurs after its period, from its start: all moments up to now, none twice, in order."""
    order, fired = DueOrder(), list[tuple[datetime, tuple[str, ...]]]()
    for number, (_, start) in enumerate(rates):
        order.put(ZERO + timedelta(minutes=start), (str(number),))

    async def fire(at: datetime, key: tuple[str, ...]) -> None:
        fired.append((at, key))
        order.put(at + timedelta(minutes=rates[int(key[0])][0]), key)

    now = ZERO + timedelta(minutes=until)
    assert not await order.run(lambda: now, fire)
    wanted = [(ZERO + timedelta(minutes=m), (str(n),)) for n, (step, start) in enumerate(rates) for m in range(start, until + 1, step)]
    assert [at for at, _ in fired] == sorted(at for at, _ in wanted)
    assert sorted(fired) == sorted(wanted)


async def test_others_have_their_turn_after_a_while() -> None:
    order, fired = DueOrder(), list[datetime]()

    async def fire(at: datetime, key: tuple[str, ...]) -> None:
        fired.append(at)
        order.put(at + timedelta(minutes=1), key)

    order.put(ZERO, ("a",))
    assert await order.run(lambda: ZERO + timedelta(days=1), fire)
    assert len(fired) == AT_ONCE
    assert order.earliest == ZERO + timedelta(minutes=AT_ONCE)


async def test_what_is_fired_is_asked_for_once_however_often_it_was_put() -> None:
    order, fired = DueOrder(), list[datetime]()

    async def fire(at: datetime, key: tuple[str, ...]) -> None:
        fired.append(at)
        assert not await order.run(lambda: ZERO, fire), "somebody is at it"

    order.put(ZERO, ("a",))
    assert not await order.run(lambda: ZERO, fire)
    assert fired == [ZERO]


async def test_one_that_cannot_be_fired_does_not_stand_in_the_way() -> None:
    order, fired = DueOrder(), list[tuple[str, ...]]()

    async def fire(at: datetime, key: tuple[str, ...]) -> None:
        if key == ("broken",):
            raise ValueError(key)
        fired.append(key)

    order.put(ZERO, ("broken",))
    order.put(ZERO + timedelta(minutes=1), ("whole",))
    with pytest.raises(ValueError, match="broken"):
        await order.run(lambda: ZERO + timedelta(hours=1), fire)
    assert not await order.run(lambda: ZERO + timedelta(hours=1), fire)
    assert fired == [("whole",)]
