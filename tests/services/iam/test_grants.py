"""What the decision gets to know of a principal. Truth: "Policies and permissions in IAM" of the user guide; our own rule."""

import json
import timeit
from typing import Any

import pytest

from headwater.aws.policy.evaluation import Policies, decide
from headwater.aws.policy.question import Caller, Question
from headwater.kernel.identity import Principal, Session, role_session, root_of
from headwater.kernel.service import room

pytestmark = pytest.mark.http
MICROSECONDS_MAX = 4.0
"""The goal is one; a slow or loaded machine gets more."""


def allowing(*actions: str, effect: str = "Allow") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": list(actions), "Resource": "*"}]})


def trusting(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class World:
    def __init__(self, server: Any, aws: Any) -> None:
        self.account = aws.account
        self.iam = aws.client("iam")
        self.home = server.home
        self.call = server.call
        self.iam.get_account_summary()  # the room is open

    def user(self, name: str = "u", **options: Any) -> Principal:
        user = self.iam.create_user(UserName=name, **options)["User"]
        return Principal(arn=user["Arn"], account=self.account, kind="user", user_id=user["UserId"])

    def holdings(self, principal: Principal) -> Any:
        async def ask() -> Any:
            return self.home.authorization.identity.holdings(principal)

        return self.call(ask())

    def may(self, principal: Principal, action: str) -> bool:
        held = self.holdings(principal)
        if held is None:
            return False
        question = Question(action, "*", Caller(arn=principal.arn, account=self.account, kind="user"))
        return decide(question, Policies(identity=held.identity, boundary=held.boundary)).allowed


@pytest.fixture
def world(server: Any, aws: Any) -> World:
    return World(server, aws)


def test_a_user_has_its_own_policies_and_those_of_its_groups(world: World) -> None:
    user = world.user()
    world.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=allowing("s3:GetObject"))
    world.iam.create_group(GroupName="g")
    world.iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=allowing("sqs:SendMessage"))
    own = world.iam.create_policy(PolicyName="own", PolicyDocument=allowing("kms:Decrypt"))["Policy"]["Arn"]
    world.iam.attach_group_policy(GroupName="g", PolicyArn=own)
    world.iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert world.may(user, "s3:GetObject")
    assert not world.may(user, "sqs:SendMessage")
    world.iam.add_user_to_group(GroupName="g", UserName="u")
    assert world.may(user, "sqs:SendMessage")
    assert world.may(user, "kms:Decrypt")
    sources = [policy.source for policy in world.holdings(user).identity.policies]
    assert sources == ["inline:user/u/p", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "inline:group/g/p", own]


def test_what_was_worked_out_is_thrown_away_exactly_when_it_changes(world: World) -> None:
    user = world.user(Tags=[{"Key": "team", "Value": "blue"}])
    arn = world.iam.create_policy(PolicyName="own", PolicyDocument=allowing("kms:Decrypt"))["Policy"]["Arn"]
    world.iam.attach_user_policy(UserName="u", PolicyArn=arn)
    held = world.holdings(user)
    assert held.tags == {"team": "blue"}
    assert world.holdings(user) is held
    world.user("somebody-else")
    assert world.holdings(user) is held
    world.iam.create_policy_version(PolicyArn=arn, PolicyDocument=allowing("kms:Encrypt"), SetAsDefault=True)
    assert world.holdings(user) is not held
    assert not world.may(user, "kms:Decrypt")
    world.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert world.may(user, "kms:Decrypt")
    world.iam.detach_user_policy(UserName="u", PolicyArn=arn)
    assert not world.may(user, "kms:Decrypt")


def test_a_boundary_limits_and_can_be_taken_away(world: World) -> None:
    user = world.user()
    world.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=allowing("*"))
    world.iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert not world.may(user, "sqs:SendMessage")
    world.iam.delete_user_permissions_boundary(UserName="u")
    assert world.holdings(user).boundary is None
    assert world.may(user, "sqs:SendMessage")


def test_a_user_who_is_gone_has_nothing_and_one_who_comes_after_under_its_name_is_another(world: World) -> None:
    user = world.user()
    world.iam.delete_user(UserName="u")
    assert world.holdings(user) is None
    other = world.user()
    assert world.holdings(user) is None
    assert world.holdings(other) is not None


def test_a_session_outlives_the_users_new_name(world: World) -> None:
    user = world.user()
    world.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=allowing("s3:GetObject"))
    world.iam.update_user(UserName="u", NewUserName="v")
    assert world.may(user, "s3:GetObject")
    world.iam.delete_user_policy(UserName="v", PolicyName="p")
    assert not world.may(user, "s3:GetObject")


def test_a_role_session_has_the_roles_policies_and_ends_with_the_role(world: World) -> None:
    made = {"RoleName": "r", "Path": "/p/", "AssumeRolePolicyDocument": trusting("*")}
    role = world.iam.create_role(**made)["Role"]
    world.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=allowing("s3:GetObject"))
    session = role_session(role["Arn"], "s", role_id=role["RoleId"])
    assert world.may(session, "s3:GetObject")
    assert world.holdings(role_session(role["Arn"], "of another role that had this name")) is None
    assert world.holdings(role_session(role["Arn"].replace("/p/", "/q/"), "s")) is None
    world.iam.delete_role_policy(RoleName="r", PolicyName="p")
    world.iam.delete_role(RoleName="r")
    assert world.holdings(session) is None
    world.iam.create_role(**made)
    assert world.holdings(session) is None


def test_a_federated_user_has_what_its_parent_has(world: World) -> None:
    user = world.user()
    world.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=allowing("s3:GetObject"))
    account = world.account
    vouched = Session(vouched_by=user.user_id)
    made = {"arn": f"arn:aws:sts::{account}:federated-user/bob", "account": account, "user_id": f"{account}:bob", "session": vouched}
    assert world.may(Principal(kind="federated", role_arn=user.arn, **made), "s3:GetObject")
    assert not world.may(Principal(kind="federated", role_arn=user.arn, **made), "s3:PutObject")
    assert world.may(Principal(kind="federated", role_arn=root_of(account).arn, **made), "s3:PutObject")


def test_managed_policies_of_a_session_are_found_by_arn(world: World) -> None:
    arn = world.iam.create_policy(PolicyName="own", PolicyDocument=allowing("kms:Decrypt"))["Policy"]["Arn"]

    async def managed(*arns: str) -> Any:
        return world.home.authorization.identity.managed(world.account, arns)

    found = world.call(managed(arn, "arn:aws:iam::aws:policy/ReadOnlyAccess", f"{arn}-not"))
    assert [policy.source for policy in found.policies] == [arn, "arn:aws:iam::aws:policy/ReadOnlyAccess"]


def test_a_roles_trust_is_its_resource_policy_for_taking_it_on_and_nothing_else(world: World) -> None:
    arn = world.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting("*"))["Role"]["Arn"]
    policy_of: Any = room("iam").policy_of

    async def ask(action: str, resource: str) -> Any:
        return policy_of(world.home, action, resource)

    for action in ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:assumerolewithwebidentity", "sts:TagSession", "sts:SetSourceIdentity"):
        trust = world.call(ask(action, arn))
        assert trust.alone
        assert trust.owner == world.account
        assert len(trust.policies) == 1
    assert world.call(ask("iam:GetRole", arn)) is None
    assert world.call(ask("sts:AssumeRole", f"{arn}-not")) is None


def test_the_rooms_own_resources_have_tags(world: World) -> None:
    tags = [{"Key": "team", "Value": "blue"}]
    policy = world.iam.create_policy(PolicyName="p", Path="/a/b/", PolicyDocument=allowing("*"), Tags=tags)["Policy"]["Arn"]
    user = world.iam.create_user(UserName="u", Tags=tags)["User"]["Arn"]
    role = world.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting("*"), Tags=tags)["Role"]["Arn"]
    profile = world.iam.create_instance_profile(InstanceProfileName="i", Tags=tags)["InstanceProfile"]["Arn"]
    tags_of: Any = room("iam").tags_of

    async def ask(resource: str) -> Any:
        return tags_of(world.home, resource, {})

    for arn in (policy, user, role, profile):
        assert world.call(ask(arn)) == {"team": "blue"}
    assert world.call(ask(f"{user}-not")) == {}
    assert world.call(ask("*")) == {}


def test_asking_again_costs_about_a_microsecond(world: World) -> None:
    user = world.user()
    for number in range(5):
        world.iam.put_user_policy(UserName="u", PolicyName=f"p{number}", PolicyDocument=allowing("s3:GetObject"))

    async def measured() -> float:
        ask = world.home.authorization.identity.holdings
        return min(timeit.repeat(lambda: ask(user), number=2000, repeat=5)) / 2000 * 1e6

    assert world.call(measured()) < MICROSECONDS_MAX
