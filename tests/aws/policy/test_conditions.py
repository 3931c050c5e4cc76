"""Condition operators. Truth: "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys",
"Set operators for multivalued context keys" and "IAM policy elements: Variables and tags" of the user guide.
"""

import json
from typing import Any

import pytest

from headwater.aws.policy.documents import context_keys, parse
from headwater.aws.policy.question import Caller, Question

DEV = Caller(kind="user", arn="arn:aws:iam::123456789012:user/dev", account="123456789012")
FINANCE = "arn:aws:someservice:*:111122223333:finance/*"
STORE = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
BEYOND = "arn:aws:someservice:us-east-2:111122223333:finance/a:b/c"


def holds(block: dict[str, Any], values: dict[str, Any], version: str = "2012-10-17") -> bool:
    document = {"Version": version, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": block}}
    (statement,) = parse(json.dumps(document)).statements
    lower = {key.lower(): value for key, value in values.items()}
    return statement.applies(Question("s3:GetObject", "*", DEV, look_up=lower.get))


ONE_KEY = [
    # operator, the policy's values, the request's value (None: absent), whether it holds
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", ["a", "b"], "b", True),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "a*", "a*", True),
    ("StringEquals", "a", None, False),
    ("StringEquals", [], "a", False),
    ("stringequals", "a", "a", True),
    ("StringNotEquals", "a", "b", True),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", ["a", "b"], "c", True),
    ("StringNotEquals", "a", None, True),
    ("StringEqualsIgnoreCase", "Eu-Central-1", "eU-cENTRAL-1", True),
    ("StringNotEqualsIgnoreCase", "A", "a", False),
    ("StringLike", "eu-*", "eu-north-1", True),
    ("StringLike", "eu-*", "EU-north-1", False),
    ("StringLike", "t?.micro", "t2.micro", True),
    ("StringLike", "t?.micro", "t22.micro", False),
    ("StringLike", "*", "", True),
    ("StringLike", ["", "home/", "home/x/*"], "", True),
    ("StringNotLike", "eu-*", "us-east-1", True),
    ("StringNotLike", ["us-*", "eu-*"], "us-east-1", False),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", 10, "10", True),
    ("NumericNotEquals", "10", "11", True),
    ("NumericNotEquals", "10", None, True),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericGreaterThan", "3600", "3601", True),
    ("NumericGreaterThan", "3600", "yesterday", False),
    ("NumericGreaterThanEquals", "-1.5", "-1.5", True),
    ("DateEquals", "2020-01-01", "2020-01-01T00:00:00Z", True),
    ("DateNotEquals", "2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z", True),
    ("DateLessThan", "2020-04-01T00:00:00Z", "2020-03-31T23:59:59Z", True),
    ("DateLessThanEquals", "1577836800", "2020-01-01T00:00:00Z", True),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", "1577836801", False),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", "1577836801.5", True),
    ("DateGreaterThan", "2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00.001Z", True),
    ("DateGreaterThanEquals", "2020", "2019-12-31T23:59:59Z", False),
    ("DateGreaterThan", "2020-01-01", "tomorrow", False),
    ("Bool", "true", "true", True),
    ("Bool", True, "True", True),
    ("Bool", "false", "true", False),
    ("Bool", "true", None, False),
    ("Bool", "1", "1", False),
    ("BoolIfExists", "false", None, True),
    ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ6", False),
    ("BinaryEquals", "no base 64", "no base 64", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.255", True),
    ("IpAddress", "203.0.113.0/24", "203.0.114.0", False),
    ("IpAddress", "203.0.113.7", "203.0.113.7", True),
    ("IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", True),
    ("IpAddress", "2001:DB8:1234:5678::/64", "203.0.113.7", False),
    ("IpAddress", "0.0.0.0/0", "::1", False),
    ("IpAddress", "203.0.113.0/24", None, False),
    ("NotIpAddress", ["203.0.113.0/24", "198.51.100.0/24"], "198.51.100.1", False),
    ("NotIpAddress", ["203.0.113.0/24", "198.51.100.0/24"], "192.0.2.1", True),
    ("NotIpAddress", "203.0.113.0/24", None, True),
    ("ArnEquals", "arn:aws:sns:REGION:123456789012:TOPIC-ID", "arn:aws:sns:REGION:123456789012:TOPIC-ID", True),
    ("ArnEquals", "arn:aws:sns:*:123456789012:T?", "arn:aws:sns:eu-west-1:123456789012:T1", True),
    ("StringLike", FINANCE, STORE, True),
    ("ArnLike", FINANCE, STORE, False),
    ("ArnLike", FINANCE, BEYOND, True),
    ("ArnLike", FINANCE, "no ARN", False),
    ("ArnLike", "arn:aws:s3:::b*", "ARN:aws:s3:::b1", False),
    ("ArnLike", "*", "arn:aws:s3:::b", True),
    ("ArnLike", "arn:aws:*", "arn:aws:s3:::b", True),
    ("ArnNotLike", FINANCE, STORE, True),
    ("ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", False),
    ("ArnNotEquals", "arn:aws:s3:::b", None, True),
    ("ArnLikeIfExists", "arn:aws:s3:::b", None, True),
    ("ArnLikeIfExists", "arn:aws:s3:::b", "arn:aws:s3:::c", False),
    ("Null", "true", None, True),
    ("Null", "true", "x", False),
    ("Null", "false", "x", True),
    ("Null", False, None, False),
    ("StringNotEqualsIfExists", "a", None, True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a", "b"], None, True),
    ("ForAllValues:StringEquals", ["a", "b"], [], True),
    ("ForAllValues:StringEquals", ["a", "b"], [""], True),
    ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
    ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], False),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c"], False),
    ("ForAnyValue:StringEquals", ["a", "b"], None, False),
    ("ForAnyValue:StringEquals", ["a", "b"], [""], False),
    ("ForAnyValue:StringEqualsIfExists", ["a", "b"], None, True),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], True),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAnyValue:StringLike", "cost*", ["team", "costcenter"], True),
    ("Sounds", "a", "a", False),
]


@pytest.mark.parametrize(("operator", "wanted", "found", "expected"), ONE_KEY)
def test_an_operator(operator: str, wanted: Any, found: Any, expected: bool) -> None:
    assert holds({operator: {"aws:Key": wanted}}, {} if found is None else {"aws:Key": found}) is expected


def test_all_keys_and_all_operators_must_hold() -> None:
    block = {"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Bool": {"aws:c": "true"}}
    assert holds(block, {"aws:a": "1", "aws:b": "2", "aws:c": "true"})
    for lacking in ("aws:a", "aws:b", "aws:c"):
        assert not holds(block, {"aws:a": "1", "aws:b": "2", "aws:c": "true"} | {lacking: "other"})


def test_keys_have_no_case_not_even_a_tag_s_part_of_them() -> None:
    assert holds({"StringEquals": {"AWS:requestedregion": "eu-central-1"}}, {"aws:RequestedRegion": "eu-central-1"})
    assert holds({"StringEquals": {"aws:PrincipalTag/CostCenter": "7"}}, {"aws:principaltag/COSTCENTER": "7"})


VARIABLES = [
    ({"StringEquals": {"k": "${aws:username}"}}, {"k": "dev", "aws:username": "dev"}, True),
    ({"StringEquals": {"k": "${AWS:UserName}"}}, {"k": "dev", "aws:username": "dev"}, True),
    ({"StringEquals": {"k": "x-${aws:username}-y"}}, {"k": "x-dev-y", "aws:username": "dev"}, True),
    ({"StringLike": {"k": "home/${aws:username}/*"}}, {"k": "home/dev/a/b", "aws:username": "dev"}, True),
    ({"StringLike": {"k": "home/${aws:username}/*"}}, {"k": "home/devil/a", "aws:username": "de*"}, False),
    ({"StringLike": {"k": "home/${aws:username}/*"}}, {"k": "home/de*/a", "aws:username": "de*"}, True),
    ({"StringEquals": {"k": "${aws:PrincipalTag/team, 'company-wide'}"}}, {"k": "company-wide"}, True),
    ({"StringEquals": {"k": "${aws:PrincipalTag/team, 'company-wide'}"}}, {"k": "red", "aws:PrincipalTag/team": "red"}, True),
    ({"StringEquals": {"k": "${aws:PrincipalTag/cost center}"}}, {"k": "7", "aws:PrincipalTag/cost center": "7"}, True),
    ({"StringLike": {"k": "a${*}b${?}c${$}*"}}, {"k": "a*b?c$d"}, True),
    ({"StringLike": {"k": "a${*}b"}}, {"k": "axb"}, False),
    ({"StringEquals": {"k": "a${*}b"}}, {"k": "a*b"}, True),
    ({"StringEquals": {"k": "${aws:username}"}}, {"k": ""}, False),
    ({"StringEquals": {"k": ["${aws:username}", "x"]}}, {"k": "x"}, True),
    ({"StringNotEquals": {"k": "${aws:username}"}}, {"k": "x"}, False),
    ({"StringNotEquals": {"k": "${aws:username}"}}, {"k": "x", "aws:username": "dev"}, True),
    ({"StringNotEquals": {"k": "${aws:username}"}}, {"k": "dev", "aws:username": "dev"}, False),
    ({"StringEqualsIgnoreCase": {"k": "${aws:username}"}}, {"k": "DEV", "aws:username": "dev"}, True),
    ({"StringEquals": {"k": "${aws:TagKeys}"}}, {"k": "a", "aws:TagKeys": ["a", "b"]}, False),
    ({"StringEquals": {"k": "${}"}}, {"k": ""}, False),
    ({"ArnLike": {"k": "arn:aws:sns:*:*:${aws:username}"}}, {"k": "arn:aws:sns:r:1:dev", "aws:username": "dev"}, True),
    ({"ArnEquals": {"k": "${aws:PrincipalArn}"}}, {"k": "arn:aws:iam::1:user/a", "aws:PrincipalArn": "arn:aws:iam::1:user/a"}, True),
    ({"Bool": {"k": "${aws:flag}"}}, {"k": "true", "aws:flag": "true"}, True),
    ({"NumericEquals": {"k": "${aws:n}"}}, {"k": "1", "aws:n": "1"}, False),
]


@pytest.mark.parametrize(("block", "values", "expected"), VARIABLES)
def test_a_policy_variable(block: dict[str, Any], values: dict[str, Any], expected: bool) -> None:
    assert holds(block, values) is expected


def test_before_2012_a_variable_is_text() -> None:
    block = {"StringEquals": {"k": "${aws:username}"}}
    assert holds(block, {"k": "${aws:username}"}, version="2008-10-17")
    assert not holds(block, {"k": "dev", "aws:username": "dev"}, version="2008-10-17")


def test_a_value_is_looked_up_once_and_only_when_a_statement_names_it() -> None:
    asked: list[str] = []

    def look_up(key: str) -> str | None:
        asked.append(key)
        return None

    question = Question("s3:GetObject", "*", DEV, look_up=look_up)
    (statement,) = parse(
        json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringLikeIfExists": {"AWS:A": "x"}}}})
    ).statements
    assert asked == []
    assert statement.applies(question)
    assert statement.applies(question)
    assert asked == ["aws:a"]
    assert question.missing == {"aws:a"}


def test_the_keys_that_a_policy_names_are_listed_as_it_spells_them() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "arn:aws:s3:::b/${aws:username}",
            "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "${aws:userid}"}},
        },
    }
    assert context_keys(parse(json.dumps(document))) == ["aws:PrincipalTag/Team", "aws:userid", "aws:username"]
