"""The simulator answers as the decision would. Truth: S02's policy; the API reference of the two operations and its examples."""

import json
from typing import Any

import pytest

from headwater.services.iam.places import places, position

FRANKFURT = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(*actions, resource=resource, **more) | {"Effect": "Deny"}


def region(name: str) -> list[dict[str, Any]]:
    return [{"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [name], "ContextKeyType": "string"}]


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def test_s02_a_developer_may_run_instances_in_frankfurt_only(iam: Any) -> None:
    # scenario S2's own case
    iam.create_group(GroupName="developers")
    policy = document(allow("ec2:Describe*"), allow("ec2:RunInstances", Condition=FRANKFURT))
    arn = iam.create_policy(PolicyName="FrankfurtOnly", PolicyDocument=policy)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="developers", PolicyArn=arn)
    user = iam.create_user(UserName="dev")["User"]["Arn"]
    iam.add_user_to_group(GroupName="developers", UserName="dev")

    def simulated(**more: Any) -> dict[str, Any]:
        asked = {"PolicySourceArn": user, "ActionNames": ["ec2:RunInstances"], **more}
        (result,) = iam.simulate_principal_policy(**asked)["EvaluationResults"]
        return dict(result)

    refused = simulated(ContextEntries=region("us-east-1"))
    assert (refused["EvalDecision"], refused["MatchedStatements"]) == ("implicitDeny", [])
    granted = simulated(ContextEntries=region("eu-central-1"))
    assert granted["EvalDecision"] == "allowed"
    assert [one["SourcePolicyId"] for one in granted["MatchedStatements"]] == ["FrankfurtOnly"]
    unsaid = simulated()
    assert (unsaid["EvalDecision"], unsaid["MissingContextValues"]) == ("implicitDeny", ["aws:RequestedRegion"])
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=user)["ContextKeyNames"]
    assert keys == ["aws:RequestedRegion"]


def custom(iam: Any, *policies: str, action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    asked = {"PolicyInputList": list(policies), "ActionNames": [action], **more}
    (result,) = iam.simulate_custom_policy(**asked)["EvaluationResults"]
    return dict(result)


def test_an_explicit_deny_is_the_only_statement_shown(iam: Any) -> None:
    found = custom(iam, document(allow("s3:*")), document(allow("s3:GetObject"), deny("s3:Get*")))
    assert found["EvalDecision"] == "explicitDeny"
    assert [one["SourcePolicyId"] for one in found["MatchedStatements"]] == ["PolicyInputList.2"]
    assert "ResourceSpecificResults" not in found
    both = custom(iam, document(allow("s3:*")), document(allow("s3:GetObject")))
    assert [one["SourcePolicyId"] for one in both["MatchedStatements"]] == ["PolicyInputList.1", "PolicyInputList.2"]


def test_each_resource_has_its_own_result(iam: Any) -> None:
    mine, other = "arn:aws:s3:::mine/a", "arn:aws:s3:::other/a"
    found = custom(iam, document(allow("s3:GetObject", resource="arn:aws:s3:::mine/*")), ResourceArns=[mine, other])
    assert found["EvalDecision"] == "implicitDeny"
    specific = {one["EvalResourceName"]: one["EvalResourceDecision"] for one in found["ResourceSpecificResults"]}
    assert specific == {mine: "allowed", other: "implicitDeny"}


def test_boundaries_and_organizations_limit_and_say_so(iam: Any) -> None:
    everything, only_sqs = document(allow("*")), document(allow("sqs:*"))
    bounded = custom(iam, everything, PermissionsBoundaryPolicyInputList=[only_sqs])
    assert bounded["EvalDecision"] == "implicitDeny"
    assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    levels = [{"ServiceControlPolicyInputList": [everything]}, {"ServiceControlPolicyInputList": [only_sqs]}]
    organized = custom(iam, everything, OrderedOrganizationPolicyInputList=levels)
    assert (organized["EvalDecision"], organized["OrganizationsDecisionDetail"]) == ("implicitDeny", {"AllowedByOrganizations": False})
    free = custom(iam, everything, OrderedOrganizationPolicyInputList=levels[:1])
    assert (free["EvalDecision"], free["OrganizationsDecisionDetail"]) == ("allowed", {"AllowedByOrganizations": True})


def test_a_resource_policy_allows_its_own_account_and_across_accounts_both_must(iam: Any, aws: Any) -> None:
    caller = f"arn:aws:iam::{aws.account}:user/dev"
    policy = document({"Effect": "Allow", "Principal": {"AWS": caller}, "Action": "s3:GetObject", "Resource": "*"})
    asked = {"ResourcePolicy": policy, "CallerArn": caller, "ResourceArns": ["arn:aws:s3:::bucket/key"]}
    found = custom(iam, document(allow("sqs:*")), **asked)
    assert found["EvalDecision"] == "allowed"
    assert [one["SourcePolicyType"] for one in found["MatchedStatements"]] == ["Resource Policy"]
    assert found["EvalDecisionDetails"] == {}
    across = custom(iam, document(allow("sqs:*")), ResourceOwner="arn:aws:iam::999999999999:root", **asked)
    assert across["EvalDecision"] == "implicitDeny"
    assert across["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    assert custom(iam, document(allow("s3:*")), ResourceOwner="arn:aws:iam::999999999999:root", **asked)["EvalDecision"] == "allowed"


ENTRIES = {
    "numeric": ("NumericLessThan", "10", ["5"], ["20"]),
    "boolean": ("Bool", "true", ["true"], ["false"]),
    "ip": ("IpAddress", "10.0.0.0/8", ["10.1.2.3"], ["11.1.2.3"]),
    "date": ("DateLessThan", "2030-01-01T00:00:00Z", ["2029-01-01T00:00:00Z"], ["2031-01-01T00:00:00Z"]),
    "binary": ("BinaryEquals", "aGVsbG8=", ["aGVsbG8="], ["d29ybGQ="]),
    "stringList": ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], ["a", "c"]),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_context_entries_of_every_type_count(iam: Any, kind: str) -> None:
    operator, wanted, good, bad = ENTRIES[kind]
    policy = document(allow("s3:GetObject", Condition={operator: {"aws:Example": wanted}}))
    for values, decision in ((good, "allowed"), (bad, "implicitDeny")):
        entries = [{"ContextKeyName": "aws:example", "ContextKeyValues": values, "ContextKeyType": kind}]
        assert custom(iam, policy, ContextEntries=entries)["EvalDecision"] == decision


def test_keys_of_policies_are_found_in_conditions_and_variables(iam: Any) -> None:
    policy = document(allow("s3:*", resource="arn:aws:s3:::b/${aws:username}/*", Condition=FRANKFURT))
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[policy])["ContextKeyNames"] == ["aws:RequestedRegion", "aws:username"]


def test_a_simulation_can_leave_policies_out(iam: Any) -> None:
    user = iam.create_user(UserName="u", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonSQSFullAccess")["User"]["Arn"]
    iam.put_user_policy(UserName="u", PolicyName="inline", PolicyDocument=document(deny("s3:*")))
    iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")

    def decision(*excluded: dict[str, Any]) -> str:
        asked = {"PolicySourceArn": user, "ActionNames": ["s3:GetObject"], "PolicyExclusionList": list(excluded)}
        return str(iam.simulate_principal_policy(**asked)["EvaluationResults"][0]["EvalDecision"])

    inline = {"InlinePolicyIdentifier": {"PolicyName": "inline", "AttachmentType": "user", "AttachmentName": "u"}}
    assert decision() == "explicitDeny"
    assert decision(inline) == "implicitDeny"
    assert decision(inline, {"PolicyType": "permission-boundary"}) == "allowed"
    assert decision({"PolicyType": "inline"}, {"PolicyType": "permission-boundary"}, {"PolicyType": "aws-managed"}) == "implicitDeny"
    assert decision(inline, {"PolicyType": "permission-boundary"}, {"PolicyArn": "arn:aws:iam::aws:policy/AmazonS3*"}) == "implicitDeny"


def test_an_ec2_scenario_with_all_its_resources_is_simulated(iam: Any) -> None:
    kinds = ("instance", "image", "security-group", "network-interface", "volume")
    arns = [f"arn:aws:ec2:us-east-1:123456789012:{kind}/x" for kind in kinds]
    asked = {"ResourceArns": arns, "ResourceHandlingOption": "EC2-VPC-EBS", "action": "ec2:RunInstances"}
    found = custom(iam, document(allow("ec2:RunInstances", resource="arn:aws:ec2:*:*:*/*")), **asked)
    assert (found["EvalDecision"], len(found["ResourceSpecificResults"])) == ("allowed", 5)


def test_results_come_in_pages(iam: Any) -> None:
    actions = [f"s3:Action{number}" for number in range(5)]
    paginator = iam.get_paginator("simulate_custom_policy")
    pages = list(paginator.paginate(PolicyInputList=[document(allow("s3:*"))], ActionNames=actions, MaxItems=2))
    assert [[one["EvalActionName"] for one in page["EvaluationResults"]] for page in pages] == [actions[:2], actions[2:4], actions[4:]]


REFUSALS = {
    "an action with a wildcard": ("InvalidInput", {"ActionNames": ["s3:*"]}),
    "no policy": ("InvalidInput", {"PolicyInputList": ["{}"]}),
    "a resource policy and nobody who asks": ("InvalidInput", {"ResourcePolicy": document(allow("s3:*") | {"Principal": "*"})}),
    "two values of a single type": (
        "InvalidInput",
        {"ContextEntries": [{"ContextKeyName": "aws:example", "ContextKeyValues": ["a", "b"], "ContextKeyType": "string"}]},
    ),
    "a number that is none": (
        "InvalidInput",
        {"ContextEntries": [{"ContextKeyName": "aws:example", "ContextKeyValues": ["a"], "ContextKeyType": "numeric"}]},
    ),
    "a caller that is a session": ("InvalidInput", {"CallerArn": "arn:aws:sts::123456789012:assumed-role/r/s"}),
    "a resource that is none": ("InvalidInput", {"ResourceArns": ["nowhere"]}),
    "an EC2 scenario without its resources": ("InvalidInput", {"ResourceHandlingOption": "EC2-VPC-EBS"}),
    "a scenario that is none": ("InvalidInput", {"ResourceHandlingOption": "EC2-Moon"}),
    "a marker that was not given": ("ValidationError", {"Marker": "x"}),
}


@pytest.mark.parametrize(("code", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_a_simulation_refuses(iam: Any, refused: Any, code: str, request_: dict[str, Any]) -> None:
    asked = {"PolicyInputList": [document(allow("s3:*"))], "ActionNames": ["s3:GetObject"]} | request_
    with refused(code):
        iam.simulate_custom_policy(**asked)


def test_a_principal_that_is_not_there_or_no_principal_is_refused(iam: Any, aws: Any, refused: Any) -> None:
    for code, arn in {
        "NoSuchEntity": f"arn:aws:iam::{aws.account}:user/nobody",
        "InvalidInput": f"arn:aws:iam::{aws.account}:root",
        "ValidationError": "arn:not-really-one-at-all",
    }.items():
        with refused(code):
            iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])


def test_places_are_behind_the_braces_as_aws_counts_them() -> None:
    # the columns of AWS's own example of simulate-custom-policy in the CLI reference: 38 and 167
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
    text += '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    (place,) = places(text)
    assert position(text, place.start + 1) == {"Line": 1, "Column": 38}
    assert position(text, place.end) == {"Line": 1, "Column": 167}


def test_places_of_several_lines_and_statements() -> None:
    text = json.dumps({"Statement": [{"Sid": "a"}, {"Sid": "b"}], "Version": "2012-10-17"}, indent=1)
    found = places(text)
    assert [json.loads(text[place.start : place.end])["Sid"] for place in found] == ["a", "b"]
    assert position(text, found[1].start + 1) == {"Line": 6, "Column": 4}
    assert places("{}") == []
    assert places('{"Statement": [], "a": {}}') == []
    assert places("nonsense") == []
