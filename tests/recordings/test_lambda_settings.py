"""What stands beside a function (code signing, recursion, provisioned concurrency) against AWS's answers: recordings/lambda.json."""

import time
from typing import Any


def test_code_signing_configurations_that_are_not_there(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestCodeSigningConfig::test_code_signing_not_found_excs")
    client, account = functions.client, functions.aws.account
    nowhere = f"arn:aws:lambda:us-east-1:{account}:code-signing-config:csc-06e72944d2c3b4567"
    case.means({"csc_arn_invalid": nowhere})
    functions.created("f")
    created = client.create_code_signing_config(
        Description="Testing CodeSigning Config",
        AllowedPublishers={"SigningProfileVersionArns": [f"arn:aws:signer:us-east-1:{account}:/signing-profiles/test"]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )
    case.says("create_code_signing_config", created)
    arn = created["CodeSigningConfig"]["CodeSigningConfigArn"]
    none = {"FunctionName": "csc-test-doesnotexist"}
    case.refuses("delete_csc_notfound", client.delete_code_signing_config, CodeSigningConfigArn=nowhere)
    case.says("nothing_to_delete_response", client.delete_function_code_signing_config(FunctionName="f"))
    case.refuses("delete_function_csc_fnnotfound", client.delete_function_code_signing_config, **none)
    case.refuses("put_function_csc_invalid_fnname", client.put_function_code_signing_config, **none, CodeSigningConfigArn=arn)
    put = client.put_function_code_signing_config
    case.refuses("put_function_csc_invalid_csc_arn", put, FunctionName="f", CodeSigningConfigArn=nowhere)
    case.refuses("put_function_csc_invalid_both", put, **none, CodeSigningConfigArn=nowhere)
    update = client.update_code_signing_config
    case.refuses("update_csc_invalid_csc_arn", update, CodeSigningConfigArn=nowhere, Description="new-description")
    case.refuses("update_csc_noupdates", update, CodeSigningConfigArn=nowhere)
    case.says("update_csc_noupdate_response", update(CodeSigningConfigArn=arn))
    case.refuses("get_csc_invalid", client.get_code_signing_config, CodeSigningConfigArn=nowhere)
    case.says("get_function_csc_fnwithoutcsc", client.get_function_code_signing_config(FunctionName="f"))
    case.refuses("get_function_csc_nonexistingfn", client.get_function_code_signing_config, **none)
    case.says("list_functions_by_csc_fnwithoutcsc", client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn))
    case.refuses("list_functions_by_csc_invalid_cscarn", client.list_functions_by_code_signing_config, CodeSigningConfigArn=nowhere)


def test_recursion_that_is_meant(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaRecursion::test_put_function_recursion_config_allow")
    functions.created("f")
    answer = functions.client.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    case.says("put_recursion_config_response", answer)
    case.says("get_recursion_config_response", functions.client.get_function_recursion_config(FunctionName="f"))


def test_recursion_that_there_is_not(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaRecursion::test_put_function_recursion_config_invalid_value")
    functions.created("f")
    put = functions.client.put_function_recursion_config
    case.refuses("put_recursion_invalid_value_error", put, FunctionName="f", RecursiveLoop="InvalidValue")


def provisioned(functions: Any, number: int) -> dict[str, Any]:
    answer: dict[str, Any] = functions.client.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=number
    )
    return answer


def ready(functions: Any) -> Any:
    for _ in range(200):
        config = functions.client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
        if config["Status"] == "READY":
            return config
        time.sleep(0.05)
    raise AssertionError(config)


def test_five_workers_before_anybody_asks(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaConcurrency::test_provisioned_concurrency")
    functions.created("f", Publish=True)
    case.says("put_provisioned_5", provisioned(functions, 5))
    case.says("get_provisioned_prewait", functions.client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1"))
    case.says("get_provisioned_postwait", ready(functions))


def test_one_worker_before_anybody_asks(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaConcurrency::test_lambda_provisioned_concurrency_scheduling")
    functions.created("f", Publish=True)
    provisioned(functions, 1)
    case.says("get_provisioned_postwait", ready(functions))
