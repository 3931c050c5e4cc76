"""What stands beside a function: code signing, recursion, updates of the runtime, who else may use a layer.

Truth: the developer guide's pages on each; recordings of TestCodeSigningConfig and TestLambdaRecursion are replayed in
tests/recordings/test_lambda_settings.py; sentences about layers as AWS says them.
"""

import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from headwater.services.lambda_.recursion import rounds_in

ECHO = "def handler(event, context):\n    return event\n"


def refusal(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


# -- code signing ------------------------------------------------------------------------------------------------------


def signing(functions: Any, policy: str) -> str:
    profile = f"arn:aws:signer:us-east-1:{functions.aws.account}:/signing-profiles/p"
    made = functions.client.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": [profile]}, CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy}
    )
    arn: str = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    return arn


def test_code_that_nobody_signed_is_not_deployed_where_that_is_enforced(functions: Any, zip_of: Any) -> None:
    client, archive = functions.client, zip_of({"index.py": ECHO + "# new\n"})
    functions.make("f", ECHO)
    enforced, warned = signing(functions, "Enforce"), signing(functions, "Warn")
    client.put_function_code_signing_config(FunctionName="f", CodeSigningConfigArn=enforced)
    assert client.get_function_code_signing_config(FunctionName="f")["CodeSigningConfigArn"] == enforced
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": archive})["LayerVersionArn"]
    assert refusal(client.update_function_code, FunctionName="f", ZipFile=archive).startswith("CodeVerificationFailedException")
    changed = refusal(client.update_function_configuration, FunctionName="f", Layers=[layer])
    assert changed.startswith("CodeVerificationFailedException")
    assert functions.call("f", 1) == 1, "what was there before stays"
    client.update_code_signing_config(CodeSigningConfigArn=enforced, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"})
    client.update_function_code(FunctionName="f", ZipFile=archive)
    client.put_function_code_signing_config(FunctionName="f", CodeSigningConfigArn=warned)
    assert refusal(client.delete_code_signing_config, CodeSigningConfigArn=warned).startswith("ResourceConflictException")
    client.delete_function_code_signing_config(FunctionName="f")
    client.delete_code_signing_config(CodeSigningConfigArn=warned)
    assert client.get_code_signing_config(CodeSigningConfigArn=enforced)["CodeSigningConfig"]["CodeSigningConfigArn"] == enforced
    assert [each["CodeSigningConfigArn"] for each in client.list_code_signing_configs()["CodeSigningConfigs"]] == [enforced]


def test_a_function_is_created_with_a_code_signing_configuration(functions: Any) -> None:
    enforced, warned = signing(functions, "Enforce"), signing(functions, "Warn")
    with pytest.raises(botocore.exceptions.ClientError, match="CodeVerificationFailedException"):
        functions.make("f", ECHO, CodeSigningConfigArn=enforced)
    functions.make("f", ECHO, CodeSigningConfigArn=warned)
    listed = functions.client.list_functions_by_code_signing_config(CodeSigningConfigArn=warned)["FunctionArns"]
    assert [arn.split(":")[-1] for arn in listed] == ["f"]


def test_a_code_signing_configuration_has_tags(functions: Any) -> None:
    profile = f"arn:aws:signer:us-east-1:{functions.aws.account}:/signing-profiles/p"
    publishers = {"SigningProfileVersionArns": [profile]}
    made = functions.client.create_code_signing_config(AllowedPublishers=publishers, Tags={"a": "1"})
    arn = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    functions.client.tag_resource(Resource=arn, Tags={"b": "2"})
    functions.client.untag_resource(Resource=arn, TagKeys=["a"])
    assert functions.client.list_tags(Resource=arn)["Tags"] == {"b": "2"}


# -- recursion ---------------------------------------------------------------------------------------------------------

CALLS_ITSELF = """
import boto3, json
def handler(event, context):
    rounds = event["rounds"] + 1
    if rounds > 20:
        return rounds
    client = boto3.client("lambda")
    try:
        answer = client.invoke(FunctionName=context.function_name, Payload=json.dumps({"rounds": rounds}))
    except client.exceptions.RecursiveInvocationException as refused:
        return [rounds, str(refused)]
    return json.loads(answer["Payload"].read())
"""


@pytest.mark.slow
def test_a_function_that_calls_itself_is_stopped_unless_it_means_it(functions: Any) -> None:
    functions.make("f", CALLS_ITSELF, Timeout=60)
    assert functions.client.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    rounds, words = functions.call("f", {"rounds": 0})
    assert rounds == 16
    assert "Lambda has detected your function being invoked in a recursive loop" in words
    functions.client.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    assert functions.call("f", {"rounds": 0}) == 21


@pytest.mark.parametrize(
    ("header", "rounds"),
    [
        (None, {}),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", {}),
        ("Root=1-a;Lineage=1:aaaaaaaa:3|1:bbbbbbbb:16;Sampled=0", {"aaaaaaaa": 3, "bbbbbbbb": 16}),
        ("Lineage=nonsense|1:x:y", {}),
    ],
)
def test_the_way_here_is_read_from_the_trace(header: str | None, rounds: dict[str, int]) -> None:
    assert rounds_in(header) == rounds


# -- updates of the runtime --------------------------------------------------------------------------------------------


def test_updates_of_the_runtime(functions: Any) -> None:
    client, account = functions.client, functions.aws.account
    functions.make("f", ECHO, Publish=True)
    before = client.get_runtime_management_config(FunctionName="f")
    assert (before["UpdateRuntimeOn"], before["FunctionArn"]) == ("Auto", f"arn:aws:lambda:us-east-1:{account}:function:f:$LATEST")
    pinned = client.get_function_configuration(FunctionName="f")["RuntimeVersionConfig"]["RuntimeVersionArn"]
    put = client.put_runtime_management_config
    put(FunctionName="f", Qualifier="1", UpdateRuntimeOn="Manual", RuntimeVersionArn=pinned)
    kept = client.get_runtime_management_config(FunctionName="f", Qualifier="1")
    assert (kept["UpdateRuntimeOn"], kept["RuntimeVersionArn"]) == ("Manual", pinned)
    assert client.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"
    assert refusal(put, FunctionName="f", UpdateRuntimeOn="Manual").startswith("InvalidParameterValueException")
    assert refusal(put, FunctionName="f", UpdateRuntimeOn="Auto", RuntimeVersionArn=pinned).startswith("InvalidParameterValueException")
    assert refusal(client.get_runtime_management_config, FunctionName="none").startswith("ResourceNotFoundException")


# -- who may use a layer -----------------------------------------------------------------------------------------------

READS = "import tool\ndef handler(event, context):\n    return tool.answer\n"


def test_another_account_uses_a_layer_once_it_may(functions: Any, functions_of: Any, zip_of: Any) -> None:
    client, other = functions.client, functions_of(functions.aws.other())
    content = {"ZipFile": zip_of({"python/tool.py": "answer = 42\n"})}
    arn = client.publish_layer_version(LayerName="tools", Content=content)["LayerVersionArn"]
    layer = {"LayerName": "tools", "VersionNumber": 1}
    theirs = {"LayerName": arn.rpartition(":")[0], "VersionNumber": 1}

    with pytest.raises(botocore.exceptions.ClientError, match=r"AccessDeniedException.*lambda:GetLayerVersion"):
        other.make("f", READS, Layers=[arn])
    assert refusal(other.client.get_layer_version, **theirs).startswith("AccessDeniedException")
    permission = {"StatementId": "theirs", "Action": "lambda:GetLayerVersion", "Principal": other.aws.account}
    answer = client.add_layer_version_permission(**layer, **permission)
    statement = {
        "Sid": "theirs",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{other.aws.account}:root"},
        "Action": "lambda:GetLayerVersion",
        "Resource": arn,
    }
    assert json.loads(answer["Statement"]) == statement
    kept = client.get_layer_version_policy(**layer)
    assert json.loads(kept["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert kept["RevisionId"] == answer["RevisionId"]
    assert other.client.get_layer_version(**theirs)["LayerVersionArn"] == arn
    assert other.client.get_layer_version_by_arn(Arn=arn)["LayerVersionArn"] == arn
    other.make("f", READS, Layers=[arn])
    assert other.call("f") == 42
    client.remove_layer_version_permission(**layer, StatementId="theirs")
    assert refusal(other.client.get_layer_version, **theirs).startswith("AccessDeniedException")
    assert other.call("f") == 42, "who has it keeps it"


def test_what_a_layers_policy_refuses(functions: Any, zip_of: Any) -> None:
    client, layer = functions.client, {"LayerName": "tools", "VersionNumber": 1}
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:layer:tools:1"
    permission = {"StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    missing = f"ResourceNotFoundException: Layer version {arn} does not exist."
    for call, request in (
        (client.add_layer_version_permission, permission),
        (client.remove_layer_version_permission, {"StatementId": "all"}),
        (client.get_layer_version_policy, {}),
    ):
        assert refusal(call, **layer, **request) == missing
    client.publish_layer_version(LayerName="tools", Content={"ZipFile": zip_of({"a": ""})})
    none = "ResourceNotFoundException: No policy is associated with the given resource."
    assert refusal(client.get_layer_version_policy, **layer) == none
    in_organization = {"OrganizationId": "o-abcdefghij"}
    answer = client.add_layer_version_permission(**layer, **permission, **in_organization)
    assert json.loads(answer["Statement"])["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    assert refusal(client.add_layer_version_permission, **layer, **permission).startswith("ResourceConflictException")
    wrong = refusal(client.remove_layer_version_permission, **layer, StatementId="all", RevisionId="wrong")
    assert wrong.startswith("PreconditionFailedException: The Revision Id provided does not match the latest Revision Id.")
    gone = refusal(client.remove_layer_version_permission, **layer, StatementId="none")
    assert gone == "ResourceNotFoundException: Statement none is not found in resource policy."
    client.remove_layer_version_permission(**layer, StatementId="all", RevisionId=answer["RevisionId"])
    assert refusal(client.get_layer_version_policy, **layer) == none


def test_a_function_shows_its_layers(functions: Any, zip_of: Any) -> None:
    client = functions.client
    content = {"ZipFile": zip_of({"python/tool.py": "answer = 1\n"})}
    first = client.publish_layer_version(LayerName="tools", Content=content)
    second = client.publish_layer_version(LayerName="tools", Content={"ZipFile": zip_of({"python/tool.py": "answer = 2\n"})})
    made = functions.make("f", READS, Layers=[first["LayerVersionArn"]])
    shown = [{"Arn": first["LayerVersionArn"], "CodeSize": len(content["ZipFile"])}]
    assert made["Layers"] == shown
    assert client.get_function(FunctionName="f")["Configuration"]["Layers"] == shown
    update = client.update_function_configuration
    both = refusal(update, FunctionName="f", Layers=[first["LayerVersionArn"], second["LayerVersionArn"]])
    assert both.startswith("InvalidParameterValueException: Two different versions of the same layer are not allowed")
    elsewhere = first["LayerVersionArn"].replace("us-east-1", "us-west-2")
    assert "Layers are expected to be in region us-east-1." in refusal(update, FunctionName="f", Layers=[elsewhere])
    assert "Layers" not in update(FunctionName="f", Layers=[])
    for call in (client.get_layer_version, client.delete_layer_version):
        said = refusal(call, LayerName="tools", VersionNumber=0)
        assert said == "InvalidParameterValueException: Layer Version Cannot be less than 1."
