"""What a decision costs: a user with 10 policies of 5 statements, as in `make bench`'s line "policy decision".

In process and without a server: the walk around it is in the other figures. Each question is a new one, as each request is.
"""

import json
import statistics
from dataclasses import dataclass
from time import perf_counter_ns

from headwater.aws.policy.documents import PolicySet, parse
from headwater.aws.policy.evaluation import Policies, decide
from headwater.aws.policy.question import Caller, Question

POLICIES = 10
BATCH = 200
BATCHES = 150
WANTED_US = 8.0
DEV = Caller(kind="user", arn="arn:aws:iam::123456789012:user/dev", account="123456789012", user_id="AIDAEXAMPLE")
VALUES = {"aws:requestedregion": "eu-central-1", "aws:username": "dev", "aws:sourceip": "203.0.113.7", "aws:multifactorauthpresent": "true"}
ASKED = {
    "hit": ("s3:GetObject", "arn:aws:s3:::lake-7/raw/dev/2026/part-0.parquet", True),
    "deny": ("s3:DeleteObject", "arn:aws:s3:::lake-7/raw/dev/2026/part-0.parquet", False),
    "with a condition": ("rds:CreateDBInstance", "arn:aws:rds:eu-central-1:123456789012:db:orders", True),
    "nothing allows": ("kinesis:PutRecord", "arn:aws:kinesis:eu-central-1:123456789012:stream/orders", False),
}


@dataclass
class Cost:
    """Microseconds of one decision."""

    question: str
    median_us: float
    p99_us: float


def policies() -> Policies:
    """Ten policies as people write them: reads, writes in one region, an own prefix, a guard, and something for another service."""
    return Policies(identity=PolicySet([parse(document, source=f"inline:p{number}") for number, document in enumerate(documents())]))


def documents(and_allow: str = "kinesis:DescribeStream") -> list[str]:
    """The policies' texts, of which each allows one action more."""
    return [_document(number, and_allow) for number in range(POLICIES)]


def _document(number: int, and_allow: str) -> str:
    lake = f"arn:aws:s3:::lake-{number}"
    careful = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    here = {"StringEquals": {"aws:RequestedRegion": [f"eu-west-{number}", "eu-central-1"]}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    statements = [
        {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": [lake, f"{lake}/*"]},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{lake}/raw/${{aws:username}}/*"},
        {"Effect": "Deny", "Action": "s3:Delete*", "Resource": f"{lake}/raw/*", "Condition": careful},
        {"Effect": "Allow", "Action": ["rds:CreateDBInstance", "lambda:CreateFunction"], "Resource": "*", "Condition": here},
        {"Effect": "Allow", "Action": ["logs:*", "cloudwatch:*", and_allow], "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def measure() -> list[Cost]:
    given = policies()
    return [_measured(name, given, *asked) for name, asked in ASKED.items()]


def _measured(name: str, given: Policies, action: str, resource: str, expected: bool) -> Cost:
    batches = []
    for _ in range(BATCHES):
        begun = perf_counter_ns()
        for _ in range(BATCH):
            decision = decide(Question(action, resource, DEV, look_up=VALUES.get), given)
        batches.append((perf_counter_ns() - begun) / BATCH / 1000)
        assert decision.allowed is expected
    batches.sort()
    return Cost(name, statistics.median(batches), batches[int(len(batches) * 0.99)])
