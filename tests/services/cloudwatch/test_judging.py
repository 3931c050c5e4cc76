"""What points make of an alarm. Truth: the tables of "Configuring how CloudWatch alarms treat missing data" in the user guide.

X breaches, 0 does not, - is missing; the newest stands last. `=` says that the alarm stays as it is.
"""

import pytest

from headwater.services.cloudwatch.judging import Point, Rule, judged, reason_of

STATES = {"A": "ALARM", "O": "OK", "I": "INSUFFICIENT_DATA", "=": None}
THREE_OF_THREE = {"0-X-X": "OOOO", "----0": "OOOO", "-----": "I=AO", "0XX-X": "AAAA", "--X--": "A=AO"}
TWO_OF_THREE = {"0-X-X": "AAAA", "00X0X": "AAAA", "0-X--": "OOAO", "----0": "OOAO", "----X": "O=AO"}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def moments(text: str) -> list[Point | None]:
    return [None if mark == "-" else Point(60 * number, float(mark == "X")) for number, mark in enumerate(text)]


@pytest.mark.parametrize(
    ("needed", "text", "treats", "wanted"),
    [
        (needed, text, treats, STATES[state])
        for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for text, states in table.items()
        for treats, state in zip(TREATMENTS, states, strict=True)
    ],
)
def test_what_a_range_makes_of_an_alarm(needed: int, text: str, treats: str, wanted: str | None) -> None:
    rule = Rule("GreaterThanOrEqualToThreshold", 1.0, 3, needed, treats)
    assert judged(rule, moments(text)).state == wanted


REASONS = {
    "one breaches": ("X", 1, 1, "Threshold Crossed: 1 datapoint [1.0 (01/01/70 00:00:00)] was greater than the threshold (0.5)."),
    "one does not": ("0", 1, 1, "Threshold Crossed: 1 datapoint [0.0 (01/01/70 00:00:00)] was not greater than the threshold (0.5)."),
    "two of three": (
        "X0X",
        3,
        2,
        (
            "Threshold Crossed: 2 out of the last 3 datapoints [1.0 (01/01/70 00:02:00), 1.0 (01/01/70 00:00:00)] were greater than the"
            " threshold (0.5) (minimum 2 datapoints for OK -> ALARM transition)."
        ),
    ),
    "nothing": ("--", 2, 2, "Insufficient Data: 2 datapoints were unknown."),
}


@pytest.mark.parametrize(("text", "last", "needed", "sentence"), REASONS.values(), ids=REASONS)
def test_the_sentence_at_a_state(text: str, last: int, needed: int, sentence: str) -> None:
    rule = Rule("GreaterThanThreshold", 0.5, last, needed)
    assert reason_of(rule, judged(rule, moments(text))) == sentence
