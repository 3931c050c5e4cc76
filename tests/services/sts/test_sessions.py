"""What a session carries, and what it may do: session policies, tags, source identity, external id, all decided for real.

Truth: "Session policies", "Pass session tags in AWS STS", "Monitor and control actions taken with assumed roles" and "Access to AWS
accounts owned by third parties" of IAM's user guide; sts.json of the recordings for the sentences on tags.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

Clients = Callable[..., Any]
pytestmark = pytest.mark.http  # the callers are not the root


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), **({} if "Principal" in more else {"Resource": "*"}), **more}


def trust(principal: str, *actions: str, **condition: dict[str, Any]) -> str:
    more = {"Condition": condition} if condition else {}
    return document(allow("sts:AssumeRole", *actions, Principal={"AWS": principal}, **more))


@pytest.fixture
def bob(aws: Any) -> Clients:
    """Clients of a user who may do what STS and listing need."""
    iam = aws.client("iam")
    iam.create_user(UserName="bob")
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=document(allow("sts:*", "iam:List*", "s3:ListAllMyBuckets")))
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    return lambda service: aws.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def signed_by(aws: Any, credentials: dict[str, Any], service: str = "sts") -> Any:
    keys = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
    return aws.client(service, **{name: credentials[member] for name, member in keys.items()})


def make_role(aws: Any, name: str, trusted: str, *actions: str) -> str:
    iam = aws.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    if actions:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow(*actions)))
    return arn


def test_a_session_policy_narrows_and_never_widens(aws: Any, bob: Clients, refused: Any) -> None:
    role = make_role(aws, "r", trust(aws.account), "iam:ListUsers", "iam:ListRoles")
    narrow = document(allow("iam:ListUsers", "s3:ListAllMyBuckets"))
    credentials = bob("sts").assume_role(RoleArn=role, RoleSessionName="narrow", Policy=narrow)["Credentials"]
    signed_by(aws, credentials, "iam").list_users()
    with refused("AccessDenied", "because no session policy allows the iam:ListRoles action"):
        signed_by(aws, credentials, "iam").list_roles()
    with refused("AccessDenied", "because no identity-based policy allows the s3:ListAllMyBuckets action"):
        signed_by(aws, credentials, "s3").list_buckets()


def test_managed_session_policies_narrow_together(aws: Any, bob: Clients, refused: Any) -> None:
    role = make_role(aws, "r", trust(aws.account), "iam:List*")
    create = aws.client("iam").create_policy
    arns = [
        create(PolicyName=name, PolicyDocument=document(allow(action)))["Policy"]["Arn"]
        for name, action in (("u", "iam:ListUsers"), ("r", "iam:ListRoles"))
    ]
    answer = bob("sts").assume_role(RoleArn=role, RoleSessionName="managed", PolicyArns=[{"arn": arn} for arn in arns])
    assert 0 < answer["PackedPolicySize"] < 20
    iam = signed_by(aws, answer["Credentials"], "iam")
    iam.list_users()
    iam.list_roles()
    with refused("AccessDenied", "no session policy allows"):
        iam.list_groups()


REFUSED_POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "eleven managed ones": ("ValidationError", {"PolicyArns": [{"arn": f"arn:aws:iam::aws:policy/p{n}"} for n in range(11)]}),
    "one that is not there": ("InvalidParameterValue", {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nowhere"}]}),
    "one of another account": ("InvalidParameterValue", {"PolicyArns": [{"arn": "arn:aws:iam::999999999999:policy/p"}]}),
    "one that is no JSON": ("MalformedPolicyDocument", {"Policy": "{"}),
    "one of nothing but brackets": ("MalformedPolicyDocument", {"Policy": "[" * 100_000}),
    "one that names a principal": ("MalformedPolicyDocument", {"Policy": document(allow("s3:*", Principal="*", Resource="*"))}),
    "one that cannot be packed": (
        "PackedPolicyTooLarge",
        {
            "Policy": document(
                *[allow(f"s3:Get{n * 7919 % 10007:x}", Resource=f"arn:aws:s3:::{n * 104729 % 1299709:x}") for n in range(400)]
            )
        },
    ),
}


@pytest.mark.parametrize(("code", "members"), REFUSED_POLICIES.values(), ids=REFUSED_POLICIES)
def test_session_policies_are_refused(aws: Any, bob: Clients, refused: Any, code: str, members: dict[str, Any]) -> None:
    role = make_role(aws, "r", trust(aws.account))
    with refused(code):
        bob("sts").assume_role(RoleArn=role, RoleSessionName="session", **members)


def test_a_role_trusted_with_an_external_id_is_not_had_without_it(aws: Any, bob: Clients, refused: Any) -> None:
    """The confused deputy: the trust policy decides, on what the request says."""
    role = make_role(aws, "r", trust(f"arn:aws:iam::{aws.account}:user/bob", StringEquals={"sts:ExternalId": "customer/7"}))
    sts = bob("sts")
    for wrong in ({}, {"ExternalId": "customer/8"}):
        with refused("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: "):
            sts.assume_role(RoleArn=role, RoleSessionName="session", **wrong)
    sts.assume_role(RoleArn=role, RoleSessionName="session", ExternalId="customer/7")
    with refused("ValidationError"):
        sts.assume_role(RoleArn=role, RoleSessionName="session", ExternalId="a customer")


def test_a_role_may_ask_for_the_sessions_name(aws: Any, bob: Clients, refused: Any) -> None:
    role = make_role(aws, "r", trust(f"arn:aws:iam::{aws.account}:user/bob", StringEquals={"sts:RoleSessionName": "${aws:username}"}))
    bob("sts").assume_role(RoleArn=role, RoleSessionName="bob")
    with refused("AccessDenied"):
        bob("sts").assume_role(RoleArn=role, RoleSessionName="alice")


def test_tags_of_a_session_are_its_principals(aws: Any, bob: Clients, refused: Any) -> None:
    role = make_role(aws, "r", trust(aws.account, "sts:TagSession"))
    by_tag = document(allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    aws.client("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=by_tag)
    aws.client("iam").tag_role(RoleName="r", Tags=[{"Key": "Team", "Value": "red"}])
    for team, refusal in (("blue", None), ("green", "AccessDenied")):
        tags = [{"Key": "team", "Value": team}]
        iam = signed_by(aws, bob("sts").assume_role(RoleArn=role, RoleSessionName="session", Tags=tags)["Credentials"], "iam")
        if refusal is None:
            iam.list_users()  # the session's tag stands before the role's own
        else:
            with refused(refusal):
                iam.list_users()


def test_whoever_passes_tags_must_be_let(aws: Any, bob: Clients, refused: Any) -> None:
    role = make_role(aws, "r", trust(aws.account))
    with refused("AccessDenied", "sts:TagSession"):
        bob("sts").assume_role(RoleArn=role, RoleSessionName="session", Tags=[{"Key": "team", "Value": "blue"}])


def test_transitive_tags_go_down_the_chain_and_others_do_not(aws: Any, bob: Clients, refused: Any) -> None:
    first = make_role(aws, "first", trust(aws.account, "sts:TagSession"), "sts:AssumeRole", "sts:TagSession")
    second = make_role(aws, "second", trust(aws.account, "sts:TagSession"), "sts:AssumeRole", "sts:TagSession")
    tags = [{"Key": "Team", "Value": "blue"}, {"Key": "Job", "Value": "1"}]
    head = bob("sts").assume_role(RoleArn=first, RoleSessionName="one", Tags=tags, TransitiveTagKeys=["team"])
    sts = signed_by(aws, head["Credentials"])
    with refused("InvalidParameterValue", "it conflicts with a transitive tag key from the calling session"):
        sts.assume_role(RoleArn=second, RoleSessionName="two", Tags=[{"Key": "TEAM", "Value": "red"}])
    tail = sts.assume_role(RoleArn=second, RoleSessionName="two")["Credentials"]
    allowed = {"team": "blue", "job": "1"}
    for key, goes_on in (("team", True), ("job", False)):
        rule = document(allow("iam:ListUsers", Condition={"StringEquals": {f"aws:PrincipalTag/{key}": allowed[key]}}))
        aws.client("iam").put_role_policy(RoleName="second", PolicyName="tagged", PolicyDocument=rule)
        if goes_on:
            signed_by(aws, tail, "iam").list_users()
        else:
            with refused("AccessDenied"):
                signed_by(aws, tail, "iam").list_users()


def test_an_inherited_tag_needs_permission_too(aws: Any, bob: Clients, refused: Any) -> None:
    first = make_role(aws, "first", trust(aws.account, "sts:TagSession"), "sts:AssumeRole", "sts:TagSession")
    second = make_role(aws, "second", trust(aws.account))
    tags = [{"Key": "Team", "Value": "blue"}]
    head = bob("sts").assume_role(RoleArn=first, RoleSessionName="one", Tags=tags, TransitiveTagKeys=["Team"])
    with refused("AccessDenied", "sts:TagSession"):
        signed_by(aws, head["Credentials"]).assume_role(RoleArn=second, RoleSessionName="two")


def test_a_source_identity_sticks(aws: Any, bob: Clients, refused: Any) -> None:
    actions = ("sts:AssumeRole", "sts:SetSourceIdentity")
    first = make_role(aws, "first", trust(aws.account, "sts:SetSourceIdentity"), *actions)
    second = make_role(aws, "second", trust(aws.account, "sts:SetSourceIdentity"), *actions)
    rule = document(allow("iam:ListUsers", Condition={"StringEquals": {"aws:SourceIdentity": "bob"}}))
    aws.client("iam").put_role_policy(RoleName="second", PolicyName="sourced", PolicyDocument=rule)
    head = bob("sts").assume_role(RoleArn=first, RoleSessionName="one", SourceIdentity="bob")
    assert head["SourceIdentity"] == "bob"
    sts = signed_by(aws, head["Credentials"])
    with refused("AccessDenied", "sts:SetSourceIdentity"):
        sts.assume_role(RoleArn=second, RoleSessionName="two", SourceIdentity="alice")
    tail = sts.assume_role(RoleArn=second, RoleSessionName="two")
    assert tail["SourceIdentity"] == "bob"
    signed_by(aws, tail["Credentials"], "iam").list_users()


def test_a_source_identity_needs_permission(aws: Any, bob: Clients, refused: Any) -> None:
    role = make_role(aws, "r", trust(aws.account))
    with refused("AccessDenied", "sts:SetSourceIdentity"):
        bob("sts").assume_role(RoleArn=role, RoleSessionName="one", SourceIdentity="bob")


def test_a_federated_user_may_what_both_its_policies_and_its_parents_allow(aws: Any, bob: Clients, refused: Any) -> None:
    both = document(allow("s3:ListAllMyBuckets", "kinesis:ListStreams", "logs:DescribeLogGroups"))
    guest = bob("sts").get_federation_token(Name="guest", Policy=both)["Credentials"]
    signed_by(aws, guest, "s3").list_buckets()
    with refused("AccessDeniedException", "no identity-based policy allows the logs:DescribeLogGroups"):
        signed_by(aws, guest, "logs").describe_log_groups()


def test_a_federated_user_without_policies_may_nothing(aws: Any, bob: Clients, refused: Any) -> None:
    guest = bob("sts").get_federation_token(Name="guest")
    assert "PackedPolicySize" not in guest
    with refused("AccessDenied", f"arn:aws:sts::{aws.account}:federated-user/guest"):
        signed_by(aws, guest["Credentials"], "s3").list_buckets()
    with refused("AccessDenied"):
        signed_by(aws, guest["Credentials"]).assume_role(RoleArn=make_role(aws, "r", trust(aws.account)), RoleSessionName="session")


def test_a_session_of_a_role_that_was_made_again_does_not_act(aws: Any, bob: Clients, refused: Any) -> None:
    iam = aws.client("iam")
    role = make_role(aws, "r", trust(aws.account), "iam:ListUsers")
    old = signed_by(aws, bob("sts").assume_role(RoleArn=role, RoleSessionName="old")["Credentials"], "iam")
    old.list_users()
    iam.delete_role_policy(RoleName="r", PolicyName="p")
    iam.delete_role(RoleName="r")
    with refused("InvalidClientTokenId"):
        old.list_users()
    make_role(aws, "r", trust(aws.account), "iam:ListUsers")
    with refused("InvalidClientTokenId"):
        old.list_users()
    signed_by(aws, bob("sts").assume_role(RoleArn=role, RoleSessionName="new")["Credentials"], "iam").list_users()


def test_what_was_given_to_a_roles_name_is_not_an_old_sessions(aws: Any, bob: Clients, refused: Any) -> None:
    """AWS keeps the id of the role that a resource's policy names: "Principal" of the user guide, on deleting and making again."""
    role = make_role(aws, "first", trust(aws.account))
    second = make_role(aws, "second", trust(role))
    old = signed_by(aws, bob("sts").assume_role(RoleArn=role, RoleSessionName="old")["Credentials"])
    old.assume_role(RoleArn=second, RoleSessionName="two")
    aws.client("iam").delete_role(RoleName="first")
    with refused("InvalidClientTokenId"):
        old.assume_role(RoleArn=second, RoleSessionName="two")
    make_role(aws, "first", trust(aws.account))
    with refused("InvalidClientTokenId"):
        old.assume_role(RoleArn=second, RoleSessionName="two")


def test_sessions_issued_before_a_moment_can_be_cut_off(aws: Any, bob: Clients, refused: Any, clock: Any) -> None:
    """As "Revoke IAM role temporary security credentials" does it: aws:TokenIssueTime is when the session was made."""
    role = make_role(aws, "r", trust(aws.account), "iam:ListUsers")
    credentials = bob("sts").assume_role(RoleArn=role, RoleSessionName="old")["Credentials"]
    ends = credentials["Expiration"]
    revoke = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": ends.isoformat()}}}
    signed_by(aws, credentials, "iam").list_users()
    aws.client("iam").put_role_policy(RoleName="r", PolicyName="revoke", PolicyDocument=document(revoke))
    with refused("AccessDenied", "explicit deny"):
        signed_by(aws, credentials, "iam").list_users()
