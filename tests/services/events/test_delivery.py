"""Events on their way to targets. Truth: the EventBridge user guide, and the recordings where they are named."""

from typing import Any


def test_an_event_that_matches_reaches_the_target_as_aws_spells_it(aws: Any, events: Any, rule: Any, put: Any, seen: Any) -> None:
    rule(pattern={"source": ["app"], "detail": {"state": ["on", {"prefix": "half"}]}})
    put({"state": "off"})
    event_id = put({"state": "half-way", "n": 1}, Resources=["arn:aws:s3:::b"])
    [event] = seen.wait(1)
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "thing",
        "source": "app",
        "account": aws.account,
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::b"],
        "detail": {"state": "half-way", "n": 1},
    }
