"""Service-control policies: written, attached, enabled. Truth: the API reference, "Quotas for AWS Organizations", "SCP syntax"."""

import json
from typing import Any

import pytest

SCP = "SERVICE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
DENY = {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements or (DENY,))})


def attached(org: Any, target: str) -> set[str]:
    return {each["Id"] for each in org.client.list_policies_for_target(TargetId=target, Filter=SCP)["Policies"]}


def test_a_policy_is_written_changed_and_deleted(org: Any, refused: Any) -> None:
    made = org.client.create_policy(Name="guard", Description="d", Type=SCP, Content=document())["Policy"]
    summary = made["PolicySummary"]
    assert summary == {
        "Id": summary["Id"],
        "Arn": f"arn:aws:organizations::{org.account.account}:policy/{org.id}/service_control_policy/{summary['Id']}",
        "Name": "guard",
        "Description": "d",
        "Type": SCP,
        "AwsManaged": False,
    }
    assert made["Content"] == document()
    changed = org.client.update_policy(PolicyId=summary["Id"], Name="watch", Content=document(DENY | {"Sid": "No"}))["Policy"]
    assert changed["PolicySummary"] == summary | {"Name": "watch"}
    assert org.client.describe_policy(PolicyId=summary["Id"])["Policy"] == changed
    assert {each["Name"] for each in org.client.list_policies(Filter=SCP)["Policies"]} == {"FullAWSAccess", "watch"}
    org.client.delete_policy(PolicyId=summary["Id"])
    with refused("PolicyNotFoundException", "You specified a policy that doesn't exist."):
        org.client.describe_policy(PolicyId=summary["Id"])


def test_awss_own_policy_is_there_and_cannot_be_changed(org: Any, refused: Any) -> None:
    full = org.client.describe_policy(PolicyId=FULL)["Policy"]
    assert full["PolicySummary"] == {
        "Id": FULL,
        "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        "Name": "FullAWSAccess",
        "Description": "Allows access to every operation",
        "Type": SCP,
        "AwsManaged": True,
    }
    assert json.loads(full["Content"])["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    for call in (org.client.update_policy, org.client.delete_policy):
        with refused("InvalidInputException") as caught:
            call(PolicyId=FULL)
        assert caught.value.response["Reason"] == "IMMUTABLE_POLICY"


def test_a_name_is_of_one_policy(org: Any, refused: Any) -> None:
    org.policy("one")
    other = org.policy("other")
    for name in ("one", "FullAWSAccess"):
        with refused("DuplicatePolicyException"):
            org.policy(name)
        with refused("DuplicatePolicyException"):
            org.client.update_policy(PolicyId=other, Name=name)


MALFORMED = {
    "no JSON": "{",
    "no object": "[]",
    "no statement": '{"Version": "2012-10-17"}',
    "no version": json.dumps({"Statement": [DENY]}),
    "an old version": json.dumps({"Version": "2008-10-17", "Statement": [DENY]}),
    "a principal": document(DENY | {"Principal": "*"}),
    "an unknown element": document(DENY | {"Verb": "s3:*"}),
    "an unknown effect": document(DENY | {"Effect": "Refuse"}),
    "an unknown operator": document(DENY | {"Condition": {"StringSomething": {"aws:RequestedRegion": "eu-central-1"}}}),
    "an endless depth": "[" * 5000,
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_policy_is_refused(org: Any, refused: Any, content: str) -> None:
    with refused("MalformedPolicyDocumentException", "The provided policy document does not meet the requirements"):
        org.client.create_policy(Name="bad", Description="", Type=SCP, Content=content)
    good = org.policy()
    with refused("MalformedPolicyDocumentException"):
        org.client.update_policy(PolicyId=good, Content=content)


def test_a_policy_has_5120_characters(org: Any, refused: Any) -> None:
    just = document().ljust(5120)
    org.client.create_policy(Name="just", Description="", Type=SCP, Content=just)
    with refused("ConstraintViolationException") as caught:
        org.client.create_policy(Name="more", Description="", Type=SCP, Content=just + " ")
    assert caught.value.response["Reason"] == "POLICY_CONTENT_LIMIT_EXCEEDED"


def test_a_type_that_is_not_built_says_so(org: Any, refused: Any) -> None:
    with refused("NotImplemented", "TAG_POLICY"):
        org.client.create_policy(Name="tags", Description="", Type="TAG_POLICY", Content="{}")
    with refused("NotImplemented", "RESOURCE_CONTROL_POLICY"):
        org.client.list_policies(Filter="RESOURCE_CONTROL_POLICY")
    assert org.client.list_policies(Filter="TAG_POLICY")["Policies"] == []
    with refused("PolicyTypeNotEnabledException"):
        org.client.disable_policy_type(RootId=org.root, PolicyType="TAG_POLICY")


def test_enabling_attaches_full_access_to_everything(org: Any, refused: Any) -> None:
    before = org.unit("before")
    with refused("PolicyTypeNotEnabledException"):
        org.attach(FULL, org.root)
    root = org.client.enable_policy_type(RootId=org.root, PolicyType=SCP)["Root"]
    assert root["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
    after, guest = org.unit("after"), org.invite()
    made = org.create()["AccountId"]
    for target in (org.root, before, after, org.account.account, guest.account, made):
        assert attached(org, target) == {FULL}
    with refused("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled."):
        org.client.enable_policy_type(RootId=org.root, PolicyType=SCP)
    with refused("RootNotFoundException"):
        org.client.enable_policy_type(RootId="r-zzzz", PolicyType=SCP)


def test_disabling_takes_every_attachment_away(org: Any, refused: Any) -> None:
    org.enabled()
    guard = org.policy()
    org.attach(guard, org.root)
    assert org.client.disable_policy_type(RootId=org.root, PolicyType=SCP)["Root"]["PolicyTypes"] == []
    assert attached(org, org.root) == set()
    with refused("PolicyTypeNotEnabledException", "This operation can be performed only for enabled policy types."):
        org.client.disable_policy_type(RootId=org.root, PolicyType=SCP)
    org.enabled()
    assert attached(org, org.root) == {FULL}


def test_a_policy_is_attached_and_detached_and_seen_from_both_sides(org: Any, refused: Any) -> None:
    org.enabled()
    unit, guard, number = org.unit("work"), org.policy(), org.account.account
    for target in (org.root, unit, number):
        org.attach(guard, target)
    with refused("DuplicatePolicyAttachmentException"):
        org.attach(guard, unit)
    arn = f"arn:aws:organizations::{number}:%s/{org.id}/%s"
    targets = org.client.list_targets_for_policy(PolicyId=guard)["Targets"]
    assert sorted(targets, key=lambda target: target["Type"]) == [
        {"TargetId": number, "Arn": arn % ("account", number), "Name": f"account-{number}", "Type": "ACCOUNT"},
        {"TargetId": unit, "Arn": arn % ("ou", unit), "Name": "work", "Type": "ORGANIZATIONAL_UNIT"},
        {"TargetId": org.root, "Arn": arn % ("root", org.root), "Name": "Root", "Type": "ROOT"},
    ]
    assert attached(org, unit) == {FULL, guard}
    with refused("PolicyInUseException"):
        org.client.delete_policy(PolicyId=guard)
    org.detach(guard, unit)
    with refused("PolicyNotAttachedException"):
        org.detach(guard, unit)
    with refused("TargetNotFoundException", "You specified a target that doesn't exist."):
        org.attach(guard, "ou-zzzz-zzzzzzzz")
    with refused("PolicyNotFoundException"):
        org.attach("p-12345678", unit)


def test_the_last_policy_stays_and_a_sixth_does_not_come(org: Any, refused: Any) -> None:
    org.enabled()
    unit = org.unit("work")
    with refused("ConstraintViolationException", "last policy") as caught:
        org.detach(FULL, unit)
    assert caught.value.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    made = [org.policy(f"guard{number}") for number in range(5)]
    for guard in made[:4]:
        org.attach(guard, unit)
    with refused("ConstraintViolationException") as caught:
        org.attach(made[4], unit)
    assert caught.value.response["Reason"] == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    org.detach(FULL, unit)
    assert attached(org, unit) == set(made[:4])


def test_attachments_end_with_the_unit_and_the_membership(org: Any) -> None:
    org.enabled()
    unit, guest, guard = org.unit("work"), org.invite(), org.policy()
    org.attach(guard, unit)
    org.attach(guard, guest.account)
    org.client.delete_organizational_unit(OrganizationalUnitId=unit)
    org.client.remove_account_from_organization(AccountId=guest.account)
    assert org.client.list_targets_for_policy(PolicyId=guard)["Targets"] == []
    org.client.delete_policy(PolicyId=guard)
