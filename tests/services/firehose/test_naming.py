"""Names of objects. Truth: the tables of "Understand custom prefixes for Amazon S3 objects" in the Firehose developer guide."""

from datetime import UTC, datetime

import pytest

from headwater.aws.faults import Fault
from headwater.services.firehose.naming import check_prefixes, evaluate, format_java, suffix

AT = datetime(2018, 8, 27, 10, 5, 9, 123456, tzinfo=UTC)
ALL = "failed/!{firehose:error-output-type}/y=!{timestamp:yyyy}/m=!{timestamp:MM}/d=!{timestamp:dd}/h=!{timestamp:HH}/"
EVALUATED = {
    "no prefix": ("", None, "2018/08/27/10/"),
    "a plain prefix": ("CDC/", None, "CDC/2018/08/27/10/"),
    "a plain prefix without a slash": ("CDC", None, "CDC2018/08/27/10/"),
    "an expression takes the place of the default": ("y=!{timestamp:yyyy}/m=!{timestamp:MM}/", None, "y=2018/m=08/"),
    "a random string alone gets the hour": ("r=!{firehose:random-string}/", None, "r=abc/2018/08/27/10/"),
    "quoted text is literal": ("!{timestamp:'year='yyyy'/month='MM}/", None, "year=2018/month=08/"),
    "a plain error prefix": ("errors/", "processing-failed", "errors/processing-failed/2018/08/27/10/"),
    "an error type that is placed": (
        "errors/!{firehose:error-output-type}/",
        "processing-failed",
        "errors/processing-failed/2018/08/27/10/",
    ),
    "everything placed": (ALL, "processing-failed", "failed/processing-failed/y=2018/m=08/d=27/h=10/"),
}


@pytest.mark.parametrize(("prefix", "error_type", "name"), EVALUATED.values(), ids=EVALUATED)
def test_a_prefix_is_evaluated(prefix: str, error_type: str | None, name: str) -> None:
    assert evaluate(prefix, AT, "abc", error_type) == name


PATTERNS = {
    "yyyy-MM-dd'T'HH:mm:ss": "2018-08-27T10:05:09",
    "yy M d H h a": "18 8 27 10 10 AM",
    "EEE EEEE MMM MMMM D": "Mon Monday Aug August 239",
    "ss.SSS": "09.123",
    "w Q": "35 3",
    "h 'o''clock'": "10 o'clock",
}


@pytest.mark.parametrize(("pattern", "text"), PATTERNS.items(), ids=PATTERNS)
def test_a_timestamp_is_written_as_java_writes_it(pattern: str, text: str) -> None:
    """Truth: java.time.format.DateTimeFormatter's documentation."""
    assert format_java(pattern, AT) == text


REFUSED = {
    "an expression without an error prefix": ("a/!{timestamp:yyyy}/", None),
    "an error type in the prefix": ("a/!{firehose:error-output-type}/", "e/!{firehose:error-output-type}/"),
    "an error prefix with expressions but no error type": ("!{timestamp:yyyy/MM/dd}", "!{timestamp:yyyy/MM/dd}"),
    "an unknown namespace": ("!{nothing:yyyy}", "e/!{firehose:error-output-type}/"),
    "an unclosed expression": ("!{timestamp:yyyy", "e/!{firehose:error-output-type}/"),
    "a letter that is no field": ("!{timestamp:bbbb}", "e/!{firehose:error-output-type}/"),
    "dynamic partitioning": ("!{partitionKeyFromQuery:x}/", "e/!{firehose:error-output-type}/"),
    "more than 512 characters": ("x" * 513, "errors/"),
}


@pytest.mark.parametrize(("prefix", "error_prefix"), REFUSED.values(), ids=REFUSED)
def test_a_prefix_is_refused(prefix: str, error_prefix: str | None) -> None:
    with pytest.raises(Fault, match="InvalidArgumentException"):
        check_prefixes(prefix, error_prefix)


def test_the_suffix_names_stream_version_and_arrival() -> None:
    assert suffix("AuroraChangesToS3", 1, AT, "u-u-i-d", ".gz") == "AuroraChangesToS3-1-2018-08-27-10-05-09-u-u-i-d.gz"
