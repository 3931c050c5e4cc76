"""Facts reach every subscriber, in order. Truth: our own contract (kernel/bus.py)."""

from typing import Any

from headwater.kernel.bus import Bus


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
