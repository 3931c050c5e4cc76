"""Facts reach every subscriber, in order. Truth: our own contract (kernel/bus.py)."""

import asyncio
from typing import Any

from headwater.kernel.bus import DELIVER_AT, Bus


async def test_what_gathers_is_delivered_in_order_and_in_one_call() -> None:
    bus, told = Bus(), list[list[Any]]()
    bus.subscribe("rain", told.append)
    bus.publish("rain", 1)
    bus.publish("snow", 2)
    bus.publish("rain", 3)
    bus.deliver()
    bus.deliver()
    assert told == [[1, 3]]


async def test_a_subscriber_that_fails_keeps_nothing_from_the_others() -> None:
    bus, told = Bus(), list[list[Any]]()

    def fails(events: list[Any]) -> None:
        raise RuntimeError("cannot take it")

    for topic in ("rain", "snow"):
        bus.subscribe(topic, fails)
        bus.subscribe(topic, told.append)
        bus.publish(topic, topic)
    bus.deliver()
    assert told == [["rain"], ["snow"]]


async def test_a_topic_that_is_held_waits_for_its_first_listener_with_the_latest_facts() -> None:
    bus, told, woken = Bus(), list[list[Any]](), asyncio.Event()
    bus.hold("rain", 2, woken.set)
    assert bus.has_listeners("rain")
    assert not bus.holds("rain")
    for drop in (1, 2, 3):
        bus.publish("rain", drop)
    assert bus.holds("rain")
    async with asyncio.timeout(5):
        await woken.wait()
    bus.subscribe("rain", told.append)
    bus.publish("rain", 4)
    bus.deliver()
    assert told == [[2, 3], [4]]
    assert not bus.holds("rain")


async def test_many_facts_do_not_wait_for_their_time() -> None:
    bus, told = Bus(), list[list[Any]]()
    bus.subscribe("rain", told.append)
    for drop in range(DELIVER_AT + 1):
        bus.publish("rain", drop)
    await asyncio.sleep(0)
    assert told == [list(range(DELIVER_AT + 1))]
