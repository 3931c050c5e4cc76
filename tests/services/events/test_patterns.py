"""The pattern language. Truth: "Comparison operators for use in event patterns" of the EventBridge user guide; how arrays, dots and what is
missing are seen is the recordings' (TestEventPattern, whose cases are named where one decided).
"""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.events.index import Index
from headwater.services.events.language import compiled
from headwater.services.events.leaves import leaves_of
from headwater.services.events.reading import InvalidPattern


def matches(pattern: Any, event: Any) -> bool:
    return compiled(json.dumps(pattern)).matches(leaves_of(event))


MATCHING: dict[str, tuple[Any, Any]] = {
    "a text": ({"a": ["x"]}, {"a": "x"}),
    "one of several": ({"a": ["y", "x"]}, {"a": "x", "b": 1}),
    "a number, however written": ({"a": [300]}, {"a": 300.0}),
    "true": ({"a": [True]}, {"a": True}),
    "null": ({"a": [None]}, {"a": None}),
    "an empty text": ({"a": [""]}, {"a": ""}),
    "an element of an array": ({"a": ["x"]}, {"a": ["w", "x"]}),
    "prefix": ({"a": [{"prefix": "x"}]}, {"a": "xy"}),
    "prefix without case": ({"a": [{"prefix": {"equals-ignore-case": "XY"}}]}, {"a": "xyz"}),
    "suffix": ({"a": [{"suffix": ".png"}]}, {"a": "a.png"}),
    "suffix without case": ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"a": "a.png"}),
    "equals without case": ({"a": [{"equals-ignore-case": "ALICE"}]}, {"a": "alice"}),
    "wildcard": ({"a": [{"wildcard": "dir/*/f*.txt"}]}, {"a": "dir/x/y/file.txt"}),
    "wildcard with itself": ({"a": [{"wildcard": r"a\*\\*"}]}, {"a": "a*\\b"}),
    "wildcard of nothing": ({"a": [{"wildcard": "*"}]}, {"a": ""}),
    "anything but a text": ({"a": [{"anything-but": "x"}]}, {"a": "y"}),
    "anything but a number": ({"a": [{"anything-but": [1, 2]}]}, {"a": 3}),
    "anything but texts, and null is none (content_anything_suffix_list_null)": ({"a": [{"anything-but": ["x"]}]}, {"a": None}),
    "anything but a prefix, and a number has none (content_anything_prefix_int_value)": (
        {"a": [{"anything-but": {"prefix": "i"}}]},
        {"a": 12},
    ),
    "anything but suffixes": ({"a": [{"anything-but": {"suffix": [".txt", ".md"]}}]}, {"a": "a.png"}),
    "anything but a wildcard": ({"a": [{"anything-but": {"wildcard": "*/init/*"}}]}, {"a": "dir/end/x"}),
    "anything but without case": ({"a": [{"anything-but": {"equals-ignore-case": ["on", "off"]}}]}, {"a": "IDLE"}),
    "a range": ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}),
    "equal numbers": ({"a": [{"numeric": ["=", 3.018e2]}]}, {"a": 301.8}),
    "at most": ({"a": [{"numeric": ["<=", -1]}]}, {"a": -1.0}),
    "a network": ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}),
    "a network of the sixth version": ({"a": [{"cidr": "2001:db8:1234:1a00::/64"}]}, {"a": "2001:0db8:1234:1a00:0000:0000:0000:0001"}),
    "an address, however written": ({"a": ["2001:db8::1"]}, {"a": "2001:0db8:0:0:0:0:0:1"}),
    "there": ({"a": [{"exists": True}]}, {"a": None}),
    "not there": ({"a": [{"exists": False}]}, {"b": 1}),
    "not there in what is not there (or-exists-parent)": (
        {"a": {"b": {"c": [{"anything-but": ["x"]}, {"exists": False}]}}},
        {"a": {"d": 1}},
    ),
    "not there: an object is no leaf": ({"a": [{"exists": False}]}, {"a": {"b": 1}}),
    "nested": ({"a": {"b": {"c": ["x"]}}}, {"a": {"b": {"c": "x"}}}),
    "a dot in the event (dot_joining_event)": ({"a": {"b": ["x"]}}, {"a.b": "x"}),
    "a dot in the pattern (dot_joining_pattern)": ({"a.b": ["x"]}, {"a": {"b": "x"}}),
    "either": ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}),
    "either, with all else": ({"c": [1], "$or": [{"a": ["x"]}, {"b": ["y"], "d": ["z"]}]}, {"c": 1, "b": "y", "d": "z"}),
    "either in an object": ({"a": {"$or": [{"b": [1]}, {"c": [2]}]}}, {"a": {"c": 2}}),
    "either in either": ({"$or": [{"$or": [{"a": [1]}, {"b": [2]}]}, {"c": [3]}]}, {"b": 2}),
    "two fields of one element": ({"a": {"x": [1], "y": [2]}}, {"a": [{"x": 1, "y": 3}, {"x": 1, "y": 2}]}),
    "fields of two arrays": ({"a": {"x": [1]}, "b": {"y": [2]}}, {"a": [{"x": 0}, {"x": 1}], "b": [{"y": 2}]}),
    "arrays in arrays": ({"a": {"b": {"x": [1], "y": [2]}}}, {"a": [{"b": [{"x": 1, "y": 9}]}, {"b": [{"x": 0}, {"x": 1, "y": 2}]}]}),
    "first that holds counts (operator_multiple_list)": ({"a": [{"exists": True}, {"prefix": "z"}]}, {"a": "x"}),
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "another text": ({"a": ["x"]}, {"a": "y"}),
    "a text is no number": ({"a": [5]}, {"a": "5"}),
    "true is not 1": ({"a": [1]}, {"a": True}),
    "null is no text (null_value)": ({"a": [None]}, {"a": "null"}),
    "an empty array is not null (arrays_empty_null)": ({"a": [None]}, {"a": []}),
    "missing": ({"a": ["x"]}, {"b": "x"}),
    "case": ({"a": ["x"]}, {"a": "X"}),
    "no such prefix": ({"a": [{"prefix": "x"}]}, {"a": "yx"}),
    "anything but, and missing (content_anything_but_string_missing)": ({"a": [{"anything-but": "x"}]}, {"b": "y"}),
    "anything but prefixes": ({"a": [{"anything-but": {"prefix": ["i", "o"]}}]}, {"a": "on"}),
    "anything but without case": ({"a": [{"anything-but": {"equals-ignore-case": "on"}}]}, {"a": "ON"}),
    "outside of the range": ({"a": [{"numeric": [">", 0, "<", 5]}]}, {"a": 5}),
    "no number for a range (numeric-null)": ({"a": [{"numeric": ["=", 0]}]}, {"a": None}),
    "true for a range": ({"a": [{"numeric": [">=", 1]}]}, {"a": True}),
    "outside of the network": ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}),
    "no address (content_ip_address_bad_type)": ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": 10}),
    "there, though it should not": ({"a": [{"exists": False}]}, {"a": 1}),
    "an object is no leaf": ({"a": [{"exists": True}]}, {"a": {"b": 1}}),
    "two dots too many (dot_joining_event)": ({"a": {"b": ["x"]}}, {"a.b": {"b": "x"}}),
    "fields of two elements": ({"a": {"x": [1], "y": [2]}}, {"a": [{"x": 1, "y": 3}, {"x": 0, "y": 2}]}),
    "neither": ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "y", "b": "x"}),
    "either, but not all else": ({"c": [1], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "x"}),
    "wildcard that wants more": ({"a": [{"wildcard": "ab*ba"}]}, {"a": "aba"}),
}


@pytest.mark.parametrize(("pattern", "event"), MATCHING.values(), ids=MATCHING)
def test_matches(pattern: Any, event: Any) -> None:
    assert matches(pattern, event)


@pytest.mark.parametrize(("pattern", "event"), OTHERS.values(), ids=OTHERS)
def test_does_not_match(pattern: Any, event: Any) -> None:
    assert not matches(pattern, event)


WRONG = {
    "[]": "Filter is not an object",
    "{": "Unexpected end-of-input",
    '{"a": 1}': '"a" must be an object or an array',
    '{"a": []}': "Empty arrays are not allowed",
    "{}": "Empty objects are not allowed",
    '{"a": {}}': "Empty objects are not allowed",
    '{"a": [["x"]]}': "Match value must be String, number, true, false, or null",
    '{"a": [{}]}': "Match expression name not found",
    '{"a": [{"prefix": "x", "suffix": "y"}]}': "Only one key allowed in match expression",
    '{"a": [{"exists": 1}]}': "exists match pattern must be either true or false.",
    '{"a": [{"anything-but": ["x", 1]}]}': "Inside anything but list, either all values are number or string",
    '{"a": [{"anything-but": {"cidr": "x"}}]}': "Unsupported anything-but pattern: cidr",
    '{"a": [{"numeric": ["~", 1]}]}': "Unrecognized numeric range operator: ~",
    '{"a": [{"numeric": [1]}]}': "Invalid member in numeric match: 1",
    '{"a": [{"numeric": ["<", 1, ">", 0]}]}': "Too many elements in numeric expression",
    '{"a": [{"numeric": [">", 5, "<", 1]}]}': "Bottom must be less than top",
    '{"a": [{"cidr": "10.0.0.0/32"}]}': "IPv4 mask bits must be < 32",
    '{"a": [{"wildcard": "x\\\\y"}]}': "Invalid escape character at pos 2",
    '{"$or": [{"a": [1]}]}': "There must have at least 2 Objects in $or relationship.",
    '{"$or": {"a": [1]}}': "It must be an Array followed with $or.",
    '{"$or": [1, 2]}': "Only JSON object is allowed in array of $or relationship.",
    '{"$or": [{"prefix": [1]}, {"b": [1]}]}': "prefix is Ruler reserved fieldName which cannot be used inside $or.",
}


@pytest.mark.parametrize("text", WRONG)
def test_is_refused(text: str) -> None:
    with pytest.raises(InvalidPattern, match=re.escape(WRONG[text])):
        compiled(text)


def test_a_pattern_of_too_many_ways_is_refused() -> None:
    branch = [{"a": [1]}, {"b": [1]}]
    pattern = {str(number): {"$or": branch} for number in range(11)}
    with pytest.raises(InvalidPattern, match="too complex"):
        compiled(json.dumps(pattern))


def test_a_pattern_of_depth_beyond_reason_is_refused() -> None:
    with pytest.raises(InvalidPattern, match="deep"):
        compiled('{"a":' * 5000)


values = st.sampled_from(["x", "xy", "y", "", 0, 1, 1.5, True, False, None])
names = st.sampled_from(["a", "b", "c"])
trees = st.recursive(values, lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3), max_leaves=12)
events = st.dictionaries(names, trees, max_size=3)
tests_ = st.sampled_from(
    [
        {"prefix": "x"},
        {"prefix": "xy"},
        {"prefix": ""},
        {"exists": True},
        {"exists": False},
        {"anything-but": "x"},
        {"numeric": [">", 0]},
        {"wildcard": "*y"},
    ]
)
fields = st.lists(values | tests_, min_size=1, max_size=3)
plain = st.dictionaries(
    names, st.recursive(fields, lambda below: st.dictionaries(names, below, min_size=1, max_size=2), max_leaves=4), min_size=1, max_size=3
)
patterns = plain | st.builds(lambda one, other: {"$or": [one, other]}, plain, plain)


@given(st.lists(patterns, max_size=12), st.lists(events, max_size=4), st.sets(st.integers(0, 11)))
def test_the_index_finds_what_asking_each_rule_finds(all_: list[Any], seen: list[Any], dropped: set[int]) -> None:
    index, kept = Index(), {}
    for number, pattern in enumerate(all_):
        index.put(str(number), compiled(json.dumps(pattern)))
        kept[str(number)] = pattern
    for number in dropped & set(range(len(all_))):
        index.drop(str(number))
        del kept[str(number)]
    for event in seen:
        assert set(index.matching(leaves_of(event))) == {name for name, pattern in kept.items() if matches(pattern, event)}


@given(st.lists(st.sampled_from(["a", "b", "*"]), max_size=6), st.lists(st.sampled_from("ab"), max_size=8).map("".join))
def test_a_wildcard_is_what_a_regular_expression_says(pieces: list[str], text: str) -> None:
    wild = re.sub(r"\*+", "*", "".join(pieces))
    expression = ".*".join(re.escape(piece) for piece in wild.split("*"))
    assert matches({"a": [{"wildcard": wild}]}, {"a": text}) == bool(re.fullmatch(expression, text, re.DOTALL))


objects = st.dictionaries(names, st.recursive(values, lambda below: st.dictionaries(names, below, max_size=3), max_leaves=8), max_size=3)


@given(objects)
def test_an_event_without_arrays_matches_all_its_own_values(event: dict[str, Any]) -> None:
    found = {
        path: [{"true": True, "false": False, "null": None}.get(repr(value), value)] for path, [(value, _)] in leaves_of(event).items()
    }
    if found:
        assert matches(found, event)
