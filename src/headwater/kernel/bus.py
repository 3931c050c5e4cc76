"""The Bus: facts that one part publishes and others may want, delivered behind the request.

Publishing costs an append to a list; subscribers get all that gathered, in order, in one call soon after. What a subscriber raises is
logged as an error; the others still get theirs. A topic may be held: then what is told before anybody listens waits for who comes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

import structlog

log = structlog.get_logger()

DELIVER_AFTER_S: Final = 0.05
DELIVER_AT: Final = 400
"""When so many have gathered they are delivered sooner: a longer delivery would be felt by those who call meanwhile."""
WAKE_AFTER_S: Final = 0.005
"""When the answer that was told of is out."""
Subscriber = Callable[[list[Any]], None]


class _Held:
    """What was told on a topic before anybody listened: the latest of it."""

    __slots__ = ("events", "wake")

    def __init__(self, events_max: int, wake: Callable[[], None]) -> None:
        self.events: deque[Any] = deque(maxlen=events_max)
        self.wake = wake


class Bus:
    """Topics are texts, `room/what-happened`."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._subscribers: dict[str, list[Subscriber]] = defaultdict(list)
        self._gathered: dict[str, list[Any]] = defaultdict(list)
        self._timer: asyncio.Handle | None = None

    def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Hear what is published from now on, and first what was held for whoever comes."""
        self._subscribers[topic].append(subscriber)
        held = self._held.pop(topic, None)
        if held is not None and held.events:
            self._hand_over(topic, subscriber, list(held.events))

    def hold(self, topic: str, events_max: int, wake: Callable[[], None]) -> None:
        """Keep the latest of what is published until the first listener comes. Soon after the first event `wake` is called, once."""
        self._held[topic] = _Held(events_max, wake)

    def let_go(self, topic: str) -> None:
        """Nobody will come for what is held of this topic."""
        self._held.pop(topic, None)

    def holds(self, topic: str) -> bool:
        """Whether something waits for the first listener."""
        return topic in self._held and len(self._held[topic].events) > 0

    def has_listeners(self, topic: str) -> bool:
        """Whether it is worth making an event for this topic."""
        return topic in self._subscribers or topic in self._held

    def unsubscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Hear no more of a topic; what is gathered for it already is still delivered to the others."""
        self._subscribers[topic].remove(subscriber)
        if not self._subscribers[topic]:
            del self._subscribers[topic]

    def publish(self, topic: str, event: Any) -> None:
        """Hand over one fact; costs nothing where nobody listens."""
        if topic not in self._subscribers:
            self._keep(topic, event)
            return
        gathered = self._gathered[topic]
        gathered.append(event)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELIVER_AFTER_S, self.deliver)
        elif len(gathered) == DELIVER_AT:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_soon(self.deliver)

    def _keep(self, topic: str, event: Any) -> None:
        held = self._held.get(topic)
        if held is None:
            return
        if not held.events:
            asyncio.get_running_loop().call_later(WAKE_AFTER_S, held.wake)
        held.events.append(event)

    def deliver(self) -> None:
        """Deliver what gathered, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, defaultdict(list)
        for topic, events in gathered.items():
            for subscriber in list(self._subscribers.get(topic, ())):
                self._hand_over(topic, subscriber, events)

    def _hand_over(self, topic: str, subscriber: Subscriber, events: list[Any]) -> None:
        try:
            subscriber(events)
        except Exception:
            log.exception("subscriber failed", topic=topic, events=len(events))
