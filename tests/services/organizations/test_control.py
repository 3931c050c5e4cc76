"""What an organization's policies forbid is forbidden. Truth: "SCP evaluation" and "SCP effects on permissions" of the user guide."""

import contextlib
import json
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from headwater.services.organizations.control import Control

FULL = "p-FullAWSAccess"


def user(account: Any, *statements: dict[str, Any], name: str = "u") -> dict[str, str]:
    """The keys of a user with these statements, as a boto3 client takes them."""
    iam = account.client("iam")
    iam.create_user(UserName=name)
    document = {"Version": "2012-10-17", "Statement": list(statements or ({"Effect": "Allow", "Action": "*", "Resource": "*"},))}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


@pytest.fixture
def member(org: Any) -> Any:
    org.enabled()
    return org.invite()


@pytest.mark.parametrize("place", ["root", "unit", "account"])
def test_a_deny_at_any_level_binds_the_member_and_its_root(org: Any, member: Any, refused: Any, place: str) -> None:
    unit = org.unit("work")
    org.client.move_account(AccountId=member.account, SourceParentId=org.root, DestinationParentId=unit)
    guard, target = org.policy(), {"root": org.root, "unit": unit, "account": member.account}[place]
    root, admin = member.client("logs"), member.client("logs", **user(member))
    org.attach(guard, target)
    arn = f"arn:aws:organizations::{org.account.account}:policy/{org.id}/service_control_policy/{guard}"
    for client in (root, admin):
        with refused("AccessDeniedException", "with an explicit deny in a service control policy", arn):
            client.describe_log_groups()
    member.client("s3").list_buckets()
    org.detach(guard, target)
    for client in (root, admin):
        client.describe_log_groups()


def test_every_level_must_allow(org: Any, member: Any, refused: Any) -> None:
    unit = org.unit("work")
    org.client.move_account(AccountId=member.account, SourceParentId=org.root, DestinationParentId=unit)
    only_s3 = org.policy("only s3", Effect="Allow", Action="s3:*")
    org.attach(only_s3, unit)
    member.client("logs").describe_log_groups()
    org.detach(FULL, unit)
    member.client("s3").list_buckets()
    with refused("AccessDeniedException", "because no service control policy allows the logs:DescribeLogGroups action"):
        member.client("logs").describe_log_groups()


def test_a_policy_of_an_organization_gives_nothing(org: Any, member: Any, refused: Any) -> None:
    poor = member.client("logs", **user(member, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    with refused("AccessDeniedException", "because no identity-based policy allows"):
        poor.describe_log_groups()


def test_the_management_account_is_not_bound(org: Any, member: Any) -> None:
    guard = org.policy()
    org.attach(guard, org.root)
    org.attach(guard, org.account.account)
    org.account.client("logs").describe_log_groups()
    org.account.client("logs", **user(org.account)).describe_log_groups()


def test_a_change_is_felt_at_once(org: Any, member: Any, refused: Any) -> None:
    """Levels are remembered; each way by which they change is taken once."""
    logs, unit, guard = member.client("logs"), org.unit("work"), org.policy()
    org.attach(guard, unit)
    logs.describe_log_groups()
    org.client.move_account(AccountId=member.account, SourceParentId=org.root, DestinationParentId=unit)
    with refused("AccessDeniedException"):
        logs.describe_log_groups()
    other = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    org.client.update_policy(PolicyId=guard, Content=json.dumps(other))
    logs.describe_log_groups()
    with refused("AccessDenied"):
        member.client("s3").list_buckets()
    org.client.disable_policy_type(RootId=org.root, PolicyType="SERVICE_CONTROL_POLICY")
    member.client("s3").list_buckets()
    org.enabled()
    org.attach(guard, unit)
    with refused("AccessDenied"):
        member.client("s3").list_buckets()
    member.client("organizations").leave_organization()
    member.client("s3").list_buckets()


def test_what_is_forbidden_stays_forbidden_after_a_restart(start_server: Any, account_on: Any, founding: Any, refused: Any) -> None:
    """Nothing of Organizations is called before the decision asks."""
    server = start_server()
    founded = founding(account_on(server, "111111111111")).enabled()
    member = founded.invite("222222222222")
    founded.attach(founded.policy(), founded.root)
    server.stop()
    again = account_on(start_server(server.settings.home), member.account)
    with refused("AccessDeniedException", "explicit deny in a service control policy"):
        again.client("logs").describe_log_groups()


def test_remembered_levels_are_those_that_would_be_compiled_anew(org: Any, member: Any, server: Any) -> None:
    """Our own rule, after every one of many changes in an order by chance."""
    chance = random.Random(4)
    units = [org.unit("a"), org.unit("b")]
    units.append(org.unit("c", units[0]))
    guards = [org.policy(f"guard{number}") for number in range(3)]
    place = org.root

    def told(control: Any) -> list[list[tuple[str, int]]]:
        return [[(policy.source, len(policy.statements)) for policy in level.policies] for level in control.levels(member.account)]

    remembered = server.home.rooms["organizations"]
    for _ in range(80):
        target, guard = chance.choice([org.root, *units, member.account]), chance.choice(guards)
        statements = [{"Effect": "Deny", "Action": "logs:*", "Resource": "*"}] * chance.randint(1, 4)
        with contextlib.suppress(ClientError):  # what stands already, or is the last
            match chance.choice(["move", "attach", "detach", "update", "toggle"]):
                case "move":
                    org.client.move_account(AccountId=member.account, SourceParentId=place, DestinationParentId=target)
                    place = target
                case "attach":
                    org.attach(guard, target)
                case "detach":
                    org.detach(chance.choice([guard, FULL]), target)
                case "update":
                    content = json.dumps({"Version": "2012-10-17", "Statement": statements})
                    org.client.update_policy(PolicyId=guard, Content=content)
                case "toggle" if chance.random() < 0.3:
                    org.client.disable_policy_type(RootId=org.root, PolicyType="SERVICE_CONTROL_POLICY")
                    assert remembered.levels(member.account) == ()
                    org.enabled()
        assert told(remembered) == told(Control(server.home.store))
        assert remembered.organization(member.account) == Control(server.home.store).organization(member.account)


def test_a_region_is_closed_for_an_organization(org: Any, member: Any, refused: Any) -> None:
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}
    org.attach(org.policy(Action=["logs:*"], Condition=elsewhere), org.root)
    member.client("logs", region="eu-central-1").describe_log_groups()
    with refused("AccessDeniedException"):
        member.client("logs", region="us-east-1").describe_log_groups()


def test_a_member_can_be_kept_from_leaving(org: Any, member: Any, refused: Any) -> None:
    org.attach(org.policy(Action="organizations:LeaveOrganization"), org.root)
    with refused("AccessDeniedException", "explicit deny in a service control policy"):
        member.client("organizations").leave_organization()


@pytest.mark.parametrize(("key", "operator"), [("aws:PrincipalOrgID", "StringEquals"), ("aws:PrincipalOrgPaths", "ForAnyValue:StringLike")])
def test_a_condition_asks_for_the_organization(org: Any, aws: Any, refused: Any, key: str, operator: str) -> None:
    unit, member = org.unit("work"), org.invite()
    wanted = org.id if key == "aws:PrincipalOrgID" else f"{org.id}/{org.root}/{unit}/*"
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*", "Condition": {operator: {key: wanted}}}
    insider, outsider = member.client("logs", **user(member, statement)), aws.other()
    org.client.move_account(AccountId=member.account, SourceParentId=org.root, DestinationParentId=unit)
    insider.describe_log_groups()
    with refused("AccessDeniedException"):
        outsider.client("logs", **user(outsider, statement)).describe_log_groups()
    member.client("organizations").leave_organization()
    with refused("AccessDeniedException"):
        insider.describe_log_groups()


def test_a_service_linked_role_is_not_bound(org: Any, member: Any, server: Any) -> None:
    """Only the service itself takes such a role on, so the house is asked in process."""
    from headwater.kernel.identity import role_session

    org.attach(org.policy(), member.account)
    linked = role_session(f"arn:aws:iam::{member.account}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS", "s")
    plain = role_session(f"arn:aws:iam::{member.account}:role/plain", "s")
    decide = server.home.authorization._standings.levels
    assert (len(decide(linked)), len(decide(plain))) == (0, 2)


def test_who_is_only_vouched_for_by_a_provider_is_not_bound_but_a_federated_user_is(org: Any, member: Any, server: Any) -> None:
    """SCPs bind users and roles: AssumeRoleWithWebIdentity's caller is neither yet, GetFederationToken's is a user's."""
    from headwater.kernel.identity import Principal, Session

    org.attach(org.policy(), member.account)
    own = {"account": member.account, "kind": "federated", "user_id": "x"}
    stranger = Principal(arn="accounts.example.com", session=Session(provider="accounts.example.com"), **own)
    federated = Principal(arn=f"arn:aws:sts::{member.account}:federated-user/f", session=Session(), **own)
    decide = server.home.authorization._standings.levels
    assert (len(decide(stranger)), len(decide(federated))) == (0, 2)


def test_a_user_needs_permission_for_what_its_account_may_do(org: Any, refused: Any) -> None:
    unit, other = org.unit("work"), org.unit("other")
    arn = f"arn:aws:organizations::{org.account.account}:ou/{org.id}/{unit}"
    keys = user(org.account, {"Effect": "Allow", "Action": "organizations:DescribeOrganizationalUnit", "Resource": arn})
    client = org.account.client("organizations", **keys)
    assert client.describe_organizational_unit(OrganizationalUnitId=unit)["OrganizationalUnit"]["Id"] == unit
    with refused("AccessDeniedException", "is not authorized to perform: organizations:DescribeOrganizationalUnit on resource", other):
        client.describe_organizational_unit(OrganizationalUnitId=other)
    with refused("AccessDeniedException", "organizations:ListAccounts"):
        client.list_accounts()


def test_a_users_permission_can_ask_for_tags_and_policy_types(org: Any, refused: Any) -> None:
    tagged, plain, guard = org.unit("tagged"), org.unit("plain"), org.policy()
    org.client.tag_resource(ResourceId=tagged, Tags=[{"Key": "team", "Value": "data"}])
    keys = user(
        org.account,
        {
            "Effect": "Allow",
            "Action": "organizations:DescribeOrganizationalUnit",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "data"}},
        },
        {
            "Effect": "Allow",
            "Action": "organizations:DescribePolicy",
            "Resource": "*",
            "Condition": {"StringEquals": {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}},
        },
        {
            "Effect": "Allow",
            "Action": "organizations:EnableAWSServiceAccess",
            "Resource": "*",
            "Condition": {"StringEquals": {"organizations:ServicePrincipal": "config.amazonaws.com"}},
        },
    )
    client = org.account.client("organizations", **keys)
    client.describe_organizational_unit(OrganizationalUnitId=tagged)
    with refused("AccessDeniedException"):
        client.describe_organizational_unit(OrganizationalUnitId=plain)
    client.describe_policy(PolicyId=guard)
    client.describe_policy(PolicyId=FULL)
    client.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    with refused("AccessDeniedException"):
        client.enable_aws_service_access(ServicePrincipal="guardduty.amazonaws.com")


def test_a_users_own_policies_decide_in_other_accounts_of_the_organization(org: Any, aws: Any, refused: Any) -> None:
    """A handshake and an account have ARNs of the management account; the invited account's users answer all the same."""
    guest = aws.other()
    sent = org.client.invite_account_to_organization(Target={"Id": guest.account, "Type": "ACCOUNT"})["Handshake"]["Id"]
    poor = guest.client("organizations", **user(guest, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, name="poor"))
    rich = guest.client("organizations", **user(guest, name="rich"))
    with refused("AccessDeniedException", "organizations:AcceptHandshake"):
        poor.accept_handshake(HandshakeId=sent)
    assert rich.accept_handshake(HandshakeId=sent)["Handshake"]["State"] == "ACCEPTED"
    with refused("AccessDeniedException", "You don't have permissions to access this resource."):
        rich.describe_account(AccountId=guest.account)


def test_founding_needs_the_permission_to_make_the_services_role(aws: Any, refused: Any) -> None:
    keys = user(aws, {"Effect": "Allow", "Action": "organizations:*", "Resource": "*"})
    with refused("AccessDeniedForDependencyException", "iam:CreateServiceLinkedRole") as caught:
        aws.client("organizations", **keys).create_organization()
    assert caught.value.response["Reason"] == "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE"


def test_tags_at_creation_need_a_permission_of_their_own(org: Any, aws: Any, refused: Any) -> None:
    """InviteAccountToOrganization: with tags "the requester must have the organizations:TagResource permission"."""
    actions = [
        f"organizations:{name}" for name in ("CreateAccount", "CreateOrganizationalUnit", "CreatePolicy", "InviteAccountToOrganization")
    ]
    client = org.account.client("organizations", **user(org.account, {"Effect": "Allow", "Action": actions, "Resource": "*"}))
    content = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "logs:*", "Resource": "*"}]})
    tags = [{"Key": "team", "Value": "data"}]
    for call, request in (
        (client.create_account, {"Email": f"{org.id}@example.com", "AccountName": "dev"}),
        (client.create_organizational_unit, {"ParentId": org.root, "Name": "work"}),
        (client.create_policy, {"Name": "guard", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": content}),
        (client.invite_account_to_organization, {"Target": {"Id": aws.other().account, "Type": "ACCOUNT"}}),
    ):
        with refused("AccessDeniedException", "organizations:TagResource"):
            call(**request, Tags=tags)
        call(**request)


def test_organizations_is_in_one_region_wherever_it_is_called_from(org: Any) -> None:
    """AWSGlobalServices in "AWS global condition context keys": their aws:RequestedRegion is us-east-1."""
    inside = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    keys = user(org.account, {"Effect": "Allow", "Action": "organizations:*", "Resource": "*", "Condition": inside})
    abroad = org.account.client("organizations", region="eu-central-1", **keys)
    assert abroad.describe_organization()["Organization"] == org.organization
