"""Filter patterns. Truth: FilterAndPatternSyntax of the CloudWatch Logs guide, whose examples these are, or are like."""

import pytest

from headwater.aws.faults import Fault
from headwater.services.logs.patterns import compiled

MATCHES = {
    "nothing means everything": ("", "anything"),
    "a word": ("ERROR", "[ERROR] 419: MISSING"),
    "all words, in any order": ("ARGUMENTS ERROR", "[ERROR 419] MISSING ARGUMENTS"),
    "a phrase": ('"INTERNAL SERVER ERROR"', "500 INTERNAL SERVER ERROR here"),
    "one of the words": ("?ERROR ?ARGUMENTS", "UNAUTHORIZED ARGUMENTS"),
    "a word and not another": ("ERROR -EXITING", "ERROR CODE 400"),
    "a regular expression": ("%AUTHORIZED|ERR[A-Z]+%", "got ERROR"),
    "a member equal to a text": ('{ $.eventType = "UpdateTrail" }', '{"eventType": "UpdateTrail"}'),
    "a member of a member": ("{ $.user.name = root }", '{"user": {"name": "root"}}'),
    "an element of a list": ('{ $.arr[0] = "value" }', '{"arr": ["value", 2]}'),
    "a wildcard": ('{ $.ip = "123.123.*" }', '{"ip": "123.123.4.5"}'),
    "a number compared": ("{ $.latency >= 100.5 }", '{"latency": 101}'),
    "not equal": ("{ $.code != 200 }", '{"code": 404}'),
    "null": ("{ $.a IS NULL }", '{"a": null}'),
    "true": ("{ $.ok IS TRUE }", '{"ok": true}'),
    "absent": ("{ $.other NOT EXISTS }", '{"a": 1}'),
    "and before or": ("{ $.a = 1 && $.b = 2 || $.c = 3 }", '{"c": 3}'),
    "parentheses": ("{ ($.a = 1 || $.b = 2) && $.c = 3 }", '{"b": 2, "c": 3}'),
    "so many columns": ("[ip, user, status]", "127.0.0.1 frank 200"),
    "a column with a condition": (
        "[ip, ..., status_code = 4*, bytes]",
        '127.0.0.1 - frank [10/Oct/2000 -0700] "GET /x" 404 1534',
    ),
    "columns compared as numbers": ("[..., size > 1000]", "a b 1534"),
    "columns with one of two values": ("[level = ERROR || level = WARN, ...]", "WARN it is late"),
    "a quoted column": ('[ip, request = "*html*", status]', '10.0.0.1 "GET /index.html HTTP/1.0" 200'),
    "columns without names": ("[,,status = 200]", "a b 200"),
    "a column like an expression": ("[ip = %127\\.0\\.0\\.[1-3]%, ...]", "127.0.0.2 x"),
    "true as a word": ("{ $.ok = true }", '{"ok": true}'),
    "json behind a prefix": ("{ $.a = 1 }", '2026-01-01 {"a": 1}'),
}
MISSES = {
    "case differs": ("error", "ERROR"),
    "one of two words": ("ERROR ARGUMENTS", "ERROR only"),
    "an excluded word": ("ERROR -EXITING", "ERROR EXITING"),
    "not json": ("{ $.a = 1 }", "a = 1"),
    "more columns": ("[ip, user]", "127.0.0.1 frank 200"),
    "a text that is no number": ("[..., size > 1000]", "a b c"),
    "an absent member": ("{ $.a != 1 }", '{"b": 1}'),
    "a text is no number": ("{ $.a = 1 }", '{"a": "x"}'),
    "both must hold": ("{ $.a = 1 && $.b = 2 }", '{"a": 1, "b": 3}'),
}
REFUSED = {
    "an open condition": "{ $.a = 1",
    "no comparison": "{ $.a }",
    "a comparison of texts by size": '{ $.a > "x" }',
    "columns that are not closed": "[ip, user",
    "two ellipses": "[..., a, ...]",
    "a condition on another column": "[a, b, c = 1 || d = 2]",
    "a broken expression": "%(%",
    "an open phrase": '"abc',
}


@pytest.mark.parametrize(("pattern", "message"), MATCHES.values(), ids=MATCHES)
def test_a_pattern_means_the_message(pattern: str, message: str) -> None:
    assert compiled(pattern)(message)


@pytest.mark.parametrize(("pattern", "message"), MISSES.values(), ids=MISSES)
def test_a_pattern_does_not_mean_the_message(pattern: str, message: str) -> None:
    assert not compiled(pattern)(message)


@pytest.mark.parametrize("pattern", REFUSED.values(), ids=REFUSED)
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(Fault, match="Invalid filter pattern"):
        compiled(pattern)
