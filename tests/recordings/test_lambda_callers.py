"""Who calls a function, how and by what name, against what AWS answered: recordings/lambda.json. Each test names its case."""

import base64
import json
import re
from typing import Any

import pytest

NO_QUEUES = "there is no SQS here yet that could be asked for the message"
NOT_BUILT = "the operation is not built"
INSPECT = """
import json, logging
def handler(event, context):
    logging.getLogger().setLevel(logging.INFO)
    print("Lambda log message - print function")
    logging.getLogger().info("Lambda log message - logging module")
    members = ("invoked_function_arn", "function_version", "function_name", "memory_limit_in_mb", "aws_request_id", "log_group_name",
               "log_stream_name", "client_context")
    return {"event": event, "context": {name: getattr(context, name) for name in members}}
"""


def name_and_qualifier(client: Any, operation: str) -> Any:
    """A call with a name and, where one is given and the operation has one, a qualifier."""

    def call(name: str, qualifier: str | None) -> Any:
        more = {"Qualifier": qualifier} if qualifier is not None else {}
        return getattr(client, operation)(FunctionName=name, **more)

    return call


A65, A129, A140, A170 = "a" * 65, "a" * 129, "a" * 140, "a" * 170
ARN = "arn:aws:lambda:us-east-1:{account}:function:my-function"
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


@pytest.mark.parametrize("operation", ["delete_function", "get_function", "get_function_concurrency"])
def test_a_function_of_another_region(operation: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaFunction::test_get_function_wrong_region[{operation}]")
    case.means({"wrong-region": "eu-west-3"})
    arn = f"arn:aws:lambda:eu-west-3:{functions.aws.account}:function:f"
    case.refuses("wrong_region_exception", getattr(functions.client, operation), FunctionName=arn)


def test_a_name_that_is_none(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_invalid_invoke")
    name = "arn:aws:lambda:us-east-1:123400000000@function:myfn"
    case.refuses("invoke_function_name_pattern_exc", functions.client.invoke, FunctionName=name)


@pytest.mark.parametrize("operation", ["get_function_concurrency", "get_function_configuration"])
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


def test_a_function_with_nothing_reserved_for_it(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaConcurrency::test_reserved_concurrency")
    client, name = functions.client, {"FunctionName": "f"}
    functions.created("f", Timeout=20)
    case.says("fn", client.get_function_configuration(**name, Qualifier="$LATEST"))
    case.says("put_reserved", client.put_function_concurrency(**name, ReservedConcurrentExecutions=0))
    case.refuses("exc_no_cap_requestresponse", client.invoke, **name)
    queue = {"DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{functions.aws.account}:q"}}}
    case.says("put_event_invoke_conf", client.put_function_event_invoke_config(**name, MaximumRetryAttempts=0, **queue))
    case.says("invoke_result", functions.invoked("f", InvocationType="Event"))
    case.leaves("msg", because=NO_QUEUES)


def test_a_function_that_is_not_there_is_invoked(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_invoke_exceptions")
    case.refuses("invoke_function_doesnotexist", functions.client.invoke, FunctionName="doesnotexist")


def test_an_invocation_of_each_kind(functions: Any, recorded: Any) -> None:
    functions.created("f")
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_type_request_response[python3.9]")
    case.says("invoke-result", functions.invoked("f", {}))
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_type_event[python3.9]")
    case.says("invoke-result", functions.invoked("f", {}, InvocationType="Event"))
    functions.created("silent", source="def handler(event, context): pass\n")
    case = recorded("lambda", "TestLambdaBehavior::test_lambda_invoke_no_timeout")
    case.says("create-result", functions.created("timely", Timeout=2))
    case.says("invoke-result", functions.invoked("silent"))


def lines(tail: str) -> list[str]:
    """The tail of the log as the recordings have it: without times and without the report."""
    said = [line for line in tail.split("\n") if line and not line.startswith("REPORT")]
    return [re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "date", line) for line in said]


def test_a_published_version_by_its_number(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_with_qualifier")
    wanted = case.recorded("creation-response")
    request = functions.request("f", source=INSPECT, Handler=wanted["Handler"], Timeout=wanted["Timeout"], Publish=True)
    request["Code"] = {"ZipFile": functions.zipped(INSPECT, wanted["Handler"].partition(".")[0] + ".py")}
    case.says("creation-response", functions.client.create_function(**request))
    answer = functions.invoked("f", {"foo": "bar with 'quotes\""}, Qualifier="1", LogType="Tail")
    case.says("invocation-response", answer)
    case.says("log_result", {"log_result": lines(base64.b64decode(answer["LogResult"]).decode())})


def test_code_from_s3(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_upload_lambda_from_s3")
    wanted = case.recorded("creation-response")
    s3, place = functions.aws.client("s3"), {"Bucket": f"code-{functions.aws.account}", "Key": "code.zip"}
    s3.create_bucket(Bucket=place["Bucket"])
    s3.put_object(**place, Body=functions.zipped(INSPECT, wanted["Handler"].partition(".")[0] + ".py"))
    code = {"Code": {"S3Bucket": place["Bucket"], "S3Key": place["Key"]}}
    request = functions.request("f", Handler=wanted["Handler"], Timeout=wanted["Timeout"], **code)
    case.says("creation-response", functions.client.create_function(**request))
    case.says("invocation-response", functions.invoked("f", {"foo": "bar with 'quotes\""}))


def test_a_runtime_that_exits(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaErrors::test_lambda_runtime_exit")
    functions.created("f", source="import sys\ndef handler(event, context):\n    sys.exit(0)\n")
    case.says("invocation_error", functions.invoked("f"))


def test_an_exception_that_nobody_catches(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaRuntimesCommon::test_uncaught_exception_invoke[python3.13]")
    wanted = case.recorded("create_function_result")
    source = "def handler(event, context):\n    raise Exception('Failed: ' + event['error_msg'])\n"
    request = functions.request("f", source=source, Runtime="python3.13", Timeout=wanted["Timeout"], MemorySize=wanted["MemorySize"])
    case.says("create_function_result", functions.client.create_function(**request))
    case.says("error_result", functions.invoked("f", {"error_msg": "some_error_msg"}))


def test_a_function_that_fails_when_it_is_loaded(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaErrors::test_lambda_runtime_error")
    functions.created("f", source='raise Exception("Runtime startup fails")\n')
    answer = functions.invoked("f")
    wanted = case.recorded("invocation_error")
    assert answer["Payload"]["stackTrace"][-1] == wanted["Payload"]["stackTrace"][-1].replace("lambda_runtime_error.py", "handler.py")
    answer["Payload"]["stackTrace"] = wanted["Payload"]["stackTrace"]  # the others are lines of their Python's own files
    case.says("invocation_error", answer)


def test_what_a_function_finds_around_it(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaRuntimesCommon::test_introspection_invoke[python3.11]")
    wanted = case.recorded("create_function_result")
    source = """
import os
MEMBERS = ("aws_request_id", "function_name", "function_version", "invoked_function_arn", "log_group_name", "log_stream_name",
           "memory_limit_in_mb")
def handler(event, context):
    about = {name: getattr(context, name) for name in MEMBERS}
    return {"environment": dict(os.environ), "packages": [],
            "ctx": about | {"remaining_time_in_millis": context.get_remaining_time_in_millis()}}
"""
    request = functions.request("f", source=source, Runtime="python3.11", Timeout=wanted["Timeout"], MemorySize=wanted["MemorySize"])
    answer = functions.client.create_function(**request | {"Environment": {"Variables": {"TEST_KEY": "TEST_VAL"}}})
    case.says("create_function_result", answer)
    ours = {"AWS_ENDPOINT_URL"}  # how a function reaches this AWS and not the other
    # Addresses are this machine's; and whether Python has to set LC_CTYPE depends on the machine's locales, on AWS from 3.12 on.
    elsewhere = {"LC_CTYPE", "AWS_LAMBDA_RUNTIME_API", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT"}
    for which, options in (("invocation_result_payload", {}), ("invocation_result_payload_qualified", {"Qualifier": "$LATEST"})):
        said = functions.invoked("f", **options)["Payload"]
        assert said["environment"].keys() >= ours
        theirs = case.recorded(which)
        theirs["environment"] = {name: value for name, value in theirs["environment"].items() if name not in elsewhere}
        said["environment"] = {name: value for name, value in said["environment"].items() if name not in ours | elsewhere}
        case.says(which, said)


def test_a_timeout_ends_the_process(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaBehavior::test_lambda_invoke_timed_out_environment_reuse")
    source = """
import pathlib, time
number = 0
def handler(event, context):
    global number
    if "write" in event:
        pathlib.Path("/tmp/f").write_text(event["write"])
    if "read" in event:
        return {"content": pathlib.Path("/tmp/f").read_text()}
    if "set" in event:
        number = event["set"]
    if "get" in event:
        return {"number": number}
    time.sleep(event.get("sleep", 0))
"""
    case.says("create-result", functions.created("f", source=source, Timeout=1))
    case.says("invoke-result-file-write", functions.invoked("f", {"write": "some-content"}))
    case.says("invoke-result-file-read", functions.invoked("f", {"read": 1}))
    case.says("invoke-result-set-number", functions.invoked("f", {"set": 42}))
    case.says("invoke-result-read-number", functions.invoked("f", {"get": 1}))
    late = functions.invoked("f", {"sleep": 3})
    case.leaves("invoke-result-timed-out", because="it is of 2024; since 2025 AWS has another sentence (test_lambda_runtime_exit_segfault)")
    again = recorded("lambda", "TestLambdaErrors::test_lambda_runtime_exit_segfault")
    wanted = again.recorded("invocation_error")["Payload"]
    wanted["errorMessage"] = wanted["errorMessage"].replace("30.00", "1.00")
    again.says("invocation_error", late)
    case.leaves(
        "invoke-result-file-read-after-timeout", because="a worker's /tmp ends with it; AWS starts the next process in the same one"
    )
    case.says("invoke-result-read-number-after-timeout", functions.invoked("f", {"get": 1}))


@pytest.mark.parametrize("letters", [1, 2])
def test_whom_a_function_acts_as(letters: int, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaBaseFeatures::test_assume_role[{letters}]")
    source = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    role = f"arn:aws:iam::{functions.aws.account}:role/lambda-autogenerated-1"
    name = "f" * letters
    case.means({"function-name": name})
    functions.client.create_function(**functions.request(name, source=source, Role=role, Timeout=30))
    case.says("invoke-result-assumed-role-arn", json.loads(functions.invoked(name)["Payload"]))


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


@pytest.mark.parametrize("python", ["python3.9", "python3.11", "python3.13"])
def test_a_script_that_starts_the_runtime(python: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaRuntimesCommon::test_runtime_wrapper_invoke[{python}]")
    wrapper = {"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/environment_wrapper"}}}
    case.says(
        "create_function_result", functions.client.create_function(**functions.request("f", Runtime=python, MemorySize=1024, **wrapper))
    )


def test_an_event_that_fails_and_has_a_dead_letter_queue(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaDLQ::test_dead_letter_queue")
    trace = case.recorded("invoke_result")["Payload"]["stackTrace"]
    line = int(re.search(r"line (\d+)", trace[0])[1])  # type: ignore[index]
    body = [
        "import logging",
        "logging.getLogger().setLevel(logging.INFO)",
        "def handler(event, context):",
        '    print("Lambda log message - print function")',
        '    logging.getLogger().info("Lambda log message - logging module")',
    ]
    source = "\n" * (line - len(body) - 1) + "\n".join(body) + '\n    raise Exception("Test exception (this is intentional)")\n'
    queue = {"TargetArn": f"arn:aws:sqs:us-east-1:{functions.aws.account}:q"}
    case.says("create_lambda_with_dlq", functions.created("f", source=source, DeadLetterConfig=queue))
    case.leaves("receive_result", because=NO_QUEUES)
    case.says("delete_dlq", functions.client.update_function_configuration(FunctionName="f", DeadLetterConfig={}))
    answer = functions.invoked("f", {"raise_error": 1}, LogType="Tail")
    case.says("invoke_result", answer)
    case.says("log_result", {"result": lines(base64.b64decode(answer["LogResult"]).decode())})


def test_an_archive_in_s3_may_be_larger_than_one_in_a_request(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaSizeLimits::test_large_lambda")
    s3, place = functions.aws.client("s3"), {"Bucket": f"code-{functions.aws.account}", "Key": "code.zip"}
    s3.create_bucket(Bucket=place["Bucket"])
    s3.put_object(**place, Body=functions.zipped("# " + "x" * 52_428_800))  # stored, not deflated
    request = functions.request("f", Timeout=10, Code={"S3Bucket": place["Bucket"], "S3Key": place["Key"]})
    case.says("create_function_large_zip", functions.client.create_function(**request))
