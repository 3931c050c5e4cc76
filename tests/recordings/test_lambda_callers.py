"""Names of functions, their tags, who may call them and how their events are retried, against recordings/lambda.json.

Each test names its case.
"""

import json
from typing import Any

import pytest


def name_and_qualifier(client: Any, operation: str) -> Any:
    """A call with a name and, where one is given and the operation has one, a qualifier."""

    def call(name: str, qualifier: str | None) -> Any:
        more = {"Qualifier": qualifier} if qualifier is not None else {}
        return getattr(client, operation)(FunctionName=name, **more)

    return call


A65, A129, A140, A170 = "a" * 65, "a" * 129, "a" * 140, "a" * 170
NAMES: dict[str, tuple[str, str | None]] = {
    "function_name_and_qualifier_too_long-invoke": ("my-function", A65),
    "function_name_is_single_invalid-invoke": ("*", None),
    "function_name_too_long-create_function": (A65, None),
    "function_name_too_long_and_invalid_region-create_function": (
        "arn:aws:lambda:invalid-region:{account}:function:my-function" + A170,
        None,
    ),
    "function_name_too_long_and_invalid_region-invoke": ("arn:aws:lambda:invalid-region:{account}:function:my-function" + A170, None),
    "full_arn_and_qualifier_too_long_and_invalid_region-create_function": (
        f"arn:aws:lambda:invalid-region:{{account}}:function:my-function-{A170}:{A129}",
        None,
    ),
    "full_arn_and_qualifier_too_long_and_invalid_region-get_function": (
        f"arn:aws:lambda:invalid-region:{{account}}:function:my-function-{A170}",
        A129,
    ),
    "incomplete_arn-delete_function": ("arn:aws:lambda:us-east-1:{account}:function", None),
    "incomplete_arn-get_function": ("arn:aws:lambda:us-east-1:{account}:function", None),
    "incomplete_arn-invoke": ("arn:aws:lambda:us-east-1:{account}:function", None),
    "invalid_account_id_in_partial_arn-create_function": ("invalid-account:function:my-function", None),
    "invalid_account_id_in_partial_arn-get_function": ("invalid-account:function:my-function", None),
    "invalid_characters_in_function_name-create_function": ("my-function!", None),
    "invalid_characters_in_function_name-delete_function": ("my-function!", None),
    "invalid_characters_in_function_name-get_function": ("my-function!", None),
    "invalid_characters_in_function_name-invoke": ("my-function!", None),
    "invalid_characters_in_qualifier-create_function": ("my-function:invalid!", None),
    "invalid_characters_in_qualifier-delete_function": ("my-function", "invalid!"),
    "invalid_region_in_arn-get_function": ("arn:aws:lambda:invalid-region:{account}:function:my-function", None),
    "latest_version_with_additional_qualifier-get_function": ("my-function:$LATEST", "1"),
    "missing_account_id_in_arn-delete_function": ("arn:aws:lambda:us-east-1::function:my-function", None),
    "missing_account_id_in_arn-invoke": ("arn:aws:lambda:us-east-1::function:my-function", None),
    "missing_region_in_arn-delete_function": ("arn:aws:lambda::{account}:function:my-function", None),
    "non_lambda_arn-create_function": ("arn:aws:ec2:us-east-1:{account}:instance:i-1234567890abcdef0", None),
    "non_lambda_arn-get_function": ("arn:aws:ec2:us-east-1:{account}:instance:i-1234567890abcdef0", None),
    "non_lambda_arn-invoke": ("arn:aws:ec2:us-east-1:{account}:instance:i-1234567890abcdef0", None),
    "partial_arn_with_extra_qualifier-invoke": ("function:my-function:$LATEST:extra", None),
    "qualifier_too_long-create_function": (f"my-function:{A129}", None),
    "qualifier_too_long-delete_function": ("my-function", A129),
    "qualifier_too_long0-create_function": (f"my-function:{A129}", None),
    "qualifier_too_long0-delete_function": ("my-function", A129),
    "qualifier_too_long1-get_function": ("my-function", A65),
}


@pytest.mark.parametrize("which", NAMES)
def test_names_and_qualifiers(which: str, functions: Any, recorded: Any) -> None:
    """The recordings keep the sentences of a refusal as a sorted list, and long runs of `a` as `<a:len(…)>`."""
    case = recorded("lambda", f"TestLambdaFunction::test_function_name_and_qualifier_validation[{which}]")
    operation = which.rpartition("-")[2]
    name, qualifier = NAMES[which]
    name = name.replace("{account}", functions.aws.account)
    if operation == "create_function":
        call = lambda: functions.client.create_function(**functions.request(name))  # noqa: E731
    else:
        call = lambda: name_and_qualifier(functions.client, operation)(name, qualifier)  # noqa: E731
    error = functions.refusal(call)["Error"]
    wanted = case.recorded(f"{operation}_exception")
    said: dict[str, Any] = {"Code": error["Code"], "Message": error["Message"]}
    if "Errors" in wanted:
        sentences = error["Message"].partition("detected: ")[2].split("; ")
        said = {"Code": error["Code"], "Count": len(sentences), "Errors": sorted(sentences)}
        wanted["Errors"] = sorted(wanted["Errors"])
    case.says(f"{operation}_exception", said)


@pytest.mark.parametrize("operation", ["delete_function", "get_function", "get_function_code_signing_config", "get_function_concurrency"])
def test_a_function_of_another_region(operation: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaFunction::test_get_function_wrong_region[{operation}]")
    case.means({"wrong-region": "eu-west-3"})
    arn = f"arn:aws:lambda:eu-west-3:{functions.aws.account}:function:f"
    case.refuses("wrong_region_exception", getattr(functions.client, operation), FunctionName=arn)


def test_a_name_that_is_none(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_invalid_invoke")
    name = "arn:aws:lambda:us-east-1:123400000000@function:myfn"
    case.refuses("invoke_function_name_pattern_exc", functions.client.invoke, FunctionName=name)


@pytest.mark.parametrize("operation", ["get_function_concurrency", "get_function_configuration", "get_function_url_config"])
def test_a_function_that_is_not_there(operation: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaFunction::test_ops_on_nonexisting_fn[{operation}]")
    case.refuses("not_found_exception", getattr(functions.client, operation), FunctionName="nothing")


@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration", "get_function_event_invoke_config"])
def test_a_version_that_is_not_there(operation: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaFunction::test_ops_on_nonexisting_version[{operation}]")
    functions.created("f")
    case.refuses("version_not_found_exception", getattr(functions.client, operation), FunctionName="f", Qualifier="1221")


def test_two_qualifiers_that_differ(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_ops_with_arn_qualifier_mismatch[delete_function]")
    functions.created("f")
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:f:$LATEST"
    case.refuses("not_match_exception", functions.client.delete_function, FunctionName=arn, Qualifier="1")
    case.refuses("match_exception", functions.client.delete_function, FunctionName=arn, Qualifier="$LATEST")


def test_tags_that_are_refused(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaTags::test_tag_exceptions")
    client, tags = functions.client, {"A": "1"}
    arn = functions.created("f")["CreateFunctionResponse"]["FunctionArn"]
    case.leaves("tag_lambda_invalidarn", because="the pattern in the sentence is of another version of the model")
    case.refuses("tag_lambda_doesnotexist", client.tag_resource, Resource=arn.removesuffix("f") + "doesnotexist", Tags=tags)
    case.refuses("tag_lambda_qualifier_doesnotexist", client.tag_resource, Resource=f"{arn}:v1", Tags=tags)
    case.says("list_tag_lambda_empty", client.list_tags(Resource=arn))
    case.says("untag_nomatch", client.untag_resource(Resource=arn, TagKeys=["none"]))
    case.refuses("untag_empty_keys", client.untag_resource, Resource=arn, TagKeys=[])
    case.refuses("tag_empty_tags", client.tag_resource, Resource=arn, Tags={})


def test_tags_of_versions_are_refused(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaTags::test_tag_versions")
    functions.created("f")
    version = functions.client.publish_version(FunctionName="f")["FunctionArn"]
    case.refuses("tag_resource_exception", functions.client.tag_resource, Resource=version, Tags={"A": "1"})
    latest = version.removesuffix("1") + "$LATEST"
    case.refuses("tag_resource_latest_exception", functions.client.tag_resource, Resource=latest, Tags={"A": "1"})


def test_fifty_tags_and_no_more(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaTags::test_tag_limits")
    client = functions.client
    arn = client.create_function(**functions.request("f", Environment={"Variables": {}}, Timeout=30))["FunctionArn"]
    many = {f"{number}_key": f"{number}_value" for number in range(51)}
    case.refuses("tag_lambda_too_many_tags", client.tag_resource, Resource=arn, Tags=many)
    fifty = dict(list(many.items())[:50])
    case.says("tag_response", client.tag_resource(Resource=arn, Tags=fifty))
    case.says("list_tags_response", client.list_tags(Resource=arn))
    case.says("get_fn_response", client.get_function(FunctionName="f"))
    case.refuses("tag_lambda_too_many_tags_additional", client.tag_resource, Resource=arn, Tags={"one": "more"})
    case.refuses("create_function_invalid_tags", client.create_function, **functions.request("g", Tags=many))


def test_tags_put_on_and_taken_off(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaTags::test_tag_lifecycle")
    client = functions.client
    arn = functions.created("f", Tags={"key_a": "value_a"})["CreateFunctionResponse"]["FunctionArn"]

    def now(moment: str) -> None:
        case.says(f"list_tags_response_{moment}", client.list_tags(Resource=arn))
        case.says(f"get_fn_response_{moment}", client.get_function(FunctionName="f"))

    now("postfncreate")
    case.says("tag_resource_response", client.tag_resource(Resource=arn, Tags={f"key_{x}": f"value_{x}" for x in "bcde"}))
    now("postaddtags")
    case.says("tag_resource_overwrite", client.tag_resource(Resource=arn, Tags={"key_c": "value_x"}))
    now("overwrite")
    client.untag_resource(Resource=arn, TagKeys=["key_c", "key_d"])
    now("postuntag")
    client.untag_resource(Resource=arn, TagKeys=["key_a", "key_b", "key_e"])
    now("postuntagall")
    client.delete_function(FunctionName="f")
    case.refuses("list_tags_postdelete", client.list_tags, Resource=arn)


def test_tags_of_a_function_as_of_a_resource(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaTag::test_tag_lifecycle[lambda_function]")
    client = functions.client
    arn = functions.created("f")["CreateFunctionResponse"]["FunctionArn"]
    puts = {"single": {"A": "tag-a"}, "multiple": {"B": "tag-b", "C": "tag-c"}, "overlap": {"C": "tag-c-newsuffix", "D": "tag-d"}}
    takes = {"single": ["A"], "multiple": ["B", "C"], "nonexisting": ["F"], "existing_and_nonexisting": ["D", "F"]}
    for which, tags in puts.items():
        case.says(f"tag_{which}_response", client.tag_resource(Resource=arn, Tags=tags))
        case.says(f"tag_{which}_response_listtags", client.list_tags(Resource=arn))
    for which, keys in takes.items():
        case.says(f"untag_{which}_response", client.untag_resource(Resource=arn, TagKeys=keys))
        case.says(f"untag_{which}_response_listtags", client.list_tags(Resource=arn))


def parsed(answer: dict[str, Any], member: str) -> dict[str, Any]:
    """The recordings keep policies as what they say."""
    return answer | {member: json.loads(answer[member])}


def test_two_who_may_call(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaPermissions::test_create_multiple_lambda_permissions")
    functions.created("f")
    for number, who in enumerate(("logs", "kinesis"), 1):
        answer = functions.client.add_permission(
            FunctionName="f", StatementId=who, Action="lambda:InvokeFunction", Principal=f"{who}.amazonaws.com"
        )
        case.says(f"add_permission_response_{number}", parsed(answer, "Statement"))
    case.says("policy_after_2_add", parsed(functions.client.get_policy(FunctionName="f"), "Policy"))


def test_permissions_with_conditions(functions: Any, recorded: Any) -> None:
    name = "f"
    functions.created(name)
    permit = {"FunctionName": name, "Action": "lambda:InvokeFunction"}
    account = functions.aws.account
    logs = recorded("logs", "TestSubscriptionFilters::test_put_subscription_filter_lambda")
    source = {"SourceAccount": account, "SourceArn": f"arn:aws:logs:us-east-1:{account}:log-group:g:*"}
    answer = functions.client.add_permission(**permit, StatementId=name, Principal="logs.us-east-1.amazonaws.com", **source)
    logs.says("add_permission", parsed(answer, "Statement"))
    others = ("put_subscription_filter", "describe_subscription_filter", "list_all_log_events")
    logs.leaves(*others, because="subscription filters are not built")
    url = recorded("lambda", "TestLambdaURL::test_lambda_url_invocation[dict]")
    permit |= {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
    answer = functions.client.add_permission(**permit, StatementId="urlPermission", Principal="*")
    url.says("add_permission", parsed(answer, "Statement"))
    url.leaves("create_lambda_url_config", "lambda_url_invocation", because="function URLs are not built")


def test_each_version_has_its_own_permissions(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaPermissions::test_lambda_permission_versioning")
    client, name = functions.client, {"FunctionName": "f"}
    permission = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b"}
    functions.created("f")
    case.says("add_permission", parsed(client.add_permission(**name, **permission), "Statement"))
    case.says("get_policy", parsed(client.get_policy(**name), "Policy"))
    version = client.publish_version(**name)["Version"]
    case.says("get_policy_after_publishing_latest", parsed(client.get_policy(**name), "Policy"))
    case.refuses("get_policy_after_publishing_new_version", client.get_policy, **name, Qualifier=version)
    client.add_permission(**name, **permission, Qualifier=version)
    case.says("get_policy_after_adding_to_new_version", parsed(client.get_policy(**name), "Policy"))
    client.add_permission(**name, **permission | {"StatementId": "s3_2"})
    case.says("get_policy_after_adding_2", parsed(client.get_policy(**name), "Policy"))


def test_how_events_are_retried(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_lifecycle")
    client, name = functions.client, {"FunctionName": "f"}
    functions.created("f")
    put, update, get = (getattr(client, f"{verb}_function_event_invoke_config") for verb in ("put", "update", "get"))
    case.says("put_invokeconfig_retries_0", put(**name, MaximumRetryAttempts=0))
    case.says("put_invokeconfig_eventage_60", put(**name, MaximumEventAgeInSeconds=60))
    case.says("update_invokeconfig_eventage_nochange", update(**name, MaximumEventAgeInSeconds=60))
    case.says("update_invokeconfig_retries", update(**name, MaximumRetryAttempts=1))
    case.says("get_invokeconfig", get(**name))
    case.says("get_invokeconfig_latest", get(**name, Qualifier="$LATEST"))
    case.says("list_single_invokeconfig", client.list_function_event_invoke_configs(**name))
    case.says("publish_version_result", client.publish_version(**name))
    case.refuses("get_invokeconfig_postpublish", get, **name, Qualifier="1")
    case.says("put_published_invokeconfig", put(**name, Qualifier="1", MaximumEventAgeInSeconds=120))
    case.says("get_published_invokeconfig", get(**name, Qualifier="1"))
    client.delete_function_event_invoke_config(**name)
    case.says("list_paging_nolimit_postdelete", client.list_function_event_invoke_configs(**name))


def test_how_events_cannot_be_retried(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_exceptions")
    client = functions.client
    put, update, get, delete = (getattr(client, f"{verb}_function_event_invoke_config") for verb in ("put", "update", "get", "delete"))
    arn = functions.created("f")["CreateFunctionResponse"]["FunctionArn"]
    other = functions.created("g")["CreateFunctionResponse"]["FunctionArn"]
    case.says("fn_version_result", client.publish_version(FunctionName="f"))
    case.says("fn_alias_result", client.create_alias(FunctionName="f", Name="eventinvokealias", FunctionVersion="1"))
    nothing, config = arn.removesuffix("f") + "doesnotexist", {"MaximumRetryAttempts": 1}
    case.refuses("put_functionname_name_notfound", put, FunctionName="doesnotexist", **config)
    case.refuses("put_functionname_arn_notfound", put, FunctionName=nothing, **config)
    case.refuses("put_functionname_nootherargs", put, FunctionName="f")

    def to(destination: str | None, member: str = "OnSuccess") -> dict[str, Any]:
        return {"FunctionName": "f", "DestinationConfig": {member: {} if destination is None else {"Destination": destination}}}

    case.refuses("put_destination_lambda_doesntexist", put, **to(nothing))
    case.refuses("put_destination_recursive", put, **to(arn))
    case.says("put_destination_other_lambda", put(**to(other)))
    case.refuses("put_destination_invalid_service_arn", put, **to(arn.replace(":lambda:", ":iam:")))
    case.says("put_destination_success_no_destination_arn", put(**to(None)))
    case.says("put_destination_failure_no_destination_arn", put(**to(None, "OnFailure")))
    case.refuses("put_destination_invalid_arn_pattern", put, **to(arn.replace(":lambda:", ":_-/!lambda:"), "OnFailure"))
    alias = "eventinvokealias"
    good: dict[str, tuple[str, str | None]] = {
        "put_destination_latest": ("f", None),
        "put_destination_latest_explicit_qualifier": ("f", "$LATEST"),
        "put_destination_version": ("f", "1"),
        "put_alias_functionname_qualifier": ("f", alias),
        "put_alias_qualifiedarn": (f"{arn}:{alias}", None),
        "put_alias_qualifiedarn_qualifier": (f"{arn}:{alias}", alias),
        "put_alias_shorthand": (f"f:{alias}", None),
        "put_alias_shorthand_qualifier": (f"f:{alias}", alias),
        "put_version_shorthand": ("f:1", None),
        "put_shorthand_qualifier_match": ("f:$LATEST", "$LATEST"),
    }
    for which, (name, qualifier) in good.items():
        case.says(which, put(FunctionName=name, **config | ({"Qualifier": qualifier} if qualifier else {})))
    bad = {
        "put_alias_doesnotexist": ("f", "doesnotexist"),
        "put_alias_qualifiedarn_qualifierconflict": (f"{arn}:{alias}", "1"),
        "put_alias_shorthand_qualifierconflict": (f"f:{alias}", "1"),
        "put_shorthand_qualifier_mismatch_1": ("f:$LATEST", "1"),
        "put_shorthand_qualifier_mismatch_2": ("f:1", "$LATEST"),
        "put_shorthand_qualifier_mismatch_3": ("f:1", "2"),
    }
    for which, (name, qualifier) in bad.items():
        case.refuses(which, put, FunctionName=name, Qualifier=qualifier, **config)
    case.says("put_maxevent_maxvalue_result", put(FunctionName="f", MaximumRetryAttempts=2, MaximumEventAgeInSeconds=21600))
    before = {"FunctionName": "f", "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}
    case.says("put_pre_overwrite", put(**before))
    case.says("put_post_overwrite", put(FunctionName="f", MaximumRetryAttempts=0))
    case.says("second_overwrite_existing_response", put(FunctionName="f", MaximumRetryAttempts=0))
    case.says("get_post_overwrite", get(FunctionName="f"))
    case.says("pre_update_response", put(**before))
    case.says("update_response", update(FunctionName="f", MaximumRetryAttempts=0))
    case.says("update_response_existing", update(FunctionName="f", MaximumRetryAttempts=0))
    case.says("list_configs", client.list_function_event_invoke_configs(FunctionName="f"))
    case.says("delete_latest", delete(FunctionName="f", Qualifier="$LATEST"))
    case.says("delete_version", delete(FunctionName="f", Qualifier="1"))
    case.says("delete_alias", delete(FunctionName="f", Qualifier=alias))
    case.says("list_configs_postdelete", client.list_function_event_invoke_configs(FunctionName="f"))
    case.refuses("delete_function_not_found", delete, FunctionName="f")
    case.refuses("delete_function_doesnotexist", delete, FunctionName="doesnotexist")
    case.refuses("list_function_doesnotexist", client.list_function_event_invoke_configs, FunctionName="doesnotexist")
    case.refuses("get_function_doesnotexist", get, FunctionName="doesnotexist")
    case.refuses("get_qualifier_doesnotexist", get, FunctionName="f", Qualifier="doesnotexist")
    case.refuses("update_eventinvokeconfig_function_doesnotexist", update, FunctionName="doesnotexist", **config)
    case.refuses("get_eventinvokeconfig_doesnotexist", get, FunctionName="f", Qualifier=alias)
    case.refuses("update_eventinvokeconfig_config_doesnotexist_with_qualifier", update, FunctionName="f", Qualifier=alias, **config)
    case.refuses("update_eventinvokeconfig_config_doesnotexist_without_qualifier", update, FunctionName="f", **config)


@pytest.mark.parametrize("kind", ["capacity_provider", "event_source_mapping"])
def test_tags_of_what_is_not_there(kind: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaTag::test_tag_exceptions[{kind}]")
    client, name = functions.client, {"capacity_provider": "p", "event_source_mapping": "01234567-89ab-cdef-0123-456789abcdef"}[kind]
    case.means({"resource-name": name})
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:{kind.replace('_', '-')}:{name}"
    case.refuses("not_found_exception_tag", client.tag_resource, Resource=arn, Tags={"A": "1"})
    case.refuses("not_found_exception_untag", client.untag_resource, Resource=arn, TagKeys=["A"])
    case.refuses("not_found_exception_list", client.list_tags, Resource=arn)
    case.leaves("aliased_arn_exception", "invalid_arn_exception", because="the pattern in the sentence is of another version of the model")


MULTI = "TestLambdaMultiAccounts::"
"""Their recordings are empty: that AWS lets the calls pass is what they say."""


@pytest.fixture
def theirs(functions: Any) -> Any:
    """The client of an account that the function's own policy lets do everything, and the function's ARN."""
    other = functions.aws.other()
    arn = functions.created("f")["CreateFunctionResponse"]["FunctionArn"]
    functions.client.add_permission(FunctionName="f", StatementId="theirs", Principal=other.account, Action="lambda:*")
    return other.client("lambda"), {"FunctionName": arn}


def test_another_accounts_function_is_shown_and_published(theirs: Any, recorded: Any) -> None:
    client, name = theirs
    recorded("lambda", f"{MULTI}test_list_versions_by_function")
    recorded("lambda", f"{MULTI}test_publish_version")
    assert client.get_function(**name)["Configuration"]["FunctionArn"] == name["FunctionName"]
    assert client.publish_version(**name)["FunctionArn"] == f"{name['FunctionName']}:1"
    assert [version["Version"] for version in client.list_versions_by_function(**name)["Versions"]] == ["$LATEST", "1"]
    client.put_function_concurrency(**name, ReservedConcurrentExecutions=1)
    client.delete_function_concurrency(**name)
    assert client.invoke(**name)["StatusCode"] == 200


def test_another_accounts_aliases(theirs: Any, recorded: Any) -> None:
    client, name = theirs
    recorded("lambda", f"{MULTI}test_function_alias")
    client.create_alias(**name, FunctionVersion="$LATEST", Name="a")
    assert client.get_alias(**name, Name="a")["AliasArn"] == f"{name['FunctionName']}:a"
    client.update_alias(**name, Name="a", Description="described")
    assert [alias["Description"] for alias in client.list_aliases(**name)["Aliases"]] == ["described"]
    client.delete_alias(**name, Name="a")
    assert client.list_aliases(**name)["Aliases"] == []


def test_another_accounts_tags(theirs: Any, recorded: Any) -> None:
    client, name = theirs
    recorded("lambda", f"{MULTI}test_function_tags")
    client.tag_resource(Resource=name["FunctionName"], Tags={"foo": "bar"})
    assert client.list_tags(Resource=name["FunctionName"])["Tags"] == {"foo": "bar"}
    client.untag_resource(Resource=name["FunctionName"], TagKeys=["lorem"])


def test_another_accounts_function_is_deleted(theirs: Any, functions: Any, recorded: Any) -> None:
    client, name = theirs
    recorded("lambda", f"{MULTI}test_delete_function")
    client.delete_function(**name)
    assert functions.refusal(lambda: functions.client.get_function(FunctionName="f"))["Error"]["Code"] == "ResourceNotFoundException"


def test_another_accounts_layer(functions: Any, recorded: Any) -> None:
    recorded("lambda", f"{MULTI}test_get_lambda_layer")
    other = functions.aws.other()
    arn = functions.client.publish_layer_version(LayerName="l", Content={"ZipFile": functions.zipped("")})["LayerArn"]
    permission = {"StatementId": "s", "Principal": other.account, "Action": "lambda:GetLayerVersion"}
    functions.client.add_layer_version_permission(LayerName=arn, VersionNumber=1, **permission)
    client = other.client("lambda")
    assert client.get_layer_version(LayerName=arn, VersionNumber=1)["LayerArn"] == arn
    assert client.get_layer_version_by_arn(Arn=f"{arn}:1")["LayerVersionArn"] == f"{arn}:1"


def test_a_function_is_reached_in_its_own_region_only(functions: Any, recorded: Any) -> None:
    recorded("lambda", "TestPartialARNMatching::test_cross_region_arn_function_access")
    arn = functions.created("f")["CreateFunctionResponse"]["FunctionArn"]
    elsewhere = functions.aws.client("lambda", region="us-east-2")
    error = functions.refusal(lambda: elsewhere.get_function(FunctionName=arn))["Error"]
    assert error["Code"] == "ResourceNotFoundException"
    assert "us-east-1" in error["Message"]
