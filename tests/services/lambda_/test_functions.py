"""Functions over boto3: made, shown, changed, deleted. Truth: recordings/lambda.json (TestLambdaFunction, TestLambdaTags)."""

import io
import json
import stat
import urllib.request
import zipfile
from typing import Any

import pytest

ECHO = "def handler(event, context):\n    return event\n"
OTHER = "def handler(event, context):\n    return 'other'\n"


def test_a_new_function_is_described_as_aws_does(functions: Any) -> None:
    made = functions.make("f", ECHO, Description="d", Timeout=5, MemorySize=256, Environment={"Variables": {}})
    metadata = made.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 201
    sha256, modified, revision, runtime = (made.pop(name) for name in ("CodeSha256", "LastModified", "RevisionId", "RuntimeVersionConfig"))
    assert len(sha256) == 44
    assert modified.endswith("+0000")
    assert len(revision) == 36
    assert runtime["RuntimeVersionArn"].startswith("arn:aws:lambda:us-east-1::runtime:")
    assert made.pop("CodeSize") > 100
    assert made == {
        "Architectures": ["x86_64"],
        "Description": "d",
        "Environment": {"Variables": {}},
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:f",
        "FunctionName": "f",
        "Handler": "index.handler",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "MemorySize": 256,
        "PackageType": "Zip",
        "Role": functions.role,
        "Runtime": "python3.11",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "Timeout": 5,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
    }
    functions.client.get_waiter("function_active_v2").wait(FunctionName="f")
    shown = functions.client.get_function_configuration(FunctionName="f")
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")


def test_the_code_can_be_fetched_where_get_function_says(functions: Any, zip_of: Any) -> None:
    archive = zip_of({"index.py": ECHO})
    functions.client.create_function(
        FunctionName="f", Runtime="python3.11", Role=functions.role, Handler="index.handler", Code={"ZipFile": archive}, Tags={"a": "b"}
    )
    found = functions.client.get_function(FunctionName="f")
    assert found["Tags"] == {"a": "b"}
    assert found["Code"]["RepositoryType"] == "S3"
    with urllib.request.urlopen(found["Code"]["Location"]) as answer:
        assert answer.read() == archive


def test_an_update_changes_what_runs(functions: Any, zip_of: Any) -> None:
    made = functions.make("f", ECHO)
    assert functions.call("f", 1) == 1
    changed = functions.client.update_function_code(FunctionName="f", ZipFile=zip_of({"index.py": OTHER}))
    assert changed["LastUpdateStatus"] == "InProgress"
    assert changed["CodeSha256"] != made["CodeSha256"]
    assert changed["RevisionId"] != made["RevisionId"]
    functions.client.get_waiter("function_updated_v2").wait(FunctionName="f")
    assert functions.call("f", 1) == "other"
    options = {"Environment": {"Variables": {"AB": "1"}}, "Timeout": 9, "MemorySize": 200, "Description": "new", "Handler": "index.handler"}
    changed = functions.client.update_function_configuration(FunctionName="f", **options)
    assert {name: changed[name] for name in options} == options


def test_a_dry_run_of_an_update_changes_nothing(functions: Any, zip_of: Any) -> None:
    made = functions.make("f", ECHO)
    changed = functions.client.update_function_code(FunctionName="f", ZipFile=zip_of({"index.py": OTHER}), DryRun=True)
    assert changed["CodeSha256"] != made["CodeSha256"]
    assert functions.client.get_function_configuration(FunctionName="f")["CodeSha256"] == made["CodeSha256"]


def test_an_update_from_an_old_revision_is_refused(functions: Any, refused: Any) -> None:
    functions.make("f", ECHO)
    with refused("PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id."):
        functions.client.update_function_configuration(FunctionName="f", Timeout=4, RevisionId="0")


def test_a_deleted_function_is_gone(functions: Any, refused: Any) -> None:
    functions.make("f", ECHO)
    functions.call("f")
    assert functions.client.delete_function(FunctionName="f")["ResponseMetadata"]["HTTPStatusCode"] == 204
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:f"
    for operation in (functions.client.get_function, functions.client.delete_function, functions.client.get_function_configuration):
        with refused("ResourceNotFoundException", f"Function not found: {arn}"):
            operation(FunctionName="f")
    functions.make("f", OTHER)
    assert functions.call("f") == "other"


def test_functions_are_listed_in_pages(functions: Any) -> None:
    for number in range(3):
        functions.make(f"f{number}", ECHO)
    pages = functions.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    assert [[function["FunctionName"] for function in page["Functions"]] for page in pages] == [["f0", "f1"], ["f2"]]
    everything = functions.client.list_functions(FunctionVersion="ALL")["Functions"]
    assert everything[0]["FunctionArn"].endswith(":function:f0:$LATEST")


REFUSED = {
    "a runtime that is none": ("InvalidParameterValueException", "at 'runtime' failed to satisfy constraint", {"Runtime": "cobol"}),
    "a runtime long gone": ("InvalidParameterValueException", "is no longer supported for creating", {"Runtime": "python2.7"}),
    "a role that is none": ("ValidationException", "Value 'r1' at 'role' failed to satisfy constraint", {"Role": "r1"}),
    "another account's role": ("AccessDeniedException", "Cross-account pass role", {"Role": "arn:aws:iam::999999999999:role/x"}),
    "no archive": ("InvalidParameterValueException", "Could not unzip uploaded file.", {"Code": {"ZipFile": b"not a zip"}}),
    "no code": ("InvalidParameterValueException", "Please provide a source for function code.", {"Code": {}}),
    "an image": ("InvalidParameterValueException", "container images", {"Code": {"ImageUri": "x"}, "PackageType": "Image"}),
    "a bucket that is not there": (
        "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
        {"Code": {"S3Bucket": "nowhere-at-all", "S3Key": "k"}},
    ),
    "a variable of Lambda's own": (
        "InvalidParameterValueException",
        "Reserved keys used in this request: AWS_REGION",
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
    ),
    "more than 4 KB of variables": (
        "InvalidParameterValueException",
        "exceeded the 4KB limit. String measured: {",
        {"Environment": {"Variables": {"LARGE_VAR": "x" * 4096}}},
    ),
    "another account's layer": (
        "AccessDeniedException",
        "no resource-based policy allows the lambda:GetLayerVersion action",
        {"Layers": ["arn:aws:lambda:us-east-1:999999999999:layer:theirs:1"]},
    ),
    "a member that is not built": (
        "InvalidParameterValueException",
        "Headwater has not built these members of a function yet: DurableConfig",
        {"DurableConfig": {"ExecutionTimeout": 60}},
    ),
    "a name that is too long": ("InvalidParameterValueException", "less than or equal to 64", {"FunctionName": "a" * 65}),
    "a name that is none": ("ValidationException", "'functionName' failed to satisfy constraint", {"FunctionName": "my-function!"}),
}


def test_a_layer_that_is_not_there_is_no_layer_of_a_function(functions: Any, refused: Any) -> None:
    with refused("InvalidParameterValueException", "does not exist"):
        functions.make("f", ECHO, Layers=[f"arn:aws:lambda:us-east-1:{functions.aws.account}:layer:nothing:1"])


@pytest.mark.parametrize(("code", "words", "request_"), REFUSED.values(), ids=REFUSED)
def test_create_function_refuses(functions: Any, zip_of: Any, refused: Any, code: str, words: str, request_: dict[str, Any]) -> None:
    request = {
        "FunctionName": "f",
        "Runtime": "python3.11",
        "Role": functions.role,
        "Handler": "index.handler",
        "Code": {"ZipFile": zip_of({"index.py": ECHO})},
    }
    with refused(code, words):
        functions.client.create_function(**request | request_)
    assert functions.client.list_functions()["Functions"] == []


def test_a_function_is_made_once(functions: Any, refused: Any) -> None:
    functions.make("f", ECHO)
    with refused("ResourceConflictException", "Function already exist: f"):
        functions.make("f", ECHO)


def entry(name: str, content: str, mode: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", ECHO)
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return buffer.getvalue()


ESCAPES = {
    "a path that climbs": entry("../../escaped.py", "x", stat.S_IFREG | 0o644),
    "an absolute path": entry("/tmp/escaped.py", "x", stat.S_IFREG | 0o644),
    "a link to the system": entry("link", "/etc/passwd", stat.S_IFLNK | 0o777),
    "a link that climbs": entry("a/link", "../../..", stat.S_IFLNK | 0o777),
}


@pytest.mark.parametrize("archive", ESCAPES.values(), ids=ESCAPES)
def test_an_archive_that_leads_out_is_refused_and_leaves_nothing(functions: Any, refused: Any, server: Any, archive: bytes) -> None:
    code = server.home.path / "lambda" / "code"
    before = set(code.iterdir()) if code.exists() else set()
    with refused("InvalidParameterValueException", "Could not unzip uploaded file."):
        functions.client.create_function(
            FunctionName="f", Runtime="python3.11", Role=functions.role, Handler="index.handler", Code={"ZipFile": archive}
        )
    assert set(code.iterdir()) == before


def test_a_link_within_the_archive_works(functions: Any) -> None:
    archive = entry("alias.py", "index.py", stat.S_IFLNK | 0o777)
    functions.client.create_function(
        FunctionName="f", Runtime="python3.11", Role=functions.role, Handler="alias.handler", Code={"ZipFile": archive}
    )
    assert functions.call("f", "x") == "x"


def test_an_archive_that_unpacks_to_too_much_is_refused(functions: Any, refused: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 262_144_001)
    with refused("InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"):
        functions.client.create_function(
            FunctionName="f", Runtime="python3.11", Role=functions.role, Handler="index.handler", Code={"ZipFile": buffer.getvalue()}
        )


def test_code_comes_from_s3_too(functions: Any, zip_of: Any, refused: Any) -> None:
    s3 = functions.aws.client("s3")
    bucket = f"code-{functions.aws.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="f.zip", Body=zip_of({"index.py": OTHER}))
    settings = {"Runtime": "python3.11", "Role": functions.role, "Handler": "index.handler"}
    functions.client.create_function(FunctionName="f", Code={"S3Bucket": bucket, "S3Key": "f.zip"}, **settings)
    assert functions.call("f") == "other"
    with refused("InvalidParameterValueException", "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."):
        functions.client.update_function_code(FunctionName="f", S3Bucket=bucket, S3Key="nothing")


def test_tags_are_put_and_taken(functions: Any, refused: Any) -> None:
    arn = functions.make("f", ECHO, Tags={"A": "a"})["FunctionArn"]
    functions.client.tag_resource(Resource=arn, Tags={"B": "b", "C": "c"})
    functions.client.untag_resource(Resource=arn, TagKeys=["A", "nothing"])
    assert functions.client.list_tags(Resource=arn)["Tags"] == {"B": "b", "C": "c"}
    with refused("InvalidParameterValueException", "Number of tags exceeds resource tag limit."):
        functions.client.tag_resource(Resource=arn, Tags={f"k{number}": "v" for number in range(50)})
    with refused("InvalidParameterValueException", "Tags on function aliases and versions are not supported."):
        functions.client.tag_resource(Resource=f"{arn}:1", Tags={"k": "v"})


def test_the_account_counts_its_functions(functions: Any) -> None:
    before = functions.client.get_account_settings()["AccountUsage"]
    size = functions.make("f", ECHO)["CodeSize"]
    settings = functions.client.get_account_settings()
    assert settings["AccountUsage"] == {"FunctionCount": before["FunctionCount"] + 1, "TotalCodeSize": before["TotalCodeSize"] + size}
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000


def test_variables_do_not_lie_open_on_the_disk(functions: Any, server: Any) -> None:
    functions.make("f", ECHO, Environment={"Variables": {"PASSWORD": "correct-horse-battery"}})
    assert functions.client.get_function_configuration(FunctionName="f")["Environment"] == {
        "Variables": {"PASSWORD": "correct-horse-battery"}
    }
    kept = b"".join(path.read_bytes() for path in server.home.path.rglob("*") if path.is_file())
    assert b"correct-horse-battery" not in kept


def test_a_bootstrap_of_the_functions_own_speaks_the_runtime_api(functions: Any) -> None:
    bootstrap = """#!/usr/bin/env python3
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as event:
        request_id, body = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
    answer = json.dumps({"handler": os.environ["_HANDLER"], "got": json.loads(body)}).encode()
    urllib.request.urlopen(f"{api}/{request_id}/response", answer).close()
"""
    archive = entry("bootstrap", bootstrap, stat.S_IFREG | 0o755)
    functions.client.create_function(
        FunctionName="own", Runtime="provided.al2023", Role=functions.role, Handler="any.thing", Code={"ZipFile": archive}
    )
    assert json.loads(functions.client.invoke(FunctionName="own", Payload="[1]")["Payload"].read()) == {"handler": "any.thing", "got": [1]}


def test_a_wrapper_script_starts_the_runtime(functions: Any) -> None:
    archive = entry("wrapper", '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n', stat.S_IFREG | 0o755)
    with zipfile.ZipFile(buffer := io.BytesIO(archive), "a") as opened:
        opened.writestr("shows.py", "import os\ndef handler(event, context):\n    return os.environ['WRAPPED']\n")
    functions.client.create_function(
        FunctionName="wrapped",
        Runtime="python3.11",
        Role=functions.role,
        Handler="shows.handler",
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}},
    )
    assert functions.call("wrapped") == "yes"
