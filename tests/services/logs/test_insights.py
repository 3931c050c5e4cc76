"""Insights queries. Truth: "CloudWatch Logs Insights query syntax" of the guide, command by command."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from headwater.aws.faults import Fault
from headwater.services.logs.insights_language import compile_query

ACCESS = [
    {"status": 200, "path": "/a", "ms": 10, "user": {"name": "ann"}},
    {"status": 500, "path": "/a", "ms": 30, "user": {"name": "bob"}},
    {"status": 200, "path": "/b", "ms": 20, "user": {"name": "ann"}},
]
PLAIN = ["user=eve, latency:=12 ms", "it's [ERROR] late", "REPORT RequestId: 1234\tDuration: 12.50 ms"]


@pytest.fixture
def asked(aws: Any, server: Any) -> Any:
    """`asked(query)`: its rows as dicts, over six events a second apart, the oldest first in ACCESS, then PLAIN."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")
    start = (int(server.home.clock.now().timestamp()) // 3600 - 1) * 3600
    messages = [json.dumps(one) for one in ACCESS] + PLAIN
    events = [{"timestamp": (start + number) * 1000, "message": message} for number, message in enumerate(messages)]
    logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=events)

    def asked(query: str, **options: Any) -> list[dict[str, str]]:
        identity = logs.start_query(logGroupName="app", startTime=start, endTime=start + 60, queryString=query, **options)["queryId"]
        for _ in range(400):
            answer = logs.get_query_results(queryId=identity)
            if answer["status"] not in ("Scheduled", "Running"):
                break
            time.sleep(0.02)
        assert answer["status"] == "Complete", answer
        assert answer["statistics"]["recordsScanned"] == 6
        return [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in answer["results"]]

    return asked


QUERIES: dict[str, tuple[str, list[dict[str, str]]]] = {
    "fields of JSON, the newest first": (
        "fields path, user.name as who | filter ispresent(path) | limit 2",
        [{"path": "/b", "who": "ann"}, {"path": "/a", "who": "bob"}],
    ),
    "counts by a field": (
        "stats count(*) as n, avg(ms) by path | filter ispresent(path) | sort n desc",
        [{"path": "/a", "n": "2", "avg(ms)": "20"}, {"path": "/b", "n": "1", "avg(ms)": "20"}],
    ),
    "numbers compared as numbers": ("filter status >= 500 | display ms", [{"ms": "30"}]),
    "one of several": ("filter status in [500, 404] and path in ['/a'] | display user.name", [{"user.name": "bob"}]),
    "an expression of the message": ("filter @message like /\\[ERR.R\\]/ | display @message", [{"@message": "it's [ERROR] late"}]),
    "without regard to case": ("filter @message like /(?i)error/ | stats count() as n", [{"n": "1"}]),
    "a part of the message": ('filter @message like "it\'s" | display strlen(@message) as n', [{"n": "17"}]),
    "not like": ("filter @message not like /user/ | stats count(*)", [{"count(*)": "2"}]),
    "parsed by a glob": (
        'parse @message "user=*, latency:=* ms" as who, took | filter ispresent(who) | display who, took + 1 as more',
        [{"who": "eve", "more": "13"}],
    ),
    "parsed by an expression": (
        "parse @message /user=(?<who>[a-z]+), (x|latency):=(?<took>\\d+)/ | filter took > 10 | display who, took",
        [{"who": "eve", "took": "12"}],
    ),
    "what Lambda reports": ("filter @type = 'REPORT' | display @duration * 2 as twice", [{"twice": "25"}]),
    "percentiles and the last": (
        "filter ms > 0 | stats pct(ms, 50) as middle, max(ms) as most, latest(path) as last, count_distinct(path) as paths",
        [{"middle": "20", "most": "30", "last": "/b", "paths": "2"}],
    ),
    "functions": (
        "filter status = 500 | display concat(toupper(user.name), '-', path) as a, abs(0 - ms) as b, substr(path, 1) as c, 7 % 4 as d",
        [{"a": "BOB-/a", "b": "30", "c": "a", "d": "3"}],
    ),
    "one of each": ("filter ispresent(path) | sort @timestamp asc | dedup path | display path", [{"path": "/a"}, {"path": "/b"}]),
    "or, not and comments": ("# only these\nfilter not (status = 200 or status = 500) | stats count(*) as n", [{"n": "3"}]),
    "a division by zero is nothing": ("filter status = 500 | display path, ms / 0 as none", [{"path": "/a"}]),
    "stats of stats": ("filter ms > 0 | stats sum(ms) as s by path | stats max(s) as m", [{"m": "40"}]),
    "a quote that would leave the text": ('filter @message = "\'; DROP TABLE raw; --" | stats count(*) as n', [{"n": "0"}]),
    "a coalesced value": ("filter status = 200 | sort ms asc | display coalesce(nothing, path) as p", [{"p": "/a"}, {"p": "/b"}]),
}


@pytest.mark.parametrize(("query", "rows"), QUERIES.values(), ids=QUERIES)
def test_a_query(asked: Any, query: str, rows: list[dict[str, str]]) -> None:
    assert asked(query) == rows


def test_bins_are_moments(asked: Any) -> None:
    (row,) = asked("stats count(*) as n by bin(1h) as hour")
    assert (row["n"], row["hour"][13:]) == ("6", ":00:00.000")


def test_without_commands_the_message_and_its_time_are_shown(asked: Any) -> None:
    rows = asked("limit 1")
    assert list(rows[0]) == ["@timestamp", "@message"]
    assert rows[0]["@message"] == PLAIN[-1]


MALFORMED = {
    "an unknown command": "select * from x",
    "an open parenthesis": "filter (a = 1",
    "an unknown function": "fields evil(@message)",
    "half a comparison": "filter a =",
    "a glob without names": 'parse @message "a=*"',
    "too deep": "filter " + "(" * 300 + "a" + ")" * 300,
}


@pytest.mark.parametrize("query", MALFORMED.values(), ids=MALFORMED)
def test_a_query_that_cannot_be_read(query: str) -> None:
    with pytest.raises(Fault) as refusal:
        compile_query(query)
    assert refusal.value.code == "MalformedQueryException"


def test_queries_are_listed_stopped_and_forgotten(aws: Any, refused: Any, clock: Any) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="app")
    with refused("MalformedQueryException", "unexpected"):
        logs.start_query(logGroupName="app", startTime=0, endTime=1, queryString="nonsense")
    identity = logs.start_query(logGroupNames=["app"], startTime=0, endTime=1, queryString="fields @message")["queryId"]
    assert [one["queryId"] for one in logs.describe_queries(logGroupName="app")["queries"]] == [identity]
    for _ in range(200):
        if logs.get_query_results(queryId=identity)["status"] == "Complete":
            break
        time.sleep(0.02)
    with refused("InvalidParameterException", "ended"):
        logs.stop_query(queryId=identity)
    clock.advance(timedelta(days=8))
    for _ in range(200):
        if not logs.describe_queries()["queries"]:
            break
        time.sleep(0.02)
    with refused("ResourceNotFoundException"):
        logs.get_query_results(queryId=identity)


def test_definitions_of_queries_are_kept(aws: Any, refused: Any) -> None:
    logs = aws.client("logs")
    identity = logs.put_query_definition(name="errors", queryString="filter @message like /ERROR/", logGroupNames=["app"])[
        "queryDefinitionId"
    ]
    logs.put_query_definition(queryDefinitionId=identity, name="errors", queryString="limit 3")
    (found,) = logs.describe_query_definitions(queryDefinitionNamePrefix="err")["queryDefinitions"]
    assert (found["queryDefinitionId"], found["queryString"]) == (identity, "limit 3")
    assert logs.delete_query_definition(queryDefinitionId=identity)["success"]
    with refused("ResourceNotFoundException"):
        logs.delete_query_definition(queryDefinitionId=identity)
