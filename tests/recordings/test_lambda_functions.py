"""Lambda's functions, versions and aliases against what AWS answered: recordings/lambda.json. Each test names its case."""

import io
import zipfile
from typing import Any

import pytest

LATEST_AGAIN = "AWS was asked while its update still went on; ours ends with the answer"
ECHO = "def handler(event, context):\n    return event\n"
ABOUT = """
def handler(event, context):
    return {"version_id": "%s", "invoked_arn": context.invoked_function_arn, "version_from_ctx": context.function_version}
"""


def test_a_function_from_its_creation_to_its_deletion(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_function_lifecycle")
    client, name = functions.client, {"FunctionName": "f"}
    case.says("create_response", functions.created("f", MemorySize=256, Timeout=5))
    case.says("get_function_response", client.get_function(**name))
    changes = {"Description": "Changed-Description", "MemorySize": 512, "Timeout": 10, "Runtime": "python3.11"}
    answer = client.update_function_configuration(**name, **changes, Environment={"Variables": {"ENV_A": "a"}})
    case.says("update_func_conf_response", answer)
    case.says("get_function_response_postupdate", client.get_function(**name))
    case.says("update_code_response", client.update_function_code(**name, ZipFile=functions.zipped("other = 1")))
    case.says("get_function_response_postcodeupdate", client.get_function(**name))
    case.says("delete_response", client.delete_function(**name))
    case.refuses("delete_postdelete", client.delete_function, **name)


def test_what_a_function_cannot_be_created_from(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_create_lambda_exceptions")
    create = functions.client.create_function
    request = functions.request("f")
    case.refuses("invalid_role_arn_exc", create, **request | {"Role": "r1"})
    case.refuses("invalid_runtime_exc", create, **request | {"Runtime": "non-existent-runtime"})
    case.refuses("uppercase_runtime_exc", create, **request | {"Runtime": "PYTHON3.9"})
    case.refuses("multiple_architectures", create, **request | {"Architectures": ["x86_64", "arm64"]})
    case.refuses("uppercase_architecture", create, **request | {"Architectures": ["X86_64"]})
    case.refuses("invalid_zip_exc", create, **request | {"Code": {"ZipFile": b"this is not a zip"}})
    case.leaves("empty_architectures", because="boto3 refuses it by itself, in words of its version")


def test_what_a_function_cannot_be_changed_to(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_update_lambda_exceptions")
    functions.created("f")
    update = functions.client.update_function_configuration
    case.refuses("invalid_role_arn_exc", update, FunctionName="f", Role="r1")
    case.refuses("invalid_runtime_exc", update, FunctionName="f", Runtime="non-existent-runtime")
    case.refuses("uppercase_runtime_exc", update, FunctionName="f", Runtime="PYTHON3.9")


@pytest.mark.parametrize("runtime", ["dotnetcore3.1", "java8", "nodejs12.x", "nodejs14.x", "python3.7", "ruby2.7"])
def test_a_runtime_that_is_no_longer_supported(runtime: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestRuntimeValidation::test_create_deprecated_function_runtime_with_validation_enabled[{runtime}]")
    case.refuses("deprecation_error", functions.client.create_function, **functions.request("f", Runtime=runtime))


def test_a_changed_archive(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_lambda_code_location_zipfile")
    request = functions.request("f", Handler="index.handler")
    case.says("create-response-zip-file", functions.client.create_function(**request))
    case.says("get-function-response", functions.client.get_function(FunctionName="f"))
    answer = functions.client.update_function_code(FunctionName="f", ZipFile=functions.zipped("other = 1"))
    case.says("update-function-response", answer)
    case.leaves("get-function-response-updated", because=LATEST_AGAIN)


def test_code_that_is_not_in_s3(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_lambda_code_location_s3_errors")
    bucket = f"code-{functions.aws.account}"
    functions.aws.client("s3").create_bucket(Bucket=bucket)
    functions.created("f")
    for what, place in (("bucket", {"S3Bucket": f"{bucket}-none", "S3Key": "k"}), ("key", {"S3Bucket": bucket, "S3Key": "none"})):
        case.refuses(f"create-error-wrong-{what}", functions.client.create_function, **functions.request("g", Code=place))
        case.refuses(f"update-error-wrong-{what}", functions.client.update_function_code, FunctionName="f", **place)


def test_an_update_that_changes_nothing(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_redundant_updates")
    client, change = functions.client, {"FunctionName": "f", "Description": "1st update description"}
    case.says("create_response", functions.created("f", Description="Initial description"))
    case.says("first_update_result", client.update_function_configuration(**change))
    case.says("get_fn_config_result", client.get_function_configuration(FunctionName="f"))
    case.says("get_fn_result", client.get_function(FunctionName="f"))
    case.says("redundant_update_result", client.update_function_configuration(**change))
    case.says("get_fn_result_after_redundant_update", client.get_function(FunctionName="f"))


def test_a_function_in_a_network(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFunction::test_vpc_config")
    client, name = functions.client, {"FunctionName": "f"}
    case.means({f"{kind}_{n}": f"{short}-{n}" for kind, short in (("security_group_id", "sg"), ("subnet_id", "subnet")) for n in "12"})
    case.means({"vpc_id": ""})  # no EC2 here that knows which one a subnet is in
    first = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    case.says("create_response", functions.created("f", MemorySize=256, Timeout=5, VpcConfig=first))
    case.says("get_function_response", client.get_function(**name))
    second = {"SubnetIds": ["subnet-2"], "SecurityGroupIds": ["sg-2"]}
    case.says("update_vpcconfig_update_response", client.update_function_configuration(**name, VpcConfig=second))
    case.says("update_vpcconfig_get_function_response", client.get_function(**name))
    none: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
    case.says("delete_vpcconfig_update_response", client.update_function_configuration(**name, VpcConfig=none))
    case.says("delete_vpcconfig_get_function_response", client.get_function(**name))


def test_a_function_created_again(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaCleanup::test_recreate_function")
    case.says("create_function_response_one", functions.created("f", Handler="lambda_echo.handler"))
    functions.client.delete_function(FunctionName="f")
    case.says("create_function_response_two", functions.created("f", Handler="lambda_echo.handler"))


def test_another_architecture(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaBehavior::test_mixed_architecture")
    case.says("create_function_response", functions.created("f"))
    answer = functions.client.update_function_code(FunctionName="f", ZipFile=functions.zipped(ECHO), Architectures=["arm64"])
    case.says("update_function_code_response", answer)


def test_snap_start(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaSnapStart::test_snapstart_update_function_configuration[python3.13]")
    request = functions.request("f", Runtime="python3.13", MemorySize=1024, Timeout=5)
    case.says("create_function_response", functions.client.create_function(**request))
    answer = functions.client.update_function_configuration(FunctionName="f", SnapStart={"ApplyOn": "PublishedVersions"})
    case.says("update_function_response", answer)


def test_the_log_format_there_and_back(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLoggingConfig::test_advanced_logging_configuration_format_switch")
    client, name = functions.client, {"FunctionName": "f"}
    case.says("create_response", functions.created("f", MemorySize=256, Timeout=5))
    case.says("get_function_response", client.get_function(**name))
    case.says("function_config", client.get_function_configuration(**name))
    case.says("updated_config", client.update_function_configuration(**name, LoggingConfig={"LogFormat": "JSON"}))
    case.says("received_config", client.get_function_configuration(**name))
    case.says("updated_config_v2", client.update_function_configuration(**name, LoggingConfig={"LogFormat": "Text"}))
    case.says("received_config_v2", client.get_function_configuration(**name))


@pytest.mark.parametrize(
    ("case_name", "level"), [("partial_config1", {"ApplicationLogLevel": "DEBUG"}), ("partial_config2", {"SystemLogLevel": "DEBUG"})]
)
def test_one_log_level_alone(case_name: str, level: dict[str, str], functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLoggingConfig::test_function_partial_advanced_logging_configuration_update[{case_name}]")
    client, name = functions.client, {"FunctionName": "f"}
    case.says("create_response", functions.created("f", MemorySize=256, Timeout=5))
    case.says("get_function_response", client.get_function(**name))
    case.says("function_config", client.get_function_configuration(**name))
    answer = client.update_function_configuration(**name, LoggingConfig={"LogFormat": "JSON"} | level)
    case.says("updated_config", answer)
    case.says("received_config", client.get_function_configuration(**name))


def test_environments_at_the_limit_and_over_it(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaSizeLimits::test_lambda_envvars_near_limit_succeeds")
    variables = case.recorded("successful_create_fn_result")["CreateFunctionResponse"]["Environment"]["Variables"]
    answer = functions.created("f", Environment={"Variables": variables})
    case.says("successful_create_fn_result", answer)
    over = recorded("lambda", "TestLambdaSizeLimits::test_large_environment_variables_fails")
    sentence = over.recorded("failed_create_fn_result")["Error"]["Message"]
    large = {"LARGE_VAR": sentence.partition(':"')[2].partition('"')[0]}
    request = functions.request("g", Environment={"Variables": large})
    over.refuses("failed_create_fn_result", functions.client.create_function, **request)


def test_an_archive_that_is_too_large(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaSizeLimits::test_oversized_unzipped_lambda")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w", force_zip64=True) as entry:
        for _ in range(251):
            entry.write(bytes(1 << 20))
    case.refuses("invalid_param_exc", functions.client.create_function, **functions.request("f", Code={"ZipFile": buffer.getvalue()}))


def test_an_archive_in_s3_that_is_too_large(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaSizeLimits::test_oversized_lambda")
    s3, place = functions.aws.client("s3"), {"Bucket": f"code-{functions.aws.account}", "Key": "code.zip"}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w", force_zip64=True) as entry:
        for _ in range(251):
            entry.write(bytes(1 << 20))
    s3.create_bucket(Bucket=place["Bucket"])
    s3.put_object(**place, Body=buffer.getvalue())
    code = {"S3Bucket": place["Bucket"], "S3Key": place["Key"]}
    case.refuses("invalid_param_exc", functions.client.create_function, **functions.request("f", Code=code))


def test_an_upload_that_is_too_large(functions: Any, recorded: Any) -> None:
    zipped = recorded("lambda", "TestLambdaSizeLimits::test_oversized_zipped_create_lambda")
    create = functions.client.create_function
    zipped.refuses("invalid_param_exc", create, **functions.request("f", Code={"ZipFile": bytes(52_428_801)}))
    request = recorded("lambda", "TestLambdaSizeLimits::test_oversized_request_create_lambda")
    request.refuses("invalid_param_exc", create, **functions.request("f", Code={"ZipFile": bytes(60_000_000)}))


def test_every_change_has_a_revision_of_its_own(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaRevisions::test_function_revisions_version_and_alias")
    client, name = functions.client, {"FunctionName": "f"}
    created = functions.created("f")
    case.says("create_function_response_rev1", created)
    active = client.get_function(**name)
    case.says("get_function_active_rev2", active)
    stale = created["CreateFunctionResponse"]["RevisionId"]
    case.refuses("publish_version_revision_exception", client.publish_version, **name, RevisionId=stale)
    case.says("publish_version_response_rev_v1", client.publish_version(**name, RevisionId=active["Configuration"]["RevisionId"]))
    case.says("get_function_published_version_rev_v2", client.get_function(**name, Qualifier="1"))
    case.says("get_function_latest_rev3", client.get_function(**name))
    alias = client.create_alias(**name, Name="revision_alias", FunctionVersion="1")
    case.says("create_alias_response_rev_a1", alias)
    latest = client.get_function(**name)
    case.says("get_function_latest_rev4", latest)
    case.says("get_function_published_version_rev_v3", client.get_function(**name, Qualifier="1"))
    update = {"FunctionName": "f", "Name": "revision_alias", "Description": "something changed"}
    wrong = latest["Configuration"]["RevisionId"]
    case.refuses("update_alias_revision_exception", client.update_alias, **update, RevisionId=wrong)
    case.says("update_alias_response_rev_a2", client.update_alias(**update, RevisionId=alias["RevisionId"]))


def test_a_version_of_other_code_than_said(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaVersions::test_publish_with_wrong_sha256")
    client, name = functions.client, {"FunctionName": "f"}
    case.says("create_response", client.create_function(**functions.request("f", Handler="index.handler")))
    found = client.get_function(**name)
    case.says("get_fn_response", found)
    case.refuses("publish_wrong_sha256_exc", client.publish_version, **name, CodeSha256="somenonexistentsha256")
    case.says("publish_result", client.publish_version(**name, CodeSha256=found["Configuration"]["CodeSha256"]))


def test_versions_keep_their_code(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaVersions::test_lambda_versions_with_code_changes")
    client, name = functions.client, {"FunctionName": "f"}
    request = functions.request("f", source=ABOUT % "version1", Description="No version :(")
    case.says("create_response", client.create_function(**request))
    case.says("first_publish_response", client.publish_version(**name, Description="First version description :)"))
    case.says("update_lambda_response", client.update_function_code(**name, ZipFile=functions.zipped(ABOUT % "version2")))
    case.says("invocation_result_latest", functions.invoked("f"))
    case.says("invocation_result_v1", functions.invoked("f", Qualifier="1"))
    case.says("second_publish_response", client.publish_version(**name, Description="Second version description :)"))
    case.says("invocation_result_v2", functions.invoked("f", Qualifier="2"))
    answer = client.update_function_code(**name, ZipFile=functions.zipped(ABOUT % "version3"), Publish=True)
    case.says("update_lambda_response_with_publish", answer)
    case.says("invocation_result_v3", functions.invoked("f", Qualifier="3"))
    case.says("invocation_result_latest_end", functions.invoked("f"))
    case.says("invocation_result_v2_end", functions.invoked("f", Qualifier="2"))
    case.says("invocation_result_v1_end", functions.invoked("f", Qualifier="1"))


def test_another_handler(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaVersions::test_lambda_handler_update")
    client, name = functions.client, {"FunctionName": "f"}
    both = "def handler(event, context):\n    return {'handler': 'handler'}\n"
    both += "def handler_two(event, context):\n    return {'handler': 'handler_two'}\n"
    functions.created("f", source=both)
    case.says("invoke_result_handler_one", functions.invoked("f"))
    answer = client.update_function_configuration(**name, Handler="handler.handler_two")
    case.says("update_function_configuration_result", answer)
    case.says("get_function_result", client.get_function(**name))
    case.says("invoke_result_handler_two", functions.invoked("f"))
    client.publish_version(**name)
    case.says("invoke_result_handler_two_postpublish", functions.invoked("f"))


def test_an_alias_that_moves(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaAliases::test_lambda_alias_moving")
    client, name = functions.client, {"FunctionName": "f"}
    request = functions.request("f", source=ABOUT % "version1", Description="No version :(")
    case.says("create_response", client.create_function(**request))
    client.publish_version(**name, Description="First version description :)")
    alias = client.create_alias(**name, Name="alias1", FunctionVersion="1")
    case.says("create_alias_response", alias)
    case.says("invocation_result_qualifier_v1", functions.invoked("f", Qualifier="alias1"))
    case.says("invocation_result_qualifier_v1_arn", functions.invoked(alias["AliasArn"]))
    case.says("update_lambda_response", client.update_function_code(**name, ZipFile=functions.zipped(ABOUT % "version2")))
    case.says("invocation_result_qualifier_v1_after_update", functions.invoked("f", Qualifier="alias1"))
    case.says("second_publish_response", client.publish_version(**name, Description="Second version description :)"))
    case.says("invocation_result_qualifier_v1_after_publish", functions.invoked("f", Qualifier="alias1"))
    case.says("update_alias_response", client.update_alias(**name, Name="alias1", FunctionVersion="2"))
    case.says("invocation_result_qualifier_v2", functions.invoked("f", Qualifier="alias1"))
    case.refuses("invocation_exc_not_existent", client.invoke, **name, Qualifier="non-existent-alias")


def test_aliases_from_their_creation_to_their_deletion(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaAlias::test_alias_lifecycle")
    client, name = functions.client, {"FunctionName": "f"}
    staging, prod = ({"Environment": {"Variables": {"testenv": value}}} for value in ("staging", "prod"))
    case.says("create_response", client.create_function(**functions.request("f", Handler="index.handler", **staging)))
    case.says("publish_v1", client.publish_version(**name))
    client.update_function_configuration(**name, **prod)
    case.says("publish_v2", client.publish_version(**name))
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}}}
    made = {"1_1": ("1", {"Description": "custom-alias"} | weights), "1_2": ("1", {"Description": "custom-alias"})}
    made |= {"1_3": ("1", {}), "2": ("2", {"Description": "custom-alias"})}
    for number, (version, options) in made.items():
        alias = {"FunctionName": "f", "Name": f"aliasname{number}"}
        answer = client.create_alias(**alias, FunctionVersion=version, **options)
        case.says(f"create_alias_{number}", answer)
        case.says(f"get_alias_{number}", client.get_alias(**alias))
        if number == "1_1":
            case.says("get_function_alias_1_1", client.get_function(**name, Qualifier="aliasname1_1"))
            case.says("get_function_byarn_alias_1_1", client.get_function(FunctionName=answer["AliasArn"]))
            missing = {"FunctionName": "f", "Qualifier": "aliasdoesnotexist"}
            case.refuses("get_function_alias_notfound_exc", client.get_function, **missing)
            arn = answer["AliasArn"].replace("aliasname1_1", "aliasdoesnotexist")
            case.refuses("get_function_alias_byarn_notfound_exc", client.get_function, FunctionName=arn)
    case.says("list_aliases_for_fnname", client.list_aliases(**name))
    case.says("update_alias_1_1", client.update_alias(**name, Name="aliasname1_1", RoutingConfig={"AdditionalVersionWeights": {}}))
    case.says("get_alias_1_1_after_update", client.get_alias(**name, Name="aliasname1_1"))
    case.says("list_aliases_for_fnname_after_update", client.list_aliases(**name))
    case.says("update_alias_1_2", client.update_alias(**name, Name="aliasname1_2", RoutingConfig={"AdditionalVersionWeights": {}}))
    case.says("get_alias_1_2_after_update", client.get_alias(**name, Name="aliasname1_2"))
    case.says("list_aliases_for_fnname_after_update_2", client.list_aliases(**name))
    case.says("list_aliases_for_version", client.list_aliases(**name, FunctionVersion="1"))
    case.says("delete_alias_response", client.delete_alias(**name, Name="aliasname1_1"))
    case.says("list_aliases_for_fnname_afterdelete", client.list_aliases(**name))


def test_an_alias_that_is_not_there_can_be_deleted(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaAlias::test_non_existent_alias_deletion")
    request = functions.request("f", Handler="index.handler", Environment={"Variables": {"testenv": "staging"}})
    case.says("create_response", functions.client.create_function(**request))
    case.says("delete_alias_response", functions.client.delete_alias(FunctionName="f", Name="non-existent"))


def test_what_the_account_holds(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaAccountSettings::test_account_settings_total_code_size")
    client, archive = functions.client, functions.zipped(ECHO)

    def total() -> int:
        return int(client.get_account_settings()["AccountUsage"]["TotalCodeSize"])

    # Only that each upload counts by its size can be compared: the archives are not AWS's.
    client.create_function(**functions.request("f", Code={"ZipFile": archive}))
    assert total() == len(archive)
    client.update_function_code(FunctionName="f", ZipFile=functions.zipped("other = 1"), Publish=True)
    assert total() == 2 * len(functions.zipped("other = 1"))
    case.leaves(*(f"total_code_size_diff_{what}" for what in ("create_function", "update_function")), because="asserted above")
    case.leaves("total_code_size_diff_publish_layer", "total_code_size_diff_publish_layer_version", because="the sizes are the archives'")
