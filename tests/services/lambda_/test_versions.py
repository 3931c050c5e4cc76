"""Versions, aliases and permissions over boto3. Truth: recordings/lambda.json (TestLambdaVersions, -Alias, -Permissions)."""

import json
from typing import Any

import pytest

ABOUT = """
import os
def handler(event, context):
    return {"version": context.function_version, "arn": context.invoked_function_arn, "key": os.environ.get("KEY")}
"""


@pytest.fixture
def arn(functions: Any) -> str:
    functions.make("f", ABOUT, Environment={"Variables": {"KEY": "one"}})
    return f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:f"


def test_a_published_version_keeps_what_it_was(functions: Any, arn: str) -> None:
    published = functions.client.publish_version(FunctionName="f", Description="first")
    assert (published["Version"], published["FunctionArn"], published["Description"]) == ("1", f"{arn}:1", "first")
    functions.client.update_function_configuration(FunctionName="f", Environment={"Variables": {"KEY": "two"}})
    assert functions.call("f")["key"] == "two"
    assert functions.call("f", Qualifier="1") == {"version": "1", "arn": f"{arn}:1", "key": "one"}
    versions = functions.client.list_versions_by_function(FunctionName="f")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]
    assert versions[0]["FunctionArn"] == f"{arn}:$LATEST"


def test_publishing_what_has_not_changed_is_the_same_version(functions: Any, arn: str) -> None:
    assert functions.client.publish_version(FunctionName="f")["Version"] == "1"
    assert functions.client.publish_version(FunctionName="f")["Version"] == "1"
    functions.client.update_function_configuration(FunctionName="f", Timeout=7)
    assert functions.client.publish_version(FunctionName="f")["Version"] == "2"


def test_publishing_other_code_than_is_there_is_refused(functions: Any, arn: str, refused: Any) -> None:
    with refused("InvalidParameterValueException", "CodeSHA256 (some) is different from current CodeSHA256 in $LATEST"):
        functions.client.publish_version(FunctionName="f", CodeSha256="some")


def test_create_can_publish_at_once(functions: Any) -> None:
    assert functions.make("g", ABOUT, Publish=True)["Version"] == "1"
    assert functions.call("g", Qualifier="1")["version"] == "1"


def test_an_alias_moves_from_version_to_version(functions: Any, arn: str, refused: Any) -> None:
    functions.client.publish_version(FunctionName="f")
    made = functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert made["AliasArn"] == f"{arn}:live"
    assert functions.call("f", Qualifier="live") == {"version": "1", "arn": f"{arn}:live", "key": "one"}
    functions.client.update_function_configuration(FunctionName="f", Environment={"Variables": {"KEY": "two"}})
    functions.client.publish_version(FunctionName="f")
    changed = functions.client.update_alias(FunctionName="f", Name="live", FunctionVersion="2", Description="moved")
    assert changed["RevisionId"] != made["RevisionId"]
    assert functions.call(f"{arn}:live") == {"version": "2", "arn": f"{arn}:live", "key": "two"}
    assert functions.client.get_alias(FunctionName="f", Name="live")["Description"] == "moved"
    with refused("ResourceConflictException", f"Alias already exists: {arn}:live"):
        functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with refused("ResourceNotFoundException", f"Function not found: {arn}:nothing"):
        functions.call("f", Qualifier="nothing")


def test_an_alias_splits_between_two_versions(functions: Any, arn: str, refused: Any) -> None:
    functions.client.publish_version(FunctionName="f")
    functions.client.update_function_configuration(FunctionName="f", Timeout=7)
    functions.client.publish_version(FunctionName="f")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    made = functions.client.create_alias(FunctionName="f", Name="split", FunctionVersion="1", RoutingConfig=routing)
    assert made["RoutingConfig"] == routing
    versions = {functions.call("f", Qualifier="split")["version"] for _ in range(40)}
    assert versions == {"1", "2"}
    both = functions.client.list_aliases(FunctionName="f", FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in both] == ["split"]
    with refused("ResourceConflictException", "it is referenced by aliases"):
        functions.client.delete_function(FunctionName="f", Qualifier="2")
    functions.client.delete_alias(FunctionName="f", Name="split")
    functions.client.delete_function(FunctionName="f", Qualifier="2")
    assert functions.client.list_aliases(FunctionName="f")["Aliases"] == []
    with refused("ResourceNotFoundException", f"Function not found: {arn}:2"):
        functions.client.get_function(FunctionName="f", Qualifier="2")


def test_the_latest_version_can_only_go_with_the_function(functions: Any, arn: str, refused: Any) -> None:
    with refused("InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function."):
        functions.client.delete_function(FunctionName="f", Qualifier="$LATEST")
    with refused("InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."):
        functions.client.get_function(FunctionName=f"{arn}:1", Qualifier="2")


def test_permissions_make_a_policy(functions: Any, arn: str, refused: Any) -> None:
    with refused("ResourceNotFoundException", "The resource you requested does not exist."):
        functions.client.get_policy(FunctionName="f")
    added = functions.client.add_permission(
        FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::bucket"
    )
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
        "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}},
    }
    assert json.loads(added["Statement"]) == statement
    functions.client.add_permission(FunctionName="f", StatementId="all", Action="lambda:InvokeFunction", Principal="123456789012")
    policy = json.loads(functions.client.get_policy(FunctionName="f")["Policy"])
    assert (policy["Version"], policy["Id"], policy["Statement"][0]) == ("2012-10-17", "default", statement)
    assert policy["Statement"][1]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    with refused("ResourceConflictException", "The statement id (s3) provided already exists."):
        functions.client.add_permission(FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="*")
    functions.client.remove_permission(FunctionName="f", StatementId="s3")
    with refused("ResourceNotFoundException", "Statement s3 is not found in resource policy."):
        functions.client.remove_permission(FunctionName="f", StatementId="s3")


def test_layers_are_seen_under_opt_later_ones_over_earlier_ones(functions: Any, zip_of: Any, refused: Any) -> None:
    arns = []
    for name, files in {
        "one": {"python/shared.py": "name = 'one'", "python/only_one.py": "x = 1"},
        "two": {"python/shared.py": "name = 'two'"},
    }.items():
        made = functions.client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of(files)}, CompatibleRuntimes=["python3.11"])
        assert made["Version"] == 1
        arns.append(made["LayerVersionArn"])
    source = "import os, shared, only_one\ndef handler(event, context):\n    return [shared.name, only_one.x, os.listdir('/opt')]\n"
    functions.make("layered", source, Layers=arns)
    assert functions.call("layered") == ["two", 1, ["python"]]
    functions.client.update_function_configuration(FunctionName="layered", Layers=arns[:1])
    assert functions.call("layered")[0] == "one"
    functions.client.delete_layer_version(LayerName="one", VersionNumber=1)
    with refused("ResourceNotFoundException"):
        functions.client.get_layer_version(LayerName="one", VersionNumber=1)
    with refused("InvalidParameterValueException", "does not exist"):
        functions.client.update_function_configuration(FunctionName="layered", Layers=arns[:1])
    functions.client.update_function_configuration(FunctionName="layered", Timeout=5)
    assert functions.call("layered")[0] == "one"


def test_layers_are_counted_and_listed(functions: Any, zip_of: Any) -> None:
    for number in range(3):
        content = {"ZipFile": zip_of({"a.txt": f"{number}"})}
        functions.client.publish_layer_version(LayerName="l", Content=content, Description=f"{number}", CompatibleRuntimes=["python3.12"])
    assert [layer["Version"] for layer in functions.client.list_layer_versions(LayerName="l")["LayerVersions"]] == [3, 2, 1]
    (layer,) = functions.client.list_layers(CompatibleRuntime="python3.12")["Layers"]
    assert layer["LatestMatchingVersion"]["Version"] == 3
    assert functions.client.list_layers(CompatibleRuntime="java21")["Layers"] == []
    arn = layer["LatestMatchingVersion"]["LayerVersionArn"]
    assert functions.client.get_layer_version_by_arn(Arn=arn)["Description"] == "2"
    functions.client.delete_layer_version(LayerName="l", VersionNumber=3)
    content = {"ZipFile": zip_of({"a.txt": "again"})}
    assert functions.client.publish_layer_version(LayerName="l", Content=content)["Version"] == 4


def test_tags_permissions_and_versions_are_revisions_and_cost_no_worker(functions: Any, arn: str) -> None:
    """Recorded: TestLambdaTags, TestLambdaPermissions::test_lambda_permission_versioning, TestLambdaRevisions."""
    client, counts = functions.client, "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"
    created = functions.make("counts", counts)["RevisionId"]
    seen = [created]

    def is_new() -> None:
        revision = client.get_function_configuration(FunctionName="counts")["RevisionId"]
        assert revision not in seen
        seen.append(revision)

    is_new()  # Pending is a revision, Active another
    assert functions.call("counts") == 1
    client.tag_resource(Resource=arn.removesuffix("f") + "counts", Tags={"a": "1"})
    is_new()
    client.add_permission(FunctionName="counts", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    is_new()
    assert client.get_policy(FunctionName="counts")["RevisionId"] == seen[-1]
    client.publish_version(FunctionName="counts")
    is_new()
    assert client.get_policy(FunctionName="counts")["RevisionId"] == seen[-1]
    assert functions.call("counts") == 2
