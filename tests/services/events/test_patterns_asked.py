"""TestEventPattern over the wire. Truth: the API reference; refusals are replayed in tests/recordings."""

import json
from typing import Any


def test_an_event_is_held_against_a_pattern(events: Any) -> None:
    pattern = json.dumps({"source": ["app"], "detail": {"n": [{"numeric": [">", 1]}]}})
    for number, matches in ((1, False), (2, True)):
        event = json.dumps({"source": "app", "detail": {"n": number}})
        assert events.test_event_pattern(EventPattern=pattern, Event=event)["Result"] is matches


def test_a_rule_with_a_wrong_pattern_is_refused(events: Any, refused: Any) -> None:
    with refused("InvalidEventPatternException", "Event pattern is not valid. Reason: Unrecognized match type near"):
        events.put_rule(Name="all", EventPattern=json.dumps({"source": [{"near": "app"}]}))
