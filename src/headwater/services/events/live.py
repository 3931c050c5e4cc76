"""What the room holds in memory: the index of each bus that was asked, for what it listens on the Bus, and its connections to the outside.

Everything here is worked out from the store. A room's event is made only where somebody listens, so the room listens only while a rule on a
default bus could want it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.due_order import DueOrder

from .index import Index
from .language import compiled
from .model import DEFAULT, RULES, Rule
from .outgoing import Outside

if TYPE_CHECKING:
    from headwater.kernel.home import Home

PLAIN_TOPICS: Final = ("event", "secretsmanager/event", "s3/event", "rds/event")
TRAIL_TOPIC: Final = "cloudtrail/event"
TRAIL_TYPES: Final = (
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "AWS Insight via CloudTrail",
)
Place = tuple[str, str, str]
Listener = Callable[[list[Any]], None]


class Live:
    """Of one home."""

    def __init__(self, home: Home, listener: Listener) -> None:
        self._home = home
        self._listener = listener
        self._indexes: dict[Place, Index] = {}
        self._wanting: dict[tuple[str, ...], bool] = {}  # rules on default buses, and whether they could want what the trail tells
        self._wanting_trail = 0
        self._topics: set[str] = set()
        self.order = DueOrder()
        self.outside = Outside(home.pools.files)
        for rule in home.store.scan(RULES):
            self._weigh(rule)
            if rule.due is not None:
                self.order.put(rule.due, rule.key)
        self._listen()

    def index(self, account: str, region: str, bus: str) -> Index:
        place = (account, region, bus)
        index = self._indexes.get(place)
        if index is None:
            index = self._indexes[place] = Index()
            for rule in self._home.store.scan(RULES, *place):
                if rule.is_on and rule.pattern is not None:
                    index.put(rule.name, compiled(rule.pattern))
        return index

    def changed(self, rule: Rule) -> None:
        """After the rule was written."""
        if rule.due is not None:
            self.order.put(rule.due, rule.key)
        index = self._indexes.get(rule.key[:3])
        if index is not None:
            if rule.is_on and rule.pattern is not None:
                index.put(rule.name, compiled(rule.pattern))
            else:
                index.drop(rule.name)
        self._weigh(rule)
        self._listen()

    def removed(self, rule: Rule) -> None:
        index = self._indexes.get(rule.key[:3])
        if index is not None:
            index.drop(rule.name)
        self._forget(rule)
        self._listen()

    def _weigh(self, rule: Rule) -> None:
        self._forget(rule)
        if rule.bus != DEFAULT or rule.pattern is None or not rule.is_on:
            return
        pattern = compiled(rule.pattern)
        wants_trail = any(pattern.could_have("detail-type", name) for name in TRAIL_TYPES)
        self._wanting[rule.key] = wants_trail
        self._wanting_trail += wants_trail

    def _forget(self, rule: Rule) -> None:
        self._wanting_trail -= self._wanting.pop(rule.key, False)

    def _listen(self) -> None:
        wanted = set(PLAIN_TOPICS) if self._wanting else set()
        if self._wanting_trail:
            wanted.add(TRAIL_TOPIC)
        for topic in wanted - self._topics:
            self._home.bus.subscribe(topic, self._listener)
        for topic in self._topics - wanted:
            self._home.bus.unsubscribe(topic, self._listener)
        self._topics = wanted


def live_of(home: Home) -> Live:
    live = home.rooms["events"]
    assert isinstance(live, Live)
    return live
