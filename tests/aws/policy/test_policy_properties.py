"""What must hold whatever the policies say. Truth: "Policy evaluation logic" of the user guide (an explicit deny overrides every
allow; what is not allowed is denied) and the nature of JSON objects.
"""

import functools
import json
from contextlib import suppress
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.aws.policy.conditions import OPERATOR
from headwater.aws.policy.documents import Kind, PolicySet, check, parse
from headwater.aws.policy.evaluation import Policies, decide, explain
from headwater.aws.policy.operators import NEGATED, POSITIVE
from headwater.aws.policy.question import Caller, Question
from headwater.aws.policy.wildcards import any_of, glob, tokens

ACCOUNT = "111122223333"
USER = Caller(kind="user", arn=f"arn:aws:iam::{ACCOUNT}:user/dev", account=ACCOUNT)
SESSION = Caller(
    kind="role",
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
    account=ACCOUNT,
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/r",
    user_id="AROA:s",
)
CALLERS = (
    USER,
    SESSION,
    Caller(kind="root", arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT),
    Caller(kind="service", arn="s3.amazonaws.com"),
    Caller(kind="anonymous"),
)
ACTIONS = ("s3:GetObject", "s3:PutObject", "iam:PassRole")
RESOURCES = ("arn:aws:s3:::b/k", "arn:aws:s3:::b/dev/k", "*")


def mostly(*choices: Any) -> st.SearchStrategy[Any]:
    one = st.sampled_from(choices)
    return one | st.lists(one, max_size=3)


actions = mostly("*", "s3:*", "s3:Get*", "S3:PUTobject", "iam:PassRole", "s3:?etObject")
resources = mostly("*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/k", "arn:aws:s3:::${aws:nothing}")
principals = st.sampled_from(
    ["*", {"AWS": ACCOUNT}, {"AWS": [USER.arn, SESSION.role_arn]}, {"Service": "s3.amazonaws.com"}, {"AWS": SESSION.arn}]
)
names = st.sampled_from(sorted({*POSITIVE, *NEGATED, "null"}))
operators = st.builds(
    lambda quantity, name, suffix: quantity + name + suffix,
    st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]),
    names,
    st.sampled_from(["", "", "IfExists"]),
)
values = mostly("eu-central-1", "dev", "${aws:username}", "*", "10", "2020-01-01", "203.0.113.0/24", "true", "arn:aws:s3:::*")
conditions = st.dictionaries(
    operators,
    st.dictionaries(st.sampled_from(["aws:RequestedRegion", "aws:username", "aws:TagKeys", "aws:nothing"]), values, max_size=2),
    max_size=2,
)


@st.composite
def statements(draw: st.DrawFn, effect: str = "") -> dict[str, Any]:
    negate = st.sampled_from(["", "", "Not"])
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        f"{draw(negate)}Action": draw(actions),
        f"{draw(negate)}Resource": draw(resources),
        "Condition": draw(conditions),
    }


@st.composite
def resource_statements(draw: st.DrawFn, effect: str = "") -> dict[str, Any]:
    statement = draw(statements(effect))
    negated = statement["Effect"] == "Deny" and draw(st.booleans())
    return statement | {"NotPrincipal" if negated else "Principal": draw(principals)}


Given = dict[str, list[dict[str, Any]]]
worlds: st.SearchStrategy[Given] = st.fixed_dictionaries(
    {"identity": st.lists(statements(), max_size=3)},
    optional={
        "boundary": st.lists(statements(), max_size=2),
        "session": st.lists(statements(), max_size=2),
        "control": st.lists(statements(), max_size=2),
        "resource": st.lists(resource_statements(), max_size=3),
    },
)
questions = st.builds(
    lambda caller, action, resource, owner: (caller, action, resource, owner),
    st.sampled_from(CALLERS),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from(["", ACCOUNT, "444455556666"]),
)
Asked = tuple[Caller, str, str, str]
VALUES = {"aws:username": "dev", "aws:requestedregion": "eu-central-1", "aws:tagkeys": ("dev", "10")}


def question(asked: Asked) -> Question:
    caller, action, resource, owner = asked
    return Question(action, resource, caller, resource_account=owner, look_up=VALUES.get)


def compiled(world: Given, *, alone: bool = False, order: int = 1) -> Policies:
    def of(kind: Any) -> PolicySet | None:
        if kind not in world:
            return None
        elements = [dict(list(statement.items())[::order]) for statement in world[kind]][::order]
        return PolicySet([parse(json.dumps({"Version": "2012-10-17", "Statement": elements}), kind=kind)])

    control = of("control")
    return Policies(
        identity=of("identity"),
        boundary=of("boundary"),
        session=of("session"),
        resource=of("resource"),
        control=() if control is None else (control,),
        resource_alone=alone,
    )


def allowed(world: Given, asked: Asked, *, alone: bool, order: int = 1) -> bool:
    return decide(question(asked), compiled(world, alone=alone, order=order)).allowed


def one_more(world: Given, effect: str, data: st.DataObject) -> Given:
    kind = data.draw(st.sampled_from(sorted(world)))
    return world | {kind: [*world[kind], data.draw(resource_statements(effect) if kind == "resource" else statements(effect))]}


@given(worlds, questions, st.booleans(), st.data())
def test_adding_a_deny_never_widens(world: Given, asked: Asked, alone: bool, data: st.DataObject) -> None:
    if allowed(one_more(world, "Deny", data), asked, alone=alone):
        assert allowed(world, asked, alone=alone)


@given(worlds, questions, st.booleans(), st.data())
def test_removing_an_allow_never_widens(world: Given, asked: Asked, alone: bool, data: st.DataObject) -> None:
    if allowed(world, asked, alone=alone):
        assert allowed(one_more(world, "Allow", data), asked, alone=alone)


@given(worlds, questions, st.booleans(), st.sampled_from(["boundary", "session", "control"]))
def test_a_limit_never_widens(world: Given, asked: Asked, alone: bool, limit: str) -> None:
    if allowed(world, asked, alone=alone):
        assert allowed({kind: found for kind, found in world.items() if kind != limit}, asked, alone=alone)


@given(worlds, questions, st.booleans())
def test_the_order_of_keys_and_of_statements_never_matters(world: Given, asked: Asked, alone: bool) -> None:
    assert allowed(world, asked, alone=alone) is allowed(world, asked, alone=alone, order=-1)


@given(worlds, questions)
def test_what_decided_is_explained_and_matched(world: Given, asked: Asked) -> None:
    given_ = compiled(world)
    decision = decide(question(asked), given_)
    found = [one for one in explain(question(asked), given_) if one.decided]
    assert [one.statement for one in found] == ([] if decision.statement is None else [decision.statement])
    assert all(one.verdict == "matched" and one.by == decision.by for one in found)
    assert decision.explicit is any(one.verdict == "matched" and one.statement.effect == "Deny" for one in explain(question(asked), given_))


@given(st.text(alphabet="ab:/*?", max_size=12), st.text(alphabet="ab:/*?\n", max_size=12))
def test_wildcards_are_what_a_simple_matcher_says(pattern: str, text: str) -> None:
    @functools.cache
    def matches(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern[p] == "*":
            return matches(p + 1, t) or (t < len(text) and matches(p, t + 1))
        return t < len(text) and pattern[p] in {"?", text[t]} and matches(p + 1, t + 1)

    assert glob(tokens(pattern))(text) is matches(0, 0)


@given(st.lists(st.text(alphabet="ab:*?", max_size=5), max_size=4), st.text(alphabet="ab:*?", max_size=6))
def test_several_patterns_are_what_each_of_them_is(patterns: list[str], text: str) -> None:
    assert any_of(map(tokens, patterns))(text) is any(glob(tokens(pattern))(text) for pattern in patterns)


def test_no_pattern_is_slow_on_purpose() -> None:
    assert not glob(tokens("*a" * 500 + "b"))("a" * 5000)
    assert not glob(tokens("*?a" * 500 + "b"))("a" * 5000)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["*", "Allow", "s3:*", "${aws:username}", "2012-10-17"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | operators | st.sampled_from(["AWS", "Effect"]), inner, max_size=3)
    ),
    max_leaves=8,
)
members = st.sampled_from(["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"])
rubbish = st.fixed_dictionaries(
    {}, optional={"Version": json_values, "Statement": json_values | st.lists(st.dictionaries(members, json_values), max_size=2)}
)


@given(st.text() | rubbish.map(json.dumps), st.sampled_from(get_args(Kind)), questions)
def test_nothing_that_is_stored_stops_a_decision(document: str, kind: Kind, asked: Asked) -> None:
    several = PolicySet([parse(document, kind=kind)])
    given_ = Policies(identity=several, boundary=several, session=several, control=(several,), resource=several)
    decide(question(asked), given_)
    explain(question(asked), given_)


@given(worlds, st.sampled_from(["identity", "resource"]))
def test_what_check_passes_parses_whole(world: Given, kind: Any) -> None:
    elements = world.get(kind, [])
    document = json.dumps({"Version": "2012-10-17", "Statement": elements})
    try:
        check(document, kind)
    except Fault:
        return
    assert len(parse(document, kind=kind).statements) == len(elements)


@given(st.text() | rubbish.map(json.dumps), st.sampled_from(get_args(Kind)))
def test_check_passes_or_refuses_and_nothing_else(document: str, kind: Kind) -> None:
    with suppress(Fault):
        check(document, kind)


@given(operators)
def test_every_operator_is_read_in_its_three_parts(operator: str) -> None:
    found = OPERATOR.fullmatch(operator)
    assert found is not None
    assert found[2].lower() in {*POSITIVE, *NEGATED, "null"}
