"""EventBridge against what AWS answered: recordings/events.json. Each test names its case."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

COMMAND = {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}
SOURCE = "core.update-account-command"
PATTERN = {"source": [SOURCE], "detail-type": [SOURCE], "detail": {"command": ["update-account"]}}
QUEUE = "arn:aws:sqs:us-east-1:000000000000:queue"
BUSES = pytest.mark.parametrize("bus", ["default", "custom"])


@pytest.fixture
def events(aws: Any) -> Iterator[Any]:
    """A rule with a schedule that is left would fire through every jump of the Clock that other tests make."""
    events = aws.client("events")
    yield events
    for rule in events.list_rules()["Rules"]:
        if "ScheduleExpression" in rule:
            events.delete_rule(Name=rule["Name"])


def made(events: Any, bus: str) -> str:
    """The bus, made if it is not the default one."""
    if bus != "default":
        events.create_event_bus(Name=bus)
    return bus


def entry(bus: str = "default", **more: Any) -> dict[str, Any]:
    return {"Source": SOURCE, "DetailType": SOURCE, "Detail": json.dumps(COMMAND), "EventBusName": bus} | more


def parsed(answer: dict[str, Any], *members: str) -> dict[str, Any]:
    """As the recordings keep them: JSON in texts is read."""
    return answer | {member: json.loads(answer[member]) for member in members if member in answer}


def rules_of(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"Rules": [parsed(rule, "EventPattern") for rule in answer["Rules"]]}


# -- buses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("described", [False, True])
def test_a_bus_from_its_making_to_its_end(aws: Any, recorded: Any, described: bool) -> None:
    case = recorded("events", f"TestEventBus::test_create_list_describe_delete_custom_event_buses[{described}-regions0]")
    case.means({"bus-name": "orders"})
    events = aws.client("events")
    more = {"Description": "test bus"} if described else {}
    case.says("create-custom-event-bus-us-east-1", events.create_event_bus(Name="orders", **more))
    case.says("list-event-buses-after-create-us-east-1", events.list_event_buses(NamePrefix="orders"))
    case.says("describe-custom-event-bus-us-east-1", events.describe_event_bus(Name="orders"))
    case.says("delete-custom-event-bus-us-east-1", events.delete_event_bus(Name="orders"))
    case.says("list-event-buses-after-delete-us-east-1", events.list_event_buses(NamePrefix="orders"))


def test_a_bus_in_each_of_three_regions(aws: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBus::test_create_list_describe_delete_custom_event_buses[False-regions1]")
    case.means({"bus-name": "orders"})
    for region in ("us-east-1", "us-west-1", "eu-central-1"):
        case.means({"region": region})
        events = aws.client("events", region=region)
        case.says(f"create-custom-event-bus-{region}", events.create_event_bus(Name="orders"))
        case.says(f"list-event-buses-after-create-{region}", events.list_event_buses(NamePrefix="orders"))
        case.says(f"describe-custom-event-bus-{region}", events.describe_event_bus(Name="orders"))
        case.says(f"delete-custom-event-bus-{region}", events.delete_event_bus(Name="orders"))
        case.says(f"list-event-buses-after-delete-{region}", events.list_event_buses(NamePrefix="orders"))


def test_a_name_that_a_bus_has(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBus::test_create_multiple_event_buses_same_name")
    events.create_event_bus(Name="orders")
    case.refuses("create-multiple-event-buses-same-name", events.create_event_bus, Name="orders")


def test_a_bus_that_is_not_there(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBus::test_describe_delete_not_existing_event_bus")
    case.refuses("describe-not-existing-event-bus-error", events.describe_event_bus, Name="none")
    case.refuses("delete-not-existing-event-bus", events.delete_event_bus, Name="none")


def test_buses_page_by_page(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBus::test_list_event_buses_with_limit")
    case.means({"bus-name-prefix": "bus"})
    for number in range(6):
        events.create_event_bus(Name=f"bus-{number}")
    first = events.list_event_buses(Limit=3, NamePrefix="bus")
    case.says("list-event-buses-limit", first)
    case.says("list-event-buses-limit-next-token", events.list_event_buses(Limit=3, NamePrefix="bus", NextToken=first["NextToken"]))


def test_permissions_are_taken_away(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBus::test_remove_permission[default]")
    case.means({"account-id": aws.account, "bus-name": "default"})
    for number, account in enumerate(("111122223333", "444455556666")):
        events.put_permission(Action="events:PutEvents", Principal=account, StatementId=f"s{number}")
    case.says("remove-permission", events.remove_permission(StatementId="s0"))
    case.says("describe-event-bus-remove-permission", parsed(events.describe_event_bus(), "Policy"))
    case.says("remove-permission-all", events.remove_permission(RemoveAllPermissions=True))
    case.says("describe-event-bus-remove-permission-all", events.describe_event_bus())


# -- tags --------------------------------------------------------------------------------------------------------------


def test_a_bus_that_begins_with_tags(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBusTags::test_create_event_bus_with_tags")
    tags = [{"Key": "tag1", "Value": "value1"}, {"Key": "tag2", "Value": "value2"}]
    answer = events.create_event_bus(Name="orders", Tags=tags)
    case.says("create_event_bus_with_tags", answer)
    case.says("list_tags_for_event_bus", events.list_tags_for_resource(ResourceARN=answer["EventBusArn"]))


def test_tags_of_a_bus_that_was_deleted(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBusTags::test_list_tags_for_deleted_event_bus")
    arn = events.create_event_bus(Name="orders")["EventBusArn"]
    events.delete_event_bus(Name="orders")
    case.refuses("list_tags_for_deleted_rule_error", events.list_tags_for_resource, ResourceARN=arn)


def test_a_rule_that_begins_with_tags(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestRuleTags::test_put_rule_with_tags")
    tags = [{"Key": "tag1", "Value": "value1"}, {"Key": "tag2", "Value": "value2"}]
    answer = events.put_rule(Name="all", EventPattern=json.dumps(PATTERN), Tags=tags)
    case.says("put_rule_with_tags", answer)
    case.says("list_tags_for_rule", events.list_tags_for_resource(ResourceARN=answer["RuleArn"]))


def test_tags_of_a_rule_that_was_deleted(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestRuleTags::test_list_tags_for_deleted_rule")
    arn = events.put_rule(Name="all", EventPattern=json.dumps(PATTERN))["RuleArn"]
    events.delete_rule(Name="all")
    case.refuses("list_tags_for_deleted_rule_error", events.list_tags_for_resource, ResourceARN=arn)


def test_tags_of_a_rule_that_never_was(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "tests_tag_list_untag_not_existing_resource[not_existing_rule]")
    arn = f"arn:aws:events:us-east-1:{aws.account}:rule/none"
    case.refuses("tag_not_existing_resource_error", events.tag_resource, ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])
    case.refuses("list_tags_for_not_existing_resource_error", events.list_tags_for_resource, ResourceARN=arn)
    case.refuses("untag_not_existing_resource_error", events.untag_resource, ResourceARN=arn, TagKeys=["a"])


@pytest.mark.parametrize("kind", ["event_bus", "rule"])
@pytest.mark.parametrize("bus", ["", "-event_bus_default", "-event_bus_custom"])
def test_tags_come_and_go(aws: Any, events: Any, recorded: Any, kind: str, bus: str) -> None:
    case = recorded("events", f"tests_tag_untag_resource[{kind}{bus}]")
    name = made(events, "custom" if bus.endswith("custom") else "default")
    arn = events.describe_event_bus(Name=name)["Arn"]
    if kind == "rule":
        arn = events.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps(PATTERN))["RuleArn"]
    tags = [{"Key": "tag1", "Value": "value1"}, {"Key": "tag2", "Value": "value2"}]
    case.says("tag_resource", events.tag_resource(ResourceARN=arn, Tags=tags))
    case.says("list_tags_for_resource", events.list_tags_for_resource(ResourceARN=arn))
    case.says("untag_resource", events.untag_resource(ResourceARN=arn, TagKeys=["tag2"]))
    case.says("list_tags_for_untagged_resource", events.list_tags_for_resource(ResourceARN=arn))
    if bus:
        case.says("untag_resource_not_existing_tag", events.untag_resource(ResourceARN=arn, TagKeys=["tag2"]))


def test_tags_do_not_outlive_their_resource(events: Any, recorded: Any) -> None:
    case = recorded("events", "test_recreate_tagged_resource_without_tags[event_bus-event_bus_default]")
    arn = events.describe_event_bus()["Arn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "tag1", "Value": "value1"}])
    case.says("list_tags_for_resource", events.list_tags_for_resource(ResourceARN=arn))


# -- rules and targets -------------------------------------------------------------------------------------------------


def test_a_rule_from_its_making_to_its_end(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventRule::test_put_list_with_prefix_describe_delete_rule[default]")
    case.means({"rule-name": "accounts"})
    case.says("put-rule", events.put_rule(Name="accounts", EventPattern=json.dumps(PATTERN)))
    case.says("list-rules", rules_of(events.list_rules(NamePrefix="acc")))
    case.says("describe-rule", parsed(events.describe_rule(Name="accounts"), "EventPattern"))
    case.says("delete-rule", events.delete_rule(Name="accounts"))
    case.says("list-rules-after-delete", events.list_rules(NamePrefix="acc"))


def test_rules_page_by_page(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventRule::test_list_rule_with_limit")
    case.means({"bus-name": "custom", "rule-name-prefix": "rule"})
    made(events, "custom")
    for number in range(6):
        events.put_rule(Name=f"rule-{number}", EventBusName="custom", EventPattern=json.dumps(PATTERN))
    first = events.list_rules(Limit=3, EventBusName="custom")
    case.says("list-rules-limit", rules_of(first))
    case.says("list-rules-limit-next-token", rules_of(events.list_rules(Limit=3, EventBusName="custom", NextToken=first["NextToken"])))


def test_rules_by_their_target(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventRule::test_list_rule_names_by_target[default]")
    case.means({"rule-prefix": "rule"})
    _rules_on(events, "default", 3)
    case.says("list_rule_names_by_target", events.list_rule_names_by_target(TargetArn=QUEUE))


def test_no_rules_by_a_target(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventRule::test_list_rule_names_by_target_no_matches[custom]")
    _rules_on(events, made(events, "custom"), 3)
    case.says("list_rule_names_by_target_no_matches", events.list_rule_names_by_target(TargetArn=f"{QUEUE}2", EventBusName="custom"))


@BUSES
def test_rules_by_their_target_page_by_page(events: Any, recorded: Any, bus: str) -> None:
    case = recorded("events", f"TestEventRule::test_list_rule_names_by_target_with_limit[{bus}]")
    case.means({"rule-prefix": "rule"})
    _rules_on(events, made(events, bus), 5)
    token: dict[str, str] = {}
    for page in ("first_page", "second_page", "third_page"):
        answer = events.list_rule_names_by_target(TargetArn=QUEUE, EventBusName=bus, Limit=2, **token)
        assert ("NextToken" in answer) == ("NextToken" in case.recorded(page))
        token = {"NextToken": answer.pop("NextToken", "")}
        case.recorded(page).pop("NextToken", None)  # spelled with a reference in a reference
        case.says(page, answer)


def _rules_on(events: Any, bus: str, count: int) -> None:
    for number in range(count):
        events.put_rule(Name=f"rule{number}", EventBusName=bus, EventPattern=json.dumps(PATTERN))
        events.put_targets(Rule=f"rule{number}", EventBusName=bus, Targets=[{"Id": "1", "Arn": QUEUE}])


@BUSES
def test_a_target_comes_and_goes(events: Any, recorded: Any, bus: str) -> None:
    case = recorded("events", f"TestEventTarget::test_put_list_remove_target[{bus}]")
    on = {"Rule": "all", "EventBusName": made(events, bus)}
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps(PATTERN))
    case.says("put-target", events.put_targets(**on, Targets=[{"Id": "queue", "Arn": QUEUE}]))
    case.says("list-targets", events.list_targets_by_rule(**on))
    case.says("remove-target", events.remove_targets(**on, Ids=["queue"]))
    case.says("list-targets-after-delete", events.list_targets_by_rule(**on))


def test_targets_page_by_page(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventTarget::test_list_target_by_rule_limit")
    case.means({"target-id": "target", "queue-arn": QUEUE})
    events.put_rule(Name="all", EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule="all", Targets=[{"Id": f"target{number}", "Arn": QUEUE} for number in range(5)])
    first = events.list_targets_by_rule(Rule="all", Limit=3)
    case.says("list-targets-limit", first)
    case.says("list-targets-limit-next-token", events.list_targets_by_rule(Rule="all", Limit=3, NextToken=first["NextToken"]))


def test_what_a_target_may_be_called(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventTarget::test_put_target_id_validation")
    events.put_rule(Name="all", EventPattern=json.dumps(PATTERN))
    case.refuses("put-targets-invalid-id-error", events.put_targets, Rule="all", Targets=[{"Id": "!@#$@!#$", "Arn": QUEUE}])
    recorded_length = case.recorded("put-targets-length-error")["Error"]
    recorded_length["Message"] = recorded_length["Message"].replace("second-invalid-target-id", "x" * 65)
    case.refuses("put-targets-length-error", events.put_targets, Rule="all", Targets=[{"Id": "x" * 65, "Arn": QUEUE}])


PLACED = {
    "test_put_multiple_targets_with_same_id_single_rule": [("all", "target-id", "$.notexisting", "list-targets")],
    "test_put_multiple_targets_with_same_id_across_different_rules": [
        ("one", "target-id", "$.detail", "list-targets-rule-one"),
        ("two", "target-id", "$.notexisting", "list-targets-rule-two"),
    ],
    "test_put_multiple_targets_with_same_arn_across_different_rules": [
        ("one", "target-id", "$.detail", "list-targets-rule-one"),
        ("two", "target-id", "$.doesnotexist", "list-targets-rule-two"),
    ],
}


@pytest.mark.parametrize("name", PLACED)
def test_a_target_belongs_to_its_rule(events: Any, recorded: Any, name: str) -> None:
    case = recorded("events", f"TestEventTarget::{name}")
    for rule, target, path, answer in PLACED[name]:
        events.put_rule(Name=rule, EventPattern=json.dumps(PATTERN))
        for each in ("$.detail", path):
            events.put_targets(Rule=rule, Targets=[{"Id": target, "Arn": QUEUE, "InputPath": each}])
        case.says(answer, _somewhere(events.list_targets_by_rule(Rule=rule)))


def test_one_place_may_be_two_targets(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventTarget::test_put_multiple_targets_with_same_arn_single_rule")
    events.put_rule(Name="all", EventPattern=json.dumps(PATTERN))
    for name, path in (("target-id-one", "$.detail"), ("target-id-two", "$.doesnotexist")):
        events.put_targets(Rule="all", Targets=[{"Id": name, "Arn": QUEUE, "InputPath": path}])
    case.says("list-targets", _somewhere(events.list_targets_by_rule(Rule="all")))


def _somewhere(answer: dict[str, Any]) -> dict[str, Any]:
    """Where the target is was of no interest to these recordings."""
    return answer | {"Targets": [target | {"Arn": "target-arn"} for target in answer["Targets"]]}


# -- schedules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression", ["cron(0 1 * * * *)", "cron(INVALID)"])
def test_schedules_that_are_none(events: Any, recorded: Any, expression: str) -> None:
    case = recorded("events", f"TestScheduleCron::tests_put_rule_with_invalid_schedule_cron[{expression}]")
    case.refuses("invalid-put-rule", events.put_rule, Name="all", ScheduleExpression=expression)


CRONS = [
    "0 10 * * ? *",
    "0 12 * * ? *",
    "0 18 ? * MON-FRI *",
    "0 8 1 * ? *",
    "0/30 0-2 ? * MON-FRI *",
    "0/30 20-23 ? * MON-FRI *",
    "15 10 ? * 6L 2002-2005",
    "5,35 14 * * ? *",
]


@pytest.mark.parametrize(("cron", "case"), [("0 20 * * ? *", ""), *((cron, f"[cron({cron})]") for cron in CRONS)])
def test_schedules_that_are_some(events: Any, recorded: Any, cron: str, case: str) -> None:
    case_ = recorded("events", f"TestScheduleCron::tests_put_rule_with_schedule_cron{case}")
    case_.means({"rule-name": "tick"})
    case_.says("put-rule", events.put_rule(Name="tick", ScheduleExpression=f"cron({cron})"))
    case_.says("list-rules", events.list_rules(NamePrefix="tick"))


def test_a_schedule_stands_on_the_default_bus_alone(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestScheduleRate::tests_put_rule_with_schedule_custom_event_bus")
    made(events, "custom")
    case.refuses(
        "put-rule-with-custom-event-bus-error", events.put_rule, Name="a", EventBusName="custom", ScheduleExpression="rate(1 minute)"
    )


# -- events ------------------------------------------------------------------------------------------------------------

MALFORMED = {"ARRAY": "[1]", "MALFORMED_JSON": '{"a": ', "SERIALIZED_STRING": '"text"', "STRING": "text"}


@pytest.mark.parametrize("name", MALFORMED)
def test_details_that_are_no_object(events: Any, recorded: Any, name: str) -> None:
    case = recorded("events", f"TestEvents::test_put_event_malformed_detail[{name}]")
    case.says("put-events", events.put_events(Entries=[entry(Detail=MALFORMED[name])]))


def test_an_event_without_a_source(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEvents::test_put_events_without_source")
    case.says("put-events", events.put_events(Entries=[{"DetailType": "a", "Detail": "{}"}]))


def test_too_much_in_one_request(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEvents::test_put_event_with_too_big_detail")
    big = json.dumps({"payload": ["p" * (256 * 1024 - 17)]})
    case.refuses("put-events-too-big-detail-error", events.put_events, Entries=[entry(Detail=big)])


def test_too_many_in_one_request(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEvents::test_put_events_exceed_limit_ten_entries[default]")
    error = case.recorded("put-events-exceed-limit-error")
    error["Error"]["Message"] = error["Error"]["Message"].partition("]' at ")[2]  # before it AWS prints its Java object
    with pytest.raises(events.exceptions.ClientError) as refused:
        events.put_events(Entries=[entry()] * 11)
    response = refused.value.response
    response["Error"]["Message"] = response["Error"]["Message"].partition("]' at ")[2]
    case.says("put-events-exceed-limit-error", response)


def test_a_target_that_fails_does_not_concern_who_puts(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEvents::test_put_events_with_target_delivery_failure")
    events.put_rule(Name="all", EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": QUEUE}])
    case.says("put-events-response", events.put_events(Entries=[entry()]))


def test_a_template_names_what_is_not_defined(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestInputTransformer::test_put_events_with_input_transformer_missing_keys")
    events.put_rule(Name="all", EventPattern=json.dumps(PATTERN))
    transformer = {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '"<notdefinedkey>"'}
    target = {"Id": "1", "Arn": QUEUE, "InputTransformer": transformer}
    case.refuses("missing-key-exception-error", events.put_targets, Rule="all", Targets=[target])


# -- patterns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["array-event-payload-exc", "plain-string-payload-exc", "plain-string-payload-exc invalid"])
def test_events_that_are_no_object(events: Any, recorded: Any, name: str) -> None:
    cases = {
        "array-event-payload-exc": ("test_array_event_payload", "[]"),
        "plain-string-payload-exc": ("test_plain_string_payload", "plain string"),
        "plain-string-payload-exc invalid": ("test_invalid_event_payload", "{"),
    }
    case = recorded("events", f"TestEventPattern::{cases[name][0]}")
    request = {"EventPattern": json.dumps({"a": ["b"]}), "Event": cases[name][1]}
    case.refuses(name.partition(" ")[0], events.test_event_pattern, **request)


def test_a_pattern_that_is_no_json(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventPattern::test_invalid_json_event_pattern[this is valid json but not a dict]")
    case.refuses("invalid-pattern", events.test_event_pattern, EventPattern="this is valid json but not a dict", Event="{}")


WRONG = [
    "content_anything_prefix_ignorecase",
    "content_anything_prefix_int",
    "content_anything_suffix_empty",
    "content_anything_suffix_int",
    "content_anything_suffix_list_null_type",
    "content_anything_wildcard_type",
    "content_ignorecase_list",
    "content_numeric",
    "content_numeric_number",
    "content_numeric_operatorcasing",
    "content_numeric_syntax",
    "content_prefix_int",
    "content_prefix_list",
    "content_suffix_list",
    "content_wildcard_int",
    "content_wildcard_repeating_star",
]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_pattern_is_refused_in_aws_s_words_and_with_its_place(events: Any, recorded: Any, name: str) -> None:
    """The recorded sentence quotes the pattern, which is how it is known."""
    case = recorded("events", f"TestEventPattern::test_event_pattern[{name}_EXC]")
    said = case.recorded(f"{name}_EXC")["exception_message"]["Error"]["MessageRaw"].replace("<partition>", "aws")
    source = said.split('(String)"', 1)[1].split('"; line:')[0].replace("<region>", "eu-south")  # as long as its placeholder
    with pytest.raises(events.exceptions.InvalidEventPatternException) as refused:
        events.test_event_pattern(EventPattern=source, Event="{}")
    assert refused.value.response["Error"]["Message"].replace("eu-south", "<region>") == _place_corrected(said, source)
    case.leaves(f"{name}_EXC", because="compared above, with the place of what was wrong")


def _place_corrected(said: str, source: str) -> str:
    """One recording has placeholders for what was shorter or longer; what is counted behind them shifts."""
    if "**" not in source:
        return said
    at = source.index("**")
    text = source.index('"arn:')
    said = said.replace("at pos 26", f"at pos {at - text}")
    return said.replace("column: 72", f"column: {source.rindex(chr(34)) + 2}")


ADDRESSES = {
    "content_ip_address_EXC": "10.0.0.0",
    "content_ip_address_bad_ip_EXC": "xx.11.xx/8",
    "content_ip_address_bad_mask_EXC": "10.0.0.0/xx",
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_wrong_network_is_refused_in_aws_s_words(events: Any, recorded: Any, name: str) -> None:
    case = recorded("events", f"TestEventPattern::test_event_pattern[{name}]")
    said = case.recorded(name)["exception_message"]["Error"]["MessageRaw"]
    with pytest.raises(events.exceptions.InvalidEventPatternException) as refused:
        events.test_event_pattern(EventPattern=json.dumps({"a": [{"cidr": ADDRESSES[name]}]}), Event="{}")
    assert refused.value.response["Error"]["Message"] == said
    case.leaves(name, because="compared above")


# -- archives and replays ----------------------------------------------------------------------------------------------


def archived(events: Any, bus: str, name: str = "kept") -> str:
    """An archive of a bus as the recorded ones were made; the bus's ARN."""
    arn: str = events.describe_event_bus(Name=made(events, bus))["Arn"]
    described = {"Description": "description of the archive", "EventPattern": json.dumps(PATTERN), "RetentionDays": 1}
    events.create_archive(ArchiveName=name, EventSourceArn=arn, **described)
    return arn


def test_an_archive_from_its_making_to_its_end(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestArchive::test_create_list_describe_update_delete_archive[default]")
    case.means({"archive-name": "kept", "event-bus-name": "default"})
    arn = events.describe_event_bus()["Arn"]
    what = {"Description": "description of the archive", "EventPattern": json.dumps(PATTERN), "RetentionDays": 1}
    case.says("create-archive", events.create_archive(ArchiveName="kept", EventSourceArn=arn, **what))
    case.says("list-archives", events.list_archives(NamePrefix="kept"))
    case.says("describe-archive", parsed(events.describe_archive(ArchiveName="kept"), "EventPattern"))
    case.says("update-archive", events.update_archive(ArchiveName="kept", Description="updated", RetentionDays=2))
    case.says("delete-archive", events.delete_archive(ArchiveName="kept"))


@BUSES
def test_a_name_that_an_archive_has(events: Any, recorded: Any, bus: str) -> None:
    case = recorded("events", f"TestArchive::test_create_archive_error_duplicate[{bus}]")
    arn = archived(events, bus)
    case.refuses("create-archive-duplicate-error", events.create_archive, ArchiveName="kept", EventSourceArn=arn)


@pytest.mark.parametrize("verb", ["delete", "describe"])
def test_an_archive_that_is_not_there(events: Any, recorded: Any, verb: str) -> None:
    case = recorded("events", f"TestArchive::test_{verb}_archive_error_unknown_archive")
    case.refuses(f"{verb}-archive-unknown-archive-error", getattr(events, f"{verb}_archive"), ArchiveName="none")


def test_archives_of_a_bus_that_is_not_there(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestArchive::test_list_archive_error_unknown_source_arn")
    arn = f"arn:aws:events:us-east-1:{aws.account}:event-bus/none"
    case.refuses("list-archives-unknown-event-bus-error", events.list_archives, EventSourceArn=arn)


@BUSES
def test_archives_by_their_state(events: Any, recorded: Any, bus: str) -> None:
    case = recorded("events", f"TestArchive::test_list_archive_state_enabled[{bus}]")
    archived(events, bus)
    case.says("list-archives-state-enabled", events.list_archives(State="ENABLED"))


def test_archives_by_their_name(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestArchive::test_list_archive_with_name_prefix[custom]")
    archived(events, "custom")
    case.says("list-archives-with-name-prefix", events.list_archives(NamePrefix="ke"))
    case.says("list-archives-with-full-name", events.list_archives(NamePrefix="kept"))
    case.says("list-archives-not-existing-archive", events.list_archives(NamePrefix="kept-not"))


def test_what_an_archive_holds_is_counted(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestArchive::test_list_archive_with_events[True-default]")
    archived(events, "default")
    events.put_events(Entries=[entry()] * 10)
    for answer in ("list-archives", "describe-archive"):
        ours = case.recorded(answer).get("Archives", [case.recorded(answer)])
        assert [each.pop("SizeBytes") for each in ours] == [1590]
    listed = events.list_archives(NamePrefix="kept")
    described = parsed(events.describe_archive(ArchiveName="kept"), "EventPattern")
    sizes = {listed["Archives"][0].pop("SizeBytes"), described.pop("SizeBytes")}
    assert len(sizes) == 1  # AWS's way of counting bytes is not told
    case.says("list-archives", listed)
    case.says("describe-archive", described)


START = {"EventStartTime": 1_700_000_000, "EventEndTime": 1_700_000_010}


def test_a_replay_that_is_not_there(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestReplay::test_describe_replay_error_unknown_replay")
    case.refuses("describe-replay-unknown-replay-error", events.describe_replay, ReplayName="none")


def test_a_replay_of_an_archive_that_is_not_there(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestReplay::test_start_replay_error_unknown_archive")
    source = f"arn:aws:events:us-east-1:{aws.account}:archive/none"
    destination = {"Arn": events.describe_event_bus()["Arn"]}
    start = START | {"ReplayName": "again", "EventSourceArn": source, "Destination": destination}
    case.refuses("start-replay-unknown-archive-error", events.start_replay, **start)


def test_a_replay_to_another_bus(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestReplay::test_start_replay_error_unknown_event_bus")
    arn = archived(events, "custom")
    start = START | {"ReplayName": "again", "EventSourceArn": events.describe_archive(ArchiveName="kept")["ArchiveArn"]}
    nowhere = arn.replace("custom", "none")
    case.refuses("start-replay-unknown-event-bus-error", events.start_replay, **start, Destination={"Arn": nowhere})
    other = {"Arn": events.describe_event_bus()["Arn"]}
    case.refuses("start-replay-wrong-event-bus-error", events.start_replay, **start, Destination=other)


def test_a_replay_that_ends_before_it_begins(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestReplay::test_start_replay_error_invalid_end_time[10]")
    arn = archived(events, "default")
    start = {"EventStartTime": 1_700_000_010, "EventEndTime": 1_700_000_000, "Destination": {"Arn": arn}, "ReplayName": "again"}
    source = events.describe_archive(ArchiveName="kept")["ArchiveArn"]
    case.refuses("start-replay-invalid-end-time-error", events.start_replay, **start, EventSourceArn=source)


def replayed(events: Any, names: list[str]) -> None:
    """Replays of an empty archive, once they are over."""
    arn = archived(events, "default")
    source = events.describe_archive(ArchiveName="kept")["ArchiveArn"]
    for name in names:
        events.start_replay(ReplayName=name, EventSourceArn=source, Destination={"Arn": arn}, **START)
    for _ in range(200):
        if len(events.list_replays(State="COMPLETED")["Replays"]) == len(names):
            return
        time.sleep(0.02)
    raise AssertionError("the replays do not end")


def test_replays_page_by_page(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestReplay::test_list_replay_with_limit")
    case.means({"archive-name": "kept", "replay-name-prefix": "some"})
    replayed(events, [f"some-test-replay-{number}" for number in range(6)])
    first = events.list_replays(Limit=3, NamePrefix="some")
    case.says("list-replays-with-limit", first)
    case.says("list-replays-with-limit-next-token", events.list_replays(Limit=3, NamePrefix="some", NextToken=first["NextToken"]))


def test_replays_by_their_name(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestReplay::test_list_replays_with_prefix")
    case.means({"replay-name-prefix": "some"})
    replayed(events, ["some-test-replay", "other"])
    case.says("list-replays-with-full-name", events.list_replays(NamePrefix="some-test-replay"))
    case.says("list-replays-with-prefix", events.list_replays(NamePrefix="some"))
