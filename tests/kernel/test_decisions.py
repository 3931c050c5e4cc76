"""What is decided of a user's call, what is told to whoever asks why, and what audit mode lets pass. Over HTTP, with real keys.

Truth: "Policy evaluation logic" and "Troubleshoot access denied error messages" of the IAM user guide; EC2's codes from its "Error
codes" page; that a root is not bound is "AWS account root user". `why`, `suggest` and `audit` are our own promise.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROOT = Path(__file__).parents[2]


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource} | more


def headwater(server: Any, *words: str) -> str:
    places = {"AWS_ENDPOINT_URL": server.endpoint_url, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "headwater", *words]
    ended = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.stdout


def request_id(call: Callable[..., Any], **asked: Any) -> str:
    try:
        answer = call(**asked)
    except ClientError as error:
        answer = error.response
    return str(answer["ResponseMetadata"]["RequestId"])


def test_a_user_without_policies_may_nothing_but_ask_who_it_is(aws: Any, refused: Any) -> None:
    dev = aws.user()
    assert dev.client("sts").get_caller_identity()["Arn"] == dev.arn
    with refused(
        "AccessDenied",
        f"User: {dev.arn} is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::{aws.account}:user/ "
        "because no identity-based policy allows the iam:ListUsers action",
    ):
        dev.client("iam").list_users()


def test_what_was_allowed_is_remembered_only_while_nothing_it_rests_on_changes(aws: Any, server: Any, clock: Any, refused: Any) -> None:
    until = (server.home.clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    passing = {"DateLessThan": {"aws:CurrentTime": until}}
    dev = aws.user(allow("iam:ListUsers"), allow("iam:ListRoles", Condition=passing))
    users, roles = dev.client("iam").list_users, dev.client("iam").list_roles
    for _ in range(2):
        users()
        roles()
    clock.advance(timedelta(hours=2))
    users()
    with refused("AccessDenied", "iam:ListRoles"):
        roles()
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny("iam:ListUsers")]})
    aws.client("iam").put_user_policy(UserName=dev.arn.rpartition("/")[2], PolicyName="no", PolicyDocument=document)
    with refused("AccessDenied", "with an explicit deny"):
        users()


def test_a_buckets_own_policy_is_asked_anew_when_it_changes(aws: Any, refused: Any) -> None:
    bucket, dev = f"own-{aws.account}", aws.user(allow("s3:*"))
    s3, own = aws.client("s3"), dev.client("s3")
    s3.create_bucket(Bucket=bucket)
    for _ in range(2):
        own.list_objects_v2(Bucket=bucket)
    statement = deny("s3:ListBucket", f"arn:aws:s3:::{bucket}", Principal="*")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    with refused("AccessDenied", "resource-based policy"):
        own.list_objects_v2(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    own.list_objects_v2(Bucket=bucket)


def test_an_explicit_deny_wins_and_says_so(aws: Any, refused: Any) -> None:
    dev = aws.user(allow("*"), deny("iam:ListRoles"))
    dev.client("iam").list_users()
    with refused("AccessDenied", "iam:ListRoles", "with an explicit deny in an identity-based policy"):
        dev.client("iam").list_roles()


def test_what_was_given_or_taken_counts_from_the_next_call_on(aws: Any, refused: Any) -> None:
    dev, iam = aws.user(), aws.client("iam")
    policy = {"UserName": "dev", "PolicyName": "later"}
    iam.put_user_policy(PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:ListUsers")]}), **policy)
    dev.client("iam").list_users()
    iam.delete_user_policy(**policy)
    with refused("AccessDenied"):
        dev.client("iam").list_users()


def test_a_boundary_must_allow_as_well(aws: Any, refused: Any) -> None:
    iam = aws.client("iam")
    boundary = json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:*")]})
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=boundary)["Policy"]["Arn"]
    dev = aws.user(allow("*"))
    iam.put_user_permissions_boundary(UserName="dev", PermissionsBoundary=arn)
    dev.client("iam").list_users()
    with refused("AccessDenied", "because no permissions boundary allows the rds:DescribeDBInstances action"):
        dev.client("rds").describe_db_instances()


def test_a_service_without_a_room_refuses_first_and_is_not_implemented_after(aws: Any, refused: Any) -> None:
    dev = aws.user(allow("ec2:RunInstances", Condition={"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}))
    asked = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}
    with refused(
        "UnauthorizedOperation", "You are not authorized to perform this operation. User: ", "Encoded authorization failure message: "
    ):
        dev.client("ec2").run_instances(**asked)
    with refused("NotImplemented", "ec2.RunInstances"):
        dev.client("ec2", region="eu-central-1").run_instances(**asked)
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set."):
        dev.client("ec2", region="eu-central-1").run_instances(DryRun=True, **asked)
    with refused("AccessDeniedException", f"dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:{aws.account}:table/x "):
        dev.client("dynamodb").get_item(TableName="x", Key={"a": {"S": "b"}})


def test_an_unbuilt_operation_is_decided_on_the_resources_that_the_request_names(aws: Any, refused: Any) -> None:
    dev = aws.user(allow("dynamodb:GetItem", f"arn:aws:dynamodb:*:{aws.account}:table/mine"))
    with refused("NotImplemented"):
        dev.client("dynamodb").get_item(TableName="mine", Key={"a": {"S": "b"}})
    with refused("AccessDeniedException"):
        dev.client("dynamodb").get_item(TableName="yours", Key={"a": {"S": "b"}})
    machine = f"arn:aws:states:us-east-1:{aws.account}:stateMachine:daily"
    with refused("AccessDeniedException", f"states:StartExecution on resource: {machine} because"):
        dev.client("stepfunctions").start_execution(stateMachineArn=machine)


@pytest.mark.parametrize(
    ("service", "operation", "asked", "action"),
    [
        ("cloudfront", "list_distributions", {}, "cloudfront:ListDistributions"),
        ("apigateway", "get_stages", {"restApiId": "a1"}, "apigateway:GET on resource: arn:aws:apigateway:us-east-1::/restapis/a1/stages"),
        ("resourcegroupstaggingapi", "get_resources", {}, "tag:GetResources"),
        ("s3", "put_bucket_replication", {"Bucket": "own"}, 's3:PutReplicationConfiguration on resource: "arn:aws:s3:::own"'),
        ("s3", "list_bucket_metrics_configurations", {"Bucket": "own"}, "s3:GetMetricsConfiguration"),
    ],
)
def test_an_unbuilt_operation_needs_the_action_that_it_has_on_aws(
    aws: Any, refused: Any, service: str, operation: str, asked: dict[str, Any], action: str
) -> None:
    """Service Authorization Reference; "Control access to a REST API with IAM permissions" of API Gateway's developer guide."""
    if operation == "put_bucket_replication":
        rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::other"}}
        asked = asked | {"ReplicationConfiguration": {"Role": f"arn:aws:iam::{aws.account}:role/copies", "Rules": [rule]}}
    with pytest.raises(ClientError) as caught:
        getattr(aws.user(allow("ec2:*")).client(service), operation)(**asked)
    assert action in caught.value.response["Error"]["Message"]


def test_why_shows_the_statement_that_decided_and_the_condition_that_failed(server: Any, aws: Any) -> None:
    only_there = allow("rds:Describe*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}, Sid="OnlyThere")
    dev = aws.user(only_there, deny("rds:DescribeEvents", Sid="NoEvents"))
    words = headwater(server, "why", request_id(dev.client("rds").describe_db_instances))
    assert "refused  rds:DescribeDBInstances" in words
    assert "OnlyThere" in words
    assert "StringEquals aws:RequestedRegion (the request has us-east-1)" in words
    words = headwater(server, "why", request_id(dev.client("rds", region="eu-central-1").describe_db_instances))
    assert "allowed  rds:DescribeDBInstances" in words
    (decided,) = json.loads(headwater(server, "why", request_id(dev.client("rds", region="eu-central-1").describe_events), "--json"))
    assert [(reason["statement"], reason.get("decided", False)) for reason in decided["reasons"]] == [
        ("OnlyThere", False),
        ("NoEvents", True),
    ]


def test_why_has_nothing_to_say_of_a_root(server: Any, aws: Any) -> None:
    assert "No decision is kept" in headwater(server, "why", request_id(aws.client("iam").list_users))


def test_why_a_root_was_refused_can_be_asked_too(server: Any, aws: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole", "Sid": "LambdaAlone"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.other().client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    explained = headwater(server, "why", request_id(aws.client("sts").assume_role, RoleArn=role, RoleSessionName="thief"))
    assert f"refused  sts:AssumeRole on {role}" in explained
    assert "another principal" in next(line for line in explained.splitlines() if "LambdaAlone" in line)
    assert role in headwater(server, "policy", "refused", "--account", aws.account)


def test_a_refusal_can_be_explained_after_a_restart(start_server: Any, account_on: Any, tmp_path: Path) -> None:
    first = start_server(tmp_path / "kept")
    dev = account_on(first, "210987654321").user()
    asked = request_id(dev.client("iam").list_users)
    first.stop()
    again = start_server(tmp_path / "kept")
    assert "refused  iam:ListUsers" in headwater(again, "why", asked)


def test_the_suggested_policy_is_what_the_calls_needed_and_suffices(server: Any, aws: Any, refused: Any) -> None:
    dev = aws.user(allow("*"))
    dev.client("iam").get_user(UserName="dev")
    dev.client("iam").list_users()
    dev.client("rds").describe_db_instances()
    suggested = json.loads(headwater(server, "policy", "suggest", dev.arn))
    needed = {action for statement in suggested["Statement"] for action in statement["Action"]}
    assert needed == {"iam:GetUser", "iam:ListUsers", "rds:DescribeDBInstances"}
    aws.client("iam").put_user_policy(UserName="dev", PolicyName="own", PolicyDocument=json.dumps(suggested))
    dev.client("iam").get_user(UserName="dev")
    dev.client("rds").describe_db_instances()
    with refused("AccessDenied"):
        dev.client("iam").list_roles()


def test_audit_mode_lets_calls_pass_and_lists_what_would_have_been_refused(start_server: Any, account_on: Any) -> None:
    server = start_server(iam="audit")
    dev = account_on(server, "210987654321").user()
    asked = request_id(dev.client("iam").list_users)
    assert "would be refused  iam:ListUsers" in headwater(server, "why", asked)
    assert "iam:ListUsers" in headwater(server, "policy", "refused")


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "ForAnyValue:StringEquals", "StringEqualsIfExists"])
def test_a_global_service_is_asked_in_us_east_1_wherever_the_client_stands(aws: Any, operator: str) -> None:
    dev = aws.user(allow("iam:ListRoles", Condition={operator: {"aws:RequestedRegion": "us-east-1"}}))
    dev.client("iam", region="eu-central-1").list_roles()


def test_audit_mode_lets_no_account_into_another(start_server: Any, account_on: Any, refused: Any) -> None:
    server = start_server(iam="audit")
    account_on(server, "210987654321").client("s3").create_bucket(Bucket="sealed")
    with refused("AccessDenied"):
        account_on(server, "210987654322").client("s3").list_objects_v2(Bucket="sealed")
