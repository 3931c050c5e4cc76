"""What a user of post 11's architecture is told who names what is not there, or sends more than a service takes.

Truth: the API references of the services; sentences as users meet them. The limit of 5,000 records a second is S11's "Load".
"""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

UNKNOWN: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "a bucket": ("s3", "list_objects_v2", {"Bucket": "nowhere-at-all"}, "NoSuchBucket", "The specified bucket does not exist"),
    "a function": ("lambda", "invoke", {"FunctionName": "nothing"}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:"),
    "a stream": (
        "firehose",
        "put_record",
        {"DeliveryStreamName": "nowhere", "Record": {"Data": b"x"}},
        "ResourceNotFoundException",
        "Firehose nowhere under account",
    ),
    "a database cluster": ("rds", "describe_db_clusters", {"DBClusterIdentifier": "nowhere"}, "DBClusterNotFoundFault", "nowhere"),
    "a database instance": ("rds", "describe_db_instances", {"DBInstanceIdentifier": "nowhere"}, "DBInstanceNotFound", "nowhere"),
    "a warehouse": ("redshift", "describe_clusters", {"ClusterIdentifier": "nowhere"}, "ClusterNotFound", "nowhere"),
    "a warehouse of the Data API": (
        "redshift-data",
        "execute_statement",
        {"ClusterIdentifier": "nowhere", "Database": "shop", "DbUser": "admin", "Sql": "select 1"},
        "ValidationException",
        "Redshift endpoint doesn't exist in this region.",
    ),
    "a table of the catalog": ("glue", "get_table", {"DatabaseName": "nowhere", "Name": "sales"}, "EntityNotFoundException", "nowhere"),
    "a role": ("iam", "get_role", {"RoleName": "nobody"}, "NoSuchEntity", "The role with name nobody cannot be found."),
}


@pytest.mark.parametrize(("service", "operation", "asked", "code", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_there_is_named(
    aws: Any, refused: Any, service: str, operation: str, asked: dict[str, Any], code: str, words: str
) -> None:
    with refused(code, words):
        getattr(aws.client(service), operation)(**asked)


@pytest.fixture
def limited(start_server: Callable[..., Any], account_on: Callable[..., Any]) -> Any:
    """The post's stream on a server whose limit is the post's: 5,000 records a second."""
    import architecture

    server = start_server(firehose_records_per_second_max=5000)
    aws = account_on(server, architecture.ACCOUNT)
    architecture.FLUSH_S = 1
    architecture.build_stream(aws)
    return aws


def put_all(aws: Any, records: list[bytes]) -> Counter[str]:
    """Batches of 500 over four connections, what is refused sent again at once; how often it was, by the error's code."""
    slowed: Counter[str] = Counter()

    def put(mine: list[bytes]) -> None:
        firehose = aws.client("firehose")
        while mine:
            batch, mine = mine[:500], mine[500:]
            try:
                answers = firehose.put_record_batch(DeliveryStreamName="AuroraChangesToS3", Records=[{"Data": each} for each in batch])
            except firehose.exceptions.ServiceUnavailableException:
                slowed["whole batches"] += 1
                mine = mine + batch
                continue
            failed = [each for each, answer in zip(batch, answers["RequestResponses"], strict=True) if "ErrorCode" in answer]
            assert answers["FailedPutCount"] == len(failed)
            slowed.update(answer["ErrorCode"] for answer in answers["RequestResponses"] if "ErrorCode" in answer)
            mine = mine + failed

    threads = [threading.Thread(target=put, args=(records[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return slowed


@pytest.mark.slow
def test_twenty_thousand_records_at_once_are_slowed_down_and_retries_deliver_all(limited: Any) -> None:
    import architecture
    import checks

    lines = [f"{number},Garden,10.00,2,2016-01-05 00:00:00,WA,Free,Other" for number in range(20_000)]
    slowed = put_all(limited, [f"{line}\n".encode() for line in lines])
    assert set(slowed) <= {"ServiceUnavailableException", "whole batches"}
    assert slowed.total() > 0
    lake = checks.Lake(limited.client("s3"))
    for _ in range(100):
        if lake.look(Counter(lines)) >= len(lines):
            break
        architecture.time.sleep(0.1)
    assert lake.lines == Counter(lines)
