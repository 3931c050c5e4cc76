"""What must hold of whole calls, whatever the policies: with identity policies, a boundary, a session's policies and an organization's.

The engine alone has its own such tests (tests/aws/policy/test_policy_properties.py); here the kernel puts the policies together.
"""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.aws.policy.documents import PolicySet, parse
from headwater.kernel.authorization import Authorization
from headwater.kernel.context import Context
from headwater.kernel.identity import Principal, Session
from headwater.kernel.service import room
from headwater.kernel.standing import Holdings

ACCOUNT = "123456789012"
CALLS = {
    ("rds", "DescribeDBInstances"): [{}, {"DBInstanceIdentifier": "shop"}],
    ("rds", "AddRoleToDBInstance"): [{"DBInstanceIdentifier": "shop", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "FeatureName": "x"}],
    ("lambda", "GetFunction"): [{"FunctionName": "f"}],
    ("firehose", "TagDeliveryStream"): [{"DeliveryStreamName": "s", "Tags": [{"Key": "team", "Value": "a"}]}],
}
Document = dict[str, Any]

actions = st.sampled_from(["*", "rds:*", "rds:DescribeDBInstances", "rds:AddRole*", "iam:PassRole", "lambda:Get*", "firehose:*"])
resources = st.sampled_from(["*", "arn:aws:rds:*:*:db:shop", "arn:aws:rds:*:*:db:*", f"arn:aws:iam::{ACCOUNT}:role/*", "arn:aws:lambda:*"])
conditions = st.sampled_from(
    [
        None,
        {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}},
        {"StringEquals": {"aws:RequestTag/team": "a"}},
        {"Null": {"aws:TagKeys": "true"}},
        {"ForAllValues:StringLike": {"aws:TagKeys": ["te*"]}, "StringEqualsIfExists": {"iam:PassedToService": "rds.amazonaws.com"}},
    ]
)


@st.composite
def statements(draw: st.DrawFn, *, effects: tuple[str, ...] = ("Allow", "Allow", "Deny")) -> Document:
    word = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    made = {"Effect": draw(st.sampled_from(effects)), word: draw(st.lists(actions, min_size=1, max_size=2)), "Resource": draw(resources)}
    condition = draw(conditions)
    return made if condition is None else made | {"Condition": condition}


documents = st.lists(statements(), min_size=1, max_size=3)


class World(msgspec.Struct):
    """The statements of each policy. A boundary, session or organization of None is none."""

    identity: list[list[Document]]
    boundary: list[Document] | None
    session: list[Document] | None
    control: list[list[Document]]

    def policies(self) -> list[list[Document]]:
        return [*self.identity, *filter(None, [self.boundary, self.session]), *self.control]


worlds = st.builds(
    World,
    identity=st.lists(documents, min_size=1, max_size=2),
    boundary=st.none() | documents,
    session=st.none() | documents,
    control=st.lists(documents, max_size=2),
)


def text(policy: list[Document], *, backwards: bool = False) -> str:
    document = {"Version": "2012-10-17", "Statement": policy[::-1] if backwards else policy}
    return json.dumps(turned(document) if backwards else document)


def turned(value: Any) -> Any:
    """The same with its keys in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(each) for each in value] if isinstance(value, list) else value


def compiled(*policies: list[Document], backwards: bool = False) -> PolicySet:
    return PolicySet([parse(text(policy, backwards=backwards), source="of a test") for policy in policies])


class Sources:
    """Who answers for IAM and for Organizations."""

    def __init__(self, world: World, *, backwards: bool = False) -> None:
        boundary = None if world.boundary is None else compiled(world.boundary, backwards=backwards)
        self.holding = Holdings(identity=compiled(*world.identity, backwards=backwards), boundary=boundary)
        self.above = tuple(compiled(level, backwards=backwards) for level in world.control)

    def holdings(self, principal: Principal) -> Holdings:
        return self.holding

    def managed(self, account: str, arns: tuple[str, ...]) -> PolicySet:
        return PolicySet(())

    def role_id(self, role_arn: str) -> str | None:
        return None

    def check_mfa(self, account: str, serial: str, code: str) -> bool:
        return False

    def levels(self, account: str) -> tuple[PolicySet, ...]:
        return self.above

    def organization(self, account: str) -> tuple[str, tuple[str, ...]] | None:
        return None


class Case(msgspec.Struct, frozen=True):
    name: str
    code: str
    request: dict[str, Any]
    region: str
    kind: str


@st.composite
def drawn_cases(draw: st.DrawFn) -> Case:
    name, code = draw(st.sampled_from(list(CALLS)))
    request = draw(st.sampled_from(CALLS[name, code]))
    return Case(name, code, request, draw(st.sampled_from(["us-east-1", "eu-central-1"])), draw(st.sampled_from(["user", "role"])))


def principal(case: Case, world: World) -> Principal:
    session = None if world.session is None else Session(policies=(text(world.session),))
    if case.kind == "user":
        return Principal(arn=f"arn:aws:iam::{ACCOUNT}:user/dev", account=ACCOUNT, kind="user", user_id="AIDA", session=session)
    arn, role = f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/s", f"arn:aws:iam::{ACCOUNT}:role/dev"
    return Principal(arn=arn, account=ACCOUNT, kind="role", user_id="AROA:s", role_arn=role, session=session)


@pytest.fixture(scope="module")
def allows(server: Any) -> Any:
    """`allows(world, case)`: whether the call is passed, each time by an authorization that remembers nothing."""

    def ask(world: World, case: Case, *, backwards: bool = False) -> bool:
        authorization = Authorization(server.home)
        authorization.identity = authorization.control = Sources(world, backwards=backwards)
        who = principal(case, world)
        ctx = Context(server.home, account=ACCOUNT, region=case.region, principal=who, service=case.name)

        async def verdict() -> bool:
            try:
                await authorization.authorize(ctx, room(case.name).model.operations[case.code], case.request)
            except Fault:
                return False
            return True

        return bool(server.call(verdict()))

    return ask


checked = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@checked
@given(worlds, drawn_cases(), statements(effects=("Deny",)), st.data())
def test_adding_a_deny_never_widens(allows: Any, world: World, case: Case, denied: Document, data: st.DataObject) -> None:
    more = copy.deepcopy(world)
    data.draw(st.sampled_from(more.policies())).append(denied)
    assert allows(world, case) or not allows(more, case)


@checked
@given(worlds, drawn_cases(), st.data())
def test_removing_an_allow_never_widens(allows: Any, world: World, case: Case, data: st.DataObject) -> None:
    less = copy.deepcopy(world)
    policy = data.draw(st.sampled_from(less.policies()))
    allowing = [at for at, statement in enumerate(policy) if statement["Effect"] == "Allow"]
    if allowing:
        del policy[data.draw(st.sampled_from(allowing))]
    assert allows(world, case) or not allows(less, case)


@checked
@given(worlds, drawn_cases(), documents)
def test_a_boundary_a_sessions_policy_and_an_organization_never_widen(allows: Any, world: World, case: Case, limit: list[Document]) -> None:
    plain = World(world.identity, None, None, [])
    allowed = allows(plain, case)
    for limited in (
        World(world.identity, limit, None, []),
        World(world.identity, None, limit, []),
        World(world.identity, None, None, [limit]),
    ):
        assert allowed or not allows(limited, case)


@checked
@given(worlds, drawn_cases())
def test_the_order_of_keys_and_of_statements_never_matters(allows: Any, world: World, case: Case) -> None:
    assert allows(world, case) == allows(world, case, backwards=True)


def test_the_cases_are_both_allowed_and_refused(allows: Any) -> None:
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    for (name, code), requests in CALLS.items():
        for request in requests:
            case = Case(name, code, request, "us-east-1", "role")
            assert allows(World([everything], everything, everything, [everything]), case)
            assert not allows(World([everything], everything, everything, [everything, []]), case)
