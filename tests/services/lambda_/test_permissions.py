"""Who may call a function: policies of the caller, permissions of the function, its versions and aliases, tags, what goes with creating.

Truth: "Using resource-based policies for Lambda", "Lambda resources and conditions for API actions" of the developer guide, and the
Service Authorization Reference.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest

from headwater.aws.faults import Fault
from headwater.kernel.client import Client
from headwater.kernel.identity import service_principal

pytestmark = pytest.mark.http

ECHO = "def handler(event, context):\n    return event\n"


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def user_of(account: Any, name: str, *statements: dict[str, Any], service: str = "lambda") -> Any:
    """A client of a user who may do what the statements say."""
    iam = account.client("iam")
    iam.create_user(UserName=name)
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return account.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


@pytest.fixture
def user(aws: Any) -> Callable[..., Any]:
    return lambda *statements, name="dev": user_of(aws, name, *statements)


@pytest.fixture
def elsewhere(aws: Any) -> Iterator[Any]:
    account = aws.other()
    yield account
    account.close()


def test_a_user_calls_the_function_that_the_policy_names(functions: Any, user: Any, refused: Any) -> None:
    arn = functions.make("f", ECHO)["FunctionArn"]
    functions.make("g", ECHO)
    dev = user(allow("lambda:InvokeFunction", arn))
    for name in ("f", arn):
        assert dev.invoke(FunctionName=name, Payload=b"1")["Payload"].read() == b"1"
    with refused("AccessDeniedException", "user/dev is not authorized to perform: lambda:InvokeFunction", "function:g", "identity-based"):
        dev.invoke(FunctionName="g")
    with refused("AccessDeniedException", f"{arn}:$LATEST"):
        dev.invoke(FunctionName="f", Qualifier="$LATEST")


def test_creating_passes_the_role(functions: Any, user: Any, zip_of: Any, refused: Any) -> None:
    other = functions.role_of("other")
    dev = user(allow("lambda:CreateFunction"), allow("iam:PassRole", functions.role))
    request = {"FunctionName": "f", "Runtime": "python3.11", "Handler": "index.handler", "Code": {"ZipFile": zip_of({"index.py": ECHO})}}
    dev.create_function(Role=functions.role, **request)
    with refused("AccessDeniedException", "iam:PassRole", other):
        dev.create_function(Role=other, **request | {"FunctionName": "g"})


def test_a_role_is_passed_to_lambda_alone(functions: Any, user: Any, zip_of: Any, refused: Any) -> None:
    passing = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "firehose.amazonaws.com"}})
    dev = user(allow("lambda:*"), passing)
    with refused("AccessDeniedException", "iam:PassRole"):
        dev.create_function(
            FunctionName="f",
            Runtime="python3.11",
            Handler="index.handler",
            Role=functions.role,
            Code={"ZipFile": zip_of({"index.py": ECHO})},
        )


def test_layers_are_a_condition_and_a_permission(functions: Any, user: Any, zip_of: Any, refused: Any) -> None:
    functions.make("f", ECHO)
    content = {"ZipFile": zip_of({"python/a.py": ""})}
    layer, strange = (
        functions.client.publish_layer_version(LayerName=name, Content=content)["LayerVersionArn"] for name in ("ours", "strange")
    )
    ours = {"ForAllValues:StringLike": {"lambda:Layer": [layer.replace(":1", ":*")]}}
    dev = user(allow("lambda:UpdateFunctionConfiguration", Condition=ours), allow("lambda:GetLayerVersion"))
    dev.update_function_configuration(FunctionName="f", Layers=[layer])
    with refused("AccessDeniedException", "lambda:UpdateFunctionConfiguration"):
        dev.update_function_configuration(FunctionName="f", Layers=[strange])
    blind = user(allow("lambda:UpdateFunctionConfiguration"), name="blind")
    with refused("AccessDeniedException", "lambda:GetLayerVersion"):
        blind.update_function_configuration(FunctionName="f", Layers=[layer])


def test_tags_of_the_function_decide(functions: Any, user: Any, refused: Any) -> None:
    functions.make("f", ECHO, Tags={"team": "blue"})
    functions.make("g", ECHO, Tags={"team": "red"})
    dev = user(allow("lambda:InvokeFunction", Condition={"StringEquals": {"aws:ResourceTag/team": "blue"}}))
    dev.invoke(FunctionName="f")
    with refused("AccessDeniedException"):
        dev.invoke(FunctionName="g")


def test_another_account_calls_what_it_was_permitted(functions: Any, elsewhere: Any, refused: Any) -> None:
    arn = functions.make("f", ECHO)["FunctionArn"]
    root = elsewhere.client("lambda")
    with refused("AccessDeniedException", "no resource-based policy allows"):
        root.invoke(FunctionName=arn)
    permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": elsewhere.account}
    functions.client.add_permission(FunctionName="f", **permission)
    assert root.invoke(FunctionName=arn, Payload=b"2")["Payload"].read() == b"2"
    assert root.invoke(FunctionName=arn, Payload=b"2", InvocationType="Event")["StatusCode"] == 202
    with refused("AccessDeniedException"):  # in its own account nobody has allowed it
        user_of(elsewhere, "idler").invoke(FunctionName=arn)
    user_of(elsewhere, "dev", allow("lambda:InvokeFunction", arn)).invoke(FunctionName=arn)
    functions.client.remove_permission(FunctionName="f", StatementId="s")
    with refused("AccessDeniedException"):
        root.invoke(FunctionName=arn)


def test_an_alias_has_permissions_of_its_own(functions: Any, elsewhere: Any, refused: Any) -> None:
    arn = functions.make("f", ECHO, Publish=True)["FunctionArn"].removesuffix(":1")
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    functions.client.add_permission(
        FunctionName="f", Qualifier="live", StatementId="s", Action="lambda:InvokeFunction", Principal=elsewhere.account
    )
    root = elsewhere.client("lambda")
    root.invoke(FunctionName=f"{arn}:live")
    for name in (arn, f"{arn}:1"):
        with refused("AccessDeniedException"):
            root.invoke(FunctionName=name)


def test_a_service_calls_for_the_resource_that_was_named(server: Any, functions: Any, refused: Any) -> None:
    functions.make("f", ECHO)
    account = functions.aws.account

    def invoke(source: str) -> int:
        principal = service_principal("events", account)
        client = Client(server.home, "lambda", principal, "us-east-1", source_arn=f"arn:aws:events:us-east-1:{account}:rule/{source}")
        return int(server.call(client.invoke(FunctionName="f", Payload=b"{}"))["StatusCode"])

    with pytest.raises(Fault, match="AccessDeniedException"):
        invoke("hourly")
    functions.client.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:us-east-1:{account}:rule/hourly",
    )
    assert invoke("hourly") == 200
    with pytest.raises(Fault, match="AccessDeniedException"):
        invoke("daily")


def test_whom_one_may_give_permission_is_a_condition(functions: Any, user: Any, refused: Any) -> None:
    functions.make("f", ECHO)
    given = {"StringEquals": {"lambda:Principal": "s3.amazonaws.com"}}
    dev = user(allow(["lambda:AddPermission", "lambda:RemovePermission"], Condition=given))
    dev.add_permission(FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    with refused("AccessDeniedException"):
        dev.add_permission(FunctionName="f", StatementId="all", Action="lambda:InvokeFunction", Principal="*")
    functions.client.add_permission(FunctionName="f", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
    with refused("AccessDeniedException"):
        dev.remove_permission(FunctionName="f", StatementId="sns")
    dev.remove_permission(FunctionName="f", StatementId="s3")


def test_code_is_fetched_from_s3_with_the_callers_leave(functions: Any, user: Any, zip_of: Any, refused: Any) -> None:
    s3 = functions.aws.client("s3")
    bucket = f"code-{functions.aws.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="f.zip", Body=zip_of({"index.py": ECHO}))
    functions.make("f", ECHO)
    dev = user(allow("lambda:UpdateFunctionCode"))
    with refused("InvalidParameterValueException", "S3 Error Code: AccessDenied"):
        dev.update_function_code(FunctionName="f", S3Bucket=bucket, S3Key="f.zip")
    reader = user(allow("lambda:UpdateFunctionCode"), allow("s3:GetObject"), name="reader")
    reader.update_function_code(FunctionName="f", S3Bucket=bucket, S3Key="f.zip")


SENTENCES = {
    "to whom it may be given": (
        "add_permission",
        {"Principal": "invalid.nonaws.com"},
        "InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again.",
    ),
    "on $LATEST by its name": (
        "add_permission",
        {"Qualifier": "$LATEST"},
        "InvalidParameterValueException: We currently do not support adding policies for $LATEST.",
    ),
    "on no alias": ("add_permission", {"Qualifier": "none"}, "ResourceNotFoundException: Cannot find alias arn: {arn}:none"),
    "on no version": ("add_permission", {"Qualifier": "12"}, "ResourceNotFoundException: Function not found: {arn}:12"),
    "of another revision": (
        "add_permission",
        {"RevisionId": "00000000-0000-0000-0000-000000000000"},
        (
            "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to"
            " retrieve the latest Revision Id"
        ),
    ),
    "taken from no function": ("remove_permission", {"FunctionName": "none"}, "ResourceNotFoundException: No policy found for: {none}"),
    "taken where none is": (
        "remove_permission",
        {},
        "ResourceNotFoundException: No policy is associated with the given resource.",
    ),
    "shown where none is": ("get_policy", {}, "ResourceNotFoundException: The resource you requested does not exist."),
    "shown of no version": ("get_policy", {"Qualifier": "12"}, "ResourceNotFoundException: The resource you requested does not exist."),
}


@pytest.mark.parametrize(("operation", "request_", "said"), SENTENCES.values(), ids=SENTENCES)
def test_what_is_said_of_a_permission(functions: Any, operation: str, request_: dict[str, Any], said: str) -> None:
    """Our reading of AWS's sentences: no recording here has them."""
    functions.make("f", "def handler(event, context):\n    pass\n")
    request = {"FunctionName": "f"} | request_
    if operation != "get_policy":
        request["StatementId"] = "s"
    if operation == "add_permission":
        request = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"} | request
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(functions.client, operation)(**request)
    error = caught.value.response["Error"]
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:"
    assert f"{error['Code']}: {error['Message']}" == said.format(arn=f"{arn}f", none=f"{arn}none")
