"""`pytest --headwater`: fixtures for whoever tests code that calls AWS. Truth: issue 5, item 7."""

import io
import json
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from users import User, allow, role

pytest_plugins = ["pytester"]
SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture
def user_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a user's tests in a project of their own, with the plug-in alone: `user_runs(source, "--headwater")`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (pytester.path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(pytester.path / "tmp"))

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "headwater.testing.plugin", "-W", "error", *options)

    return run


def test_each_test_has_an_account_of_its_own_and_the_environment_leads_there(user_runs: Any, pytester: pytest.Pytester) -> None:
    ended = user_runs(
        """
        import os
        import boto3, pytest

        accounts = set()

        @pytest.mark.parametrize("turn", [1, 2])
        def test_a_bucket(headwater, turn):
            s3 = headwater.client("s3")
            s3.create_bucket(Bucket=f"lake-{turn}")
            assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [f"lake-{turn}"]
            by_itself = boto3.client("sts")
            assert by_itself.get_caller_identity()["Account"] == headwater.account
            by_itself.close()
            assert by_itself.meta.endpoint_url == headwater.endpoint_url == os.environ["AWS_ENDPOINT_URL"]
            accounts.add(headwater.account)

        def test_they_were_two():
            assert len(accounts) == 2
            assert "AWS_ENDPOINT_URL" not in os.environ and "AWS_ACCESS_KEY_ID" not in os.environ
        """,
        "--headwater",
    )
    ended.assert_outcomes(passed=3)
    assert list((pytester.path / "tmp").glob("headwater-*")) == []


def test_the_clock_is_moved_and_is_as_before_after_the_test(user_runs: Any) -> None:
    ended = user_runs(
        """
        from datetime import UTC, datetime, timedelta

        def test_a_key_that_is_deleted_next_month(headwater, headwater_clock):
            kms = headwater.client("kms")
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
            before = headwater_clock.now()
            assert headwater_clock.advance(days=29) - before >= timedelta(days=29)
            assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"

        def test_a_moment(headwater_clock):
            assert abs(headwater_clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
            march = datetime(2027, 3, 1, 3)
            assert headwater_clock.freeze(march) == march.replace(tzinfo=UTC) == headwater_clock.now()
            assert headwater_clock.advance(timedelta(hours=1), minutes=30) == datetime(2027, 3, 1, 4, 30, tzinfo=UTC)
            assert headwater_clock.resume() >= datetime(2027, 3, 1, 4, 30, tzinfo=UTC)
            assert abs(headwater_clock.reset() - datetime.now(UTC)) < timedelta(seconds=5)
        """,
        "--headwater",
        "-p",
        "no:randomly",
    )
    ended.assert_outcomes(passed=2)


def test_a_server_that_is_there_is_used_and_its_clock_is_put_back(
    user_runs: Any, monkeypatch: pytest.MonkeyPatch, start_server: Any
) -> None:
    server = start_server()
    server.call(server.home.move_clock(lambda clock: clock.freeze()))
    stands = server.home.clock.now()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
    ended = user_runs(
        """
        def test_there(headwater, headwater_clock, request):
            headwater_clock.advance(days=400)
            headwater_clock.resume()
            headwater.client("sts").get_caller_identity()
            print("it answers on", headwater.endpoint_url)
        """,
        "--headwater",
        "-s",
    )
    ended.assert_outcomes(passed=1)
    ended.stdout.fnmatch_lines([f"*it answers on {server.endpoint_url}*"])
    assert server.home.clock.now() == stands


def test_an_endpoint_without_a_headwater_is_told_in_words(user_runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ended = user_runs("def test_there(headwater): pass", "--headwater")
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(["*no Headwater answers on http://127.0.0.1:9*"])


def test_without_the_option_nothing_is_imported_and_the_fixtures_say_what_is_missing(user_runs: Any) -> None:
    ended = user_runs(
        """
        import sys

        def test_nothing_came_along():
            known = {"headwater", "headwater.testing", "headwater.testing.plugin"}
            assert {name for name in sys.modules if name.startswith("headwater")} == known
            assert not {"boto3", "botocore", "msgspec", "structlog"} & sys.modules.keys()

        def test_asks_for_it(headwater): pass
        """
    )
    ended.assert_outcomes(passed=1, errors=1)
    ended.stdout.fnmatch_lines(["*run pytest with --headwater*"])


CALLS = """
import boto3, json, os

def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket=event["bucket"], Key=event["key"], Body=b"called")
    return boto3.client("sts").get_caller_identity()["Arn"]
"""


@pytest.mark.slow
def test_nobody_is_refused_when_the_clock_moves_by_400_days(start_server: Any, account_on: Any) -> None:
    """A function and two clients, one of them with an IAM user's keys, keep calling meanwhile. DESIGN.md §7."""
    server = start_server()
    account = account_on(server, "123456789012")
    account.client("s3").create_bucket(Bucket="lake-of-the-clock")
    worker = role(account, "worker", "lambda.amazonaws.com", allow(["s3:*", "logs:*"]))
    functions = account.client("lambda")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CALLS)
    functions.create_function(
        FunctionName="caller", Runtime="python3.11", Role=worker, Handler="index.handler", Code={"ZipFile": packed.getvalue()}
    )
    dev = User(account, allow("lambda:InvokeFunction"))
    over = threading.Event()
    answered = [0, 0]

    def keep_calling(place: int, client: Any) -> None:
        while not over.is_set():
            event = json.dumps({"bucket": "lake-of-the-clock", "key": str(place)})
            answer = client.invoke(FunctionName="caller", Payload=event)
            said = answer["Payload"].read()
            assert "FunctionError" not in answer, said
            assert b"assumed-role/worker/" in said
            answered[place] += 1

    functions.get_waiter("function_active_v2").wait(FunctionName="caller")
    with ThreadPoolExecutor(2) as threads:
        calling = [threads.submit(keep_calling, place, client) for place, client in enumerate((functions, dev.client("lambda")))]
        try:
            for _ in range(5):
                before = list(answered)
                while any(now < was + 3 for now, was in zip(answered, before, strict=True)):
                    assert not any(each.done() for each in calling), [each.exception() for each in calling if each.done()]
                    time.sleep(0.02)
                server.call(server.home.advance(timedelta(days=100)))
        finally:
            over.set()
        assert [each.exception() for each in calling] == [None, None]
