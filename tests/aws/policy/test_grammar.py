"""What is refused when a policy is written. Truth: AWS's answers to these documents, as moto's maintainers took them from AWS
(getmoto/moto, tests/test_iam/test_iam_policies.py: the documents and sentences are facts, the code here is ours); for the kinds
that moto does not check, the grammar in the user guide and the sentences that users quote.
"""

import json
from typing import Any, get_args

import pytest

from headwater.aws.faults import Fault
from headwater.aws.policy.documents import Kind, check, parse

RESOURCE = "arn:aws:s3:::example_bucket"
GOOD = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": RESOURCE}
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
COLON = "Actions/Condition can contain only one colon."
GREATER = "Policy document must be version 2012-10-17 or greater."
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."


def of(*statements: Any, **members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | members)


def good(without: str = "", **changed: Any) -> dict[str, Any]:
    return {name: value for name, value in (GOOD | changed).items() if name != without}


def when(**block: Any) -> dict[str, Any]:
    return good(Condition={name.replace("__", ":"): value for name, value in block.items()})


REFUSED = {
    "no JSON": ("This is not a json document", SYNTAX),
    "JSON of something else": ('"text"', SYNTAX),
    "no version": (json.dumps({"Statement": GOOD}), GREATER),
    "the old version": (of(GOOD, Version="2008-10-17"), GREATER),
    "a version that never was": (of(GOOD, Version="2013-10-17"), SYNTAX),
    "no statement": (json.dumps({"Version": "2012-10-17"}), SYNTAX),
    "an empty list of statements": (of(), SYNTAX),
    "a statement that is a text": (of("afd"), SYNTAX),
    "an unknown member": (of(GOOD, **{"Extra field": "value"}), SYNTAX),
    "an unknown member of a statement": (of(good(**{"Extra field": "value"})), SYNTAX),
    "an Id that is a list": (of(GOOD, Id=["cd3a324d"]), SYNTAX),
    "an Id that is an object": (of(GOOD, Id={}), SYNTAX),
    "an unknown effect": (of(good(Effect="invalid")), SYNTAX),
    "no effect": (of(good("Effect")), SYNTAX),
    "an effect in other letters": (of(good(Effect="denY")), LEGACY),
    "a wrong effect under no version": (json.dumps({"Statement": good(Effect="denY")}), GREATER),
    "an action without a vendor": (of(good(Action="invalid")), VENDOR),
    "an empty NotAction": (of(good("Action", NotAction="")), VENDOR),
    "a vendor with a blank": (of(good(Action="a a:ListBucket")), "Vendor a a is not valid"),
    "a star in a vendor": (of(good(Action="s3*:ListBucket")), "Vendor s3* is not valid"),
    "two colons": (of(good(Action="s3:List:Bucket")), COLON),
    "two colons in the second statement": (of(good(Action="s3s:ListBucket"), good(Action="s:3s:ListBucket")), COLON),
    "no action": (of(good("Action")), NO_ACTIONS),
    "an empty list of actions": (of(good(Action=[])), NO_ACTIONS),
    "nothing but an effect": (of({"Effect": "Deny"}, GOOD), NO_ACTIONS),
    "Action and NotAction": (of(good(NotAction="iam:dsf")), SYNTAX),
    "an empty Action and NotAction": (of(good(Action=[], NotAction="s3s:ListBucket")), SYNTAX),
    "an action that is a list of lists": (of(good(Action=[[]])), SYNTAX),
    "an action that is an object": (of(good(Action={})), SYNTAX),
    "no resource": (of(good("Resource")), NO_RESOURCES),
    "an empty list of resources": (of(good(Resource=[])), NO_RESOURCES),
    "no resource and a wrong action": (of({"Effect": "Allow", "Action": "invalid"}), VENDOR),
    "Resource and NotResource": (of(good(NotResource="*")), SYNTAX),
    "a resource that is an object": (of(good(Resource={"a": RESOURCE})), SYNTAX),
    "a resource that is no text": (of(good(Resource=["adfdf", {}])), SYNTAX),
    "a resource that is no ARN": (of(good(Resource="invalid resource")), 'Resource invalid resource must be in ARN format or "*".'),
    "an empty resource": (of(good(Resource="")), 'Resource  must be in ARN format or "*".'),
    "a wrong resource before a wrong action": (of(good(Action="s:3:L", Resource="sdf")), 'Resource sdf must be in ARN format or "*".'),
    "a partition that is none": (of(good(Resource="a:bs")), 'Partition "bs" is not valid for resource "arn:bs:*:*:*:*".'),
    "a partition and a service": (of(good(Resource="a:b:ca")), 'Partition "b" is not valid for resource "arn:b:ca:*:*:*".'),
    "a partition and all": (of(good(Resource="a:b:c:d:e:f:g:h")), 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".'),
    "a forgotten arn:": (of(good(Resource="aws:s3:::bucket")), 'Partition "s3" is not valid for resource "arn:s3:::bucket:*".'),
    "an ARN that ends early": (of(good(Resource="arn:aws")), "Resource vendor must be fully qualified and cannot contain regexes."),
    "an S3 ARN with a colon too few": (of(good(Resource="arn:aws:s3::example_bucket")), LEGACY),
    "the same in NotResource": (of(good("Resource", NotResource="arn:aws:s3::example_bucket")), LEGACY),
    "an ARN without a service": (of(good(Resource="arn:aws::::example_bucket")), LEGACY),
    "an ARN without a service, shorter": (of(good(Resource="arn:aws::fdsasf")), LEGACY),
    "an IAM resource of no path": (
        of(good(Resource="arn:aws:iam:::example")),
        'IAM resource path must either be "*" or start with user/, fed',
    ),
    "IAM in a region": (of(good(Resource="arn:aws:iam:us-east-1::x")), "IAM resource arn:aws:iam:us-east-1::x cannot contain region"),
    "a bucket in a region": (of(good(Resource="arn:aws:s3:us-east-1::x")), "Resource arn:aws:s3:us-east-1::x can not contain region"),
    "a condition that is a list": (of(good(Condition=[])), SYNTAX),
    "a condition that is a text": (of(good(Condition="a")), SYNTAX),
    "an operator with a text": (of(when(a="b")), SYNTAX),
    "an operator with a list": (of(when(DateGreaterThan=[])), SYNTAX),
    "a value that is an object": (of(when(DateGreaterThan={"a": {}})), SYNTAX),
    "a value that is null": (of(when(StringEquals={"a": None})), SYNTAX),
    "an unknown operator": (of(when(x={"a": "1"})), SYNTAX),
    "two colons in an operator": (of(when(**{"ForAnyValue::StringEqualsIfExists": {"a": "asf"}})), SYNTAX),
    "NullIfExists": (of(when(NullIfExists={"a": "true"})), SYNTAX),
    "Null of neither true nor false": (of(when(Null={"a": "perhaps"})), LEGACY),
    "a date that is none": (of(when(DateGreaterThan={"a": "sdfdsf"})), LEGACY),
    "a date before a missing action": (of({"Effect": "Allow", "Condition": {"DateGreaterThan": {"a": "sdfdsf"}}}), LEGACY),
    "a month that is none": (of(when(DateLessThanEquals={"a": "234-13"})), LEGACY),
    "a zone of one digit": (of(when(DateLessThanEquals={"a": "2016-12-13t2:00:00.593194+1"})), LEGACY),
    "a fraction too fine": (of(when(DateLessThanEquals={"a": "2016-12-13t2:00:00.1999999999+10:59"})), LEGACY),
    "seconds beyond 64 bits": (of(when(DateLessThan={"a": "9223372036854775808"})), LEGACY),
    "a number that is none": (of(when(NumericLessThan={"a": "ten"})), LEGACY),
    "an address that is none": (of(when(IpAddress={"aws:SourceIp": "10.0.0.0/33"})), LEGACY),
    "a Sid that is an object": (of(good(Sid={})), SYNTAX),
    "a Sid twice": (of(good(Sid="sdf"), {"Sid": "sdf", "Effect": "Allow"}), "Statement IDs (SID) in a single policy must be unique."),
    "a principal": (of(good(Principal="*")), "Policy document should not specify a principal."),
}


@pytest.mark.parametrize(("document", "sentence"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("kind", ["identity", "session"])
def test_an_identity_policy_is_refused(document: str, sentence: str, kind: Kind) -> None:
    with pytest.raises(Fault) as refused:
        check(document, kind)
    assert refused.value.code == "MalformedPolicyDocument"
    assert refused.value.message.startswith(sentence)


ACCEPTED = {
    "a list of resources": good(Resource=[RESOURCE, "*"]),
    "an action of blanks": good(Action="iam: asdf safdsf af "),
    "a star for an action": good(Action="*"),
    "a star for a vendor": good(Action="*:ListBucket"),
    "nothing behind a vendor": good(Action="s3:"),
    "a vendor that does not exist": good(Action="aaaaaadsfdsafsadfsadfaaaaa:ListBucket"),
    "a vendor with a hyphen": good(Action="s3-s:ListBucket"),
    "a vendor with a point": good(Action="s3.s:ListBucket"),
    "a user": good(Resource="arn:aws:iam:::user/example_bucket"),
    "a service that does not exist": good(Resource="arn:aws:invalid-service:us-east-1::example_bucket"),
    "an ARN of three fields": good(Resource="arn:aws:fdsasf"),
    "an ARN of four fields": good(Resource="arn:aws:sqs:us-east-1"),
    "an ARN of five fields": good(Resource="arn:aws:sqs:us-east-1:111111111111"),
    "an ARN that a star ends": good(Resource=["arn:aws:s3:*", "arn:aws:*"]),
    "an access point, which has a region": good(Resource="arn:aws:s3:us-west-2:123456789012:accesspoint/my-access-point/object/*"),
    "every IAM resource": good(Resource="arn:aws:iam::*:*"),
    "a variable": good(Resource="arn:aws:iam::*:user/${aws:username}"),
    "no condition": good(Condition={}),
    "an operator without keys": when(DateGreaterThan={}),
    "an unknown operator without keys": when(x={}, y={}),
    "a key without values": when(DateGreaterThan={"a": []}),
    "a set operator": when(ForAllValues__StringEquals={"aws:TagKeys": "Department"}),
    "a set operator with IfExists": when(ForAnyValue__StringEqualsIfExists={"a": "asf"}),
    "a year": when(DateGreaterThan={"a": "01T"}),
    "a date": when(DateLessThanEquals={"a": "2019-07-01T13:20:15Z"}),
    "a date with a fraction": when(DateLessThanEquals={"a": "2016-12-13T21:20:37.593194+00:00"}),
    "a date in small letters": when(DateLessThanEquals={"a": "2016-12-13t2:00:00.593194+23"}),
    "seconds before 1970": when(DateLessThan={"a": "-292275054"}),
    "a number and a boolean": when(NumericLessThan={"a": 5}, Bool={"b": True}),
    "an address and a network": when(IpAddress={"aws:SourceIp": ["203.0.113.7", "2001:DB8:1234:5678::/64"]}),
    "NotAction and NotResource": {"Effect": "Allow", "NotAction": "s3:ListBucket", "NotResource": "*"},
    "an empty Sid": good(Sid=""),
}


@pytest.mark.parametrize("statement", ACCEPTED.values(), ids=ACCEPTED)
def test_an_identity_policy_passes(statement: dict[str, Any]) -> None:
    for kind in ("identity", "session", "control"):
        check(of(statement), kind)  # type: ignore[arg-type]  # the loop's variable is a str to mypy
    assert len(parse(of(statement)).statements) == 1


def test_two_statements_without_a_sid_pass() -> None:
    check(of(good(Sid=""), good(Sid=""), GOOD, GOOD, good(Sid="sdf"), Id="sdfsdfsdf"), "identity")


OPEN = good(Principal="*")
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_service_control_policies_have_one_sentence_for_everything() -> None:
    for document in ("{", of(OPEN), of({"Effect": "Deny", "NotPrincipal": "*", "Action": "*", "Resource": "*"}), of(good("Resource"))):
        with pytest.raises(Fault, match="does not meet the requirements of the specified policy type"):
            check(document, "control")
    check(of(good(Action="*", Resource="*"), when(StringEquals={"aws:RequestedRegion": "eu-central-1"})), "control")


WITH_PRINCIPAL = {
    "no JSON": ("{", "This policy contains invalid Json"),
    "no principal": (of(GOOD), "Missing required field Principal"),
    "no effect": (of(OPEN | {"Effect": None}), "Missing required field Effect"),
    "an effect in other letters": (of(OPEN | {"Effect": "allow"}), "Invalid effect: allow"),
    "no action": (of({"Effect": "Allow", "Principal": "*", "Resource": "*"}), "Missing required field Action"),
    "no resource": (of({"Effect": "Allow", "Principal": "*", "Action": "s3:*"}), "Missing required field Resource"),
    "everyone but one": (of({**GOOD, "NotPrincipal": {"AWS": "123456789012"}}), "Allow with NotPrincipal is not allowed."),
    "Principal and NotPrincipal": (of({**OPEN, "Effect": "Deny", "NotPrincipal": "*"}), SYNTAX),
    "a name for an account": (of(good(Principal={"AWS": "bob"})), 'Invalid principal in policy: "AWS":"bob"'),
    "an ARN of another service": (of(good(Principal={"AWS": "arn:aws:s3:::b"})), "Invalid principal in policy"),
    "a star in a name": (of(good(Principal={"AWS": "arn:aws:iam::123456789012:role/*"})), "Invalid principal in policy"),
    "an unknown kind of principal": (of(good(Principal={"Robot": "x"})), 'Invalid principal in policy: "ROBOT"'),
    "no kind of principal": (of(good(Principal={})), "Invalid principal in policy."),
    "an unknown operator": (of(OPEN | {"Condition": {"Sounds": {"a": "b"}}}), "Invalid Condition type : Sounds."),
    "a condition that is a text": (of(OPEN | {"Condition": "a"}), SYNTAX),
    "a Sid twice": (of(OPEN | {"Sid": "a b"}, OPEN | {"Sid": "a b"}), "Statement IDs (SID) in a single policy must be unique."),
}


@pytest.mark.parametrize(("document", "sentence"), WITH_PRINCIPAL.values(), ids=WITH_PRINCIPAL)
@pytest.mark.parametrize("kind", ["resource", "key"])
def test_a_resource_s_policy_is_refused(document: str, sentence: str, kind: Kind) -> None:
    with pytest.raises(Fault) as refused:
        check(document.replace('"Effect": null, ', ""), kind)
    assert refused.value.message.startswith(sentence)


def test_a_trust_policy_speaks_of_sts_alone() -> None:
    for action in ("*", "s3:GetObject", ["sts:AssumeRole", "iam:*"]):
        with pytest.raises(Fault, match="may only specify STS AssumeRole actions"):
            check(of(TRUST | {"Action": action}), "trust")


def test_a_resource_s_policy_may_be_old_and_its_sids_may_have_blanks() -> None:
    check(
        of(OPEN | {"Sid": "a b"}, good(Principal={"AWS": ["123456789012", "arn:aws:iam::123456789012:root"]}), Version="2008-10-17"),
        "resource",
    )
    check(
        json.dumps({"Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": "AROAEXAMPLEID1234567"}, "Action": "kms:*", "Resource": "*"}}),
        "key",
    )
    check(
        of(TRUST, TRUST | {"Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}),
        "trust",
    )


BROKEN = [
    *(document for document, _ in REFUSED.values()),
    *(document for document, _ in WITH_PRINCIPAL.values()),
    of({"Effect": 7, "Action": {"a": 1}, "Resource": 3, "Condition": {"StringEquals": {"a": {"b": None}}, "x": 3, "": {"": ""}}}),
    of({"Effect": "Allow", "Principal": [1], "Action": "*", "Resource": "${", "Condition": {"StringLike": {"a": "${}"}}}),
    "[" * 100_000,
]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_stored_already_is_never_refused(kind: Kind) -> None:
    for document in BROKEN:
        parse(document, kind=kind)
