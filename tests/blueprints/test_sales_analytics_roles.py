"""Each step of post 11 runs under its own role: what is taken from a role stops where a user of AWS would see it stop.

Truth: scenario S11's failure cases, and each service's page on its role (Aurora and Lambda, Lambda's execution role, Firehose's access).
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.slow
GARDEN = (1, "Garden", 10, 2, "2016-01-05", "WA", "Free")


@pytest.fixture
def taken_away(post: Any) -> Callable[[str, str], contextlib.AbstractContextManager[None]]:
    """`with taken_away("cdc-function", "firehose:PutRecord"): ...`: the role is denied the action meanwhile."""
    iam = post.aws.client("iam")

    @contextlib.contextmanager
    def without(role: str, action: str) -> Iterator[None]:
        denied = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
        iam.put_role_policy(RoleName=role, PolicyName="taken-away", PolicyDocument=json.dumps(denied))
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=role, PolicyName="taken-away")

    return without


def test_sql_may_not_invoke_and_the_insert_fails(post: Any, taken_away: Any, insert_fails: Callable[..., str], word: str) -> None:
    with taken_away("aurora-lambda", "lambda:InvokeFunction"):
        words = insert_fails()
    assert words.startswith(
        "Lambda API returned error: Access denied: User: arn:aws:sts::123456789012:assumed-role/aurora-lambda/sales is not"
    )
    post.insert((*GARDEN, word))
    post.arrived(word, 1)


def test_the_function_may_not_write_to_the_stream_and_its_log_says_so(post: Any, taken_away: Any, word: str) -> None:
    with taken_away("cdc-function", "firehose:PutRecord"):
        post.insert((*GARDEN, word))
        log = post.logged_until("AccessDeniedException")
    stream = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{post.architecture.STREAM}"
    assert f"is not authorized to perform: firehose:PutRecord on resource: {stream}" in log


def test_firehose_may_not_write_and_what_it_holds_arrives_once_it_may_again(post: Any, taken_away: Any, word: str) -> None:
    with taken_away("firehose-delivery", "s3:PutObject"):
        post.insert((*GARDEN, word))
        time.sleep(3)
        assert post.lines(word).total() == 0
    post.arrived(word, 1)
