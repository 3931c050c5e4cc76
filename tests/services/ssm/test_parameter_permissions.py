"""Who may do what with parameters. Truth: "Actions, resources, and condition keys for AWS Systems Manager"."""

from typing import Any

import pytest

from users import User, allow

pytestmark = pytest.mark.http


@pytest.fixture
def ssm(aws: Any) -> Any:
    client = aws.client("ssm")
    for name, team in {"/app/a": "blue", "/app/b": "green", "plain": "blue"}.items():
        client.put_parameter(Name=name, Value="v", Type="String", Tags=[{"Key": "Team", "Value": team}])
    return client


def arn(aws: Any, name: str) -> str:
    return f"arn:aws:ssm:us-east-1:{aws.account}:parameter/{name}"


def test_a_parameter_is_read_by_who_may_read_it_alone(ssm: Any, aws: Any, refused: Any) -> None:
    dev = User(aws, allow(["ssm:GetParameter", "ssm:GetParameters"], arn(aws, "app/a"))).client("ssm")
    for name in ("/app/a", "/app/a:1", arn(aws, "app/a")):
        assert dev.get_parameter(Name=name)["Parameter"]["Value"] == "v"
    with refused("AccessDeniedException", "ssm:GetParameter on resource: " + arn(aws, "app/b")):
        dev.get_parameter(Name="/app/b")
    with refused("AccessDeniedException"):
        dev.get_parameters(Names=["/app/a", "/app/b"])
    with refused("AccessDeniedException"):
        dev.get_parameters_by_path(Path="/app")


@pytest.mark.parametrize("key", ["ssm:resourceTag/Team", "aws:ResourceTag/Team"])
def test_tags_of_a_parameter_decide(ssm: Any, aws: Any, refused: Any, key: str) -> None:
    dev = User(aws, allow("ssm:Get*", "*", StringEquals={key: "blue"})).client("ssm")
    assert dev.get_parameters(Names=["/app/a", "plain"])["InvalidParameters"] == []
    with refused("AccessDeniedException"):
        dev.get_parameters(Names=["/app/a", "/app/b"])


def test_condition_keys_of_overwrite_recursion_and_policies(ssm: Any, aws: Any, refused: Any) -> None:
    dev = User(
        aws,
        allow("ssm:PutParameter", "*", StringEquals={"ssm:Overwrite": "false"}),
        allow("ssm:GetParametersByPath", "*", StringEquals={"ssm:Recursive": "false"}),
    )
    client = dev.client("ssm")
    client.put_parameter(Name="/new", Value="v", Type="String")
    with refused("AccessDeniedException"):
        client.put_parameter(Name="/new", Value="v", Type="String", Overwrite=True)
    with refused("AccessDeniedException", "ssm:AddTagsToResource"):
        client.put_parameter(Name="/new2", Value="v", Type="String", Tags=[{"Key": "a", "Value": "b"}])
    assert len(client.get_parameters_by_path(Path="/app")["Parameters"]) == 2
    with refused("AccessDeniedException"):
        client.get_parameters_by_path(Path="/app", Recursive=True)
    dev.may(allow("ssm:PutParameter", "*", Null={"ssm:Policies": "true"}))
    client.put_parameter(Name="/new", Value="v", Overwrite=True)
    with refused("AccessDeniedException"):
        client.put_parameter(Name="/new", Value="v", Overwrite=True, Policies="[{}]")


def test_every_other_operation_asks_too(ssm: Any, aws: Any, refused: Any) -> None:
    nobody = User(aws, allow("s3:*")).client("ssm")
    tagged = {"ResourceType": "Parameter", "ResourceId": "/app/a"}
    calls: dict[str, dict[str, Any]] = {
        "delete_parameter": {"Name": "/app/a"},
        "delete_parameters": {"Names": ["/app/a"]},
        "describe_parameters": {},
        "get_parameter_history": {"Name": "/app/a"},
        "label_parameter_version": {"Name": "/app/a", "Labels": ["x"]},
        "unlabel_parameter_version": {"Name": "/app/a", "ParameterVersion": 1, "Labels": ["x"]},
        "add_tags_to_resource": tagged | {"Tags": [{"Key": "a", "Value": "b"}]},
        "remove_tags_from_resource": tagged | {"TagKeys": ["a"]},
        "list_tags_for_resource": tagged,
        "get_service_setting": {"SettingId": "/ssm/parameter-store/high-throughput-enabled"},
        "update_service_setting": {"SettingId": "/ssm/parameter-store/high-throughput-enabled", "SettingValue": "true"},
        "reset_service_setting": {"SettingId": "/ssm/parameter-store/high-throughput-enabled"},
    }
    for name, request in calls.items():
        with refused("AccessDeniedException"):
            getattr(nobody, name)(**request)
