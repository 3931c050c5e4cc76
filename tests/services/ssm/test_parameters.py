"""Parameter Store: parameters are put, read, listed, labelled and deleted.

Truth: the API reference and the user guide ("AWS Systems Manager Parameter Store"); messages that users quoted from AWS.
"""

import json
from typing import Any

import pytest

from headwater.kernel.service import room_names


@pytest.fixture
def ssm(aws: Any) -> Any:
    return aws.client("ssm")


def put(ssm: Any, name: str, value: str = "v", **more: Any) -> Any:
    return ssm.put_parameter(Name=name, Value=value, **({"Type": "String"} | more))


def names(listed: list[dict[str, Any]]) -> list[str]:
    return [each["Name"] for each in listed]


def test_a_parameter_is_put_and_read_by_name_arn_version_and_label(ssm: Any, aws: Any) -> None:
    assert put(ssm, "/app/db/host", "one", Description="where")["Version"] == 1
    assert put(ssm, "/app/db/host", "two", Overwrite=True)["Version"] == 2
    assert ssm.label_parameter_version(Name="/app/db/host", ParameterVersion=1, Labels=["stable"])["ParameterVersion"] == 1
    arn = f"arn:aws:ssm:us-east-1:{aws.account}:parameter/app/db/host"
    newest = ssm.get_parameter(Name="/app/db/host")["Parameter"]
    assert {name: newest[name] for name in ("ARN", "Value", "Version", "Type", "DataType")} == {
        "ARN": arn,
        "Value": "two",
        "Version": 2,
        "Type": "String",
        "DataType": "text",
    }
    for named, value in [
        (arn, "two"),
        ("/app/db/host:1", "one"),
        ("/app/db/host:stable", "one"),
        (f"{arn}:stable", "one"),
        (f"{arn}:2", "two"),
    ]:
        found = ssm.get_parameter(Name=named)["Parameter"]
        assert (found["Name"], found["Value"]) == ("/app/db/host", value), named
    assert ssm.get_parameter(Name="/app/db/host:1")["Parameter"]["Selector"] == ":1"
    put(ssm, "plain")
    assert ssm.get_parameter(Name=f"arn:aws:ssm:us-east-1:{aws.account}:parameter/plain")["Parameter"]["Name"] == "plain"


def test_several_are_read_at_once_and_the_missing_ones_named(ssm: Any) -> None:
    put(ssm, "/a/one", "1")
    put(ssm, "two", "2")
    found = ssm.get_parameters(Names=["/a/one", "two:1", "two:9", "/nowhere", "/a/one:label"])
    assert {each["Name"]: each["Value"] for each in found["Parameters"]} == {"/a/one": "1", "two": "2"}
    assert found["InvalidParameters"] == ["two:9", "/nowhere", "/a/one:label"]


REFUSALS = {
    "a name that is taken": ("ParameterAlreadyExists", "set the overwrite option", {"Name": "/there"}),
    "an empty value": ("ValidationException", "greater than or equal to 1", {"Value": ""}),
    "no type": ("ValidationException", "type is required", {"Type": None}),
    "another type": ("HierarchyTypeMismatchException", "", {"Name": "/there", "Overwrite": True, "Type": "StringList"}),
    "tags and overwrite": ("ValidationException", "tags and overwrite", {"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}),
    "the prefix aws of a path": ("AccessDeniedException", "No access to reserved parameter name: awssec/lab", {"Name": "/awssec/lab"}),
    "the prefix aws": ("ValidationException", 'prefixed with "aws" or "ssm"', {"Name": "AWSthing"}),
    "the prefix ssm of a path": ("ValidationException", 'prefixed with "ssm"', {"Name": "/ssm/thing"}),
    "a sign that is none": ("ValidationException", "letters, numbers", {"Name": "/a/b c"}),
    "a path without its slash": ("ValidationException", "fully qualified", {"Name": "a/b"}),
    "sixteen levels": ("HierarchyLevelLimitExceededException", "15 levels", {"Name": "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"}),
    "a name that is too long": ("ValidationException", "1011", {"Name": "n" * 1012}),
    "a value that does not match": ("ParameterPatternMismatchException", r"allowedPattern: \d+", {"AllowedPattern": r"\d+"}),
    "a pattern that is none": ("InvalidAllowedPatternException", "", {"AllowedPattern": "("}),
    "a pattern without end": ("ParameterPatternMismatchException", "", {"AllowedPattern": "(a|aa)+", "Value": "a" * 60 + "b"}),
    "a data type that is none": ("ValidationException", "data type is not supported: Text", {"DataType": "Text"}),
    "an image": ("NotImplemented", "images", {"DataType": "aws:ec2:image"}),
    "much for the standard tier": ("ValidationException", "maximum parameter value of 4096", {"Value": "a" * 4097}),
    "much for the advanced tier": ("ValidationException", "maximum parameter value of 8192", {"Value": "a" * 8193, "Tier": "Advanced"}),
    "a way down": ("ValidationException", "can't downgrade", {"Name": "/advanced", "Tier": "Standard", "Overwrite": True}),
    "a key for what is not secret": ("ValidationException", "KeyId is not valid", {"KeyId": "alias/aws/ssm"}),
    "a key that is not there": ("InvalidKeyId", "", {"KeyId": "alias/nobodys", "Type": "SecureString"}),
    "policies in the standard tier": ("ValidationException", "advanced parameters only", {"Policies": '[{"Type":"NoChangeNotification",'
        '"Version":"1.0","Attributes":{"After":"1","Unit":"Days"}}]'}),
}  # fmt: skip


@pytest.mark.parametrize(("code", "words", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_put_parameter_refuses(ssm: Any, refused: Any, code: str, words: str, request_: dict[str, Any]) -> None:
    put(ssm, "/there")
    put(ssm, "/advanced", Tier="Advanced")
    request = {"Name": "/new", "Value": "v", "Type": "String"} | request_
    with refused(code, words):
        ssm.put_parameter(**{name: value for name, value in request.items() if value is not None})


def test_fifteen_levels_are_allowed_and_spaces_around_a_name_are_not_its(ssm: Any) -> None:
    put(ssm, " /1/2/3/4/5/6/7/8/9/10/11/12/13/14/name ")
    assert names(ssm.describe_parameters()["Parameters"]) == ["/1/2/3/4/5/6/7/8/9/10/11/12/13/14/name"]


MISSING = {
    "a name": ("ParameterNotFound", {"Name": "/nowhere"}),
    "an ARN": ("ParameterNotFound", {"Name": "arn:aws:ssm:us-east-1:{account}:parameter/nowhere"}),
    "another account's": ("ParameterNotFound", {"Name": "arn:aws:ssm:us-east-1:111111111111:parameter/there"}),
    "what is no parameter's ARN": ("ValidationException", {"Name": "arn:aws:s3:::bucket"}),
    "a version": ("ParameterVersionNotFound", {"Name": "/there:7"}),
    "a label": ("ParameterVersionNotFound", {"Name": "/there:prod"}),
    "two selectors": ("ValidationException", {"Name": "/there:1:2"}),
    "a public one": ("NotImplemented", {"Name": "/aws/service/ami-amazon-linux-latest/al2023"}),
    "a secret without decryption": ("ValidationException", {"Name": "/aws/reference/secretsmanager/db"}),
}


@pytest.mark.parametrize(("code", "request_"), MISSING.values(), ids=MISSING)
def test_get_parameter_refuses(ssm: Any, aws: Any, refused: Any, code: str, request_: dict[str, str]) -> None:
    put(ssm, "/there")
    with refused(code):
        ssm.get_parameter(Name=request_["Name"].replace("{account}", aws.account))


def test_what_an_overwrite_does_not_say_stays_but_for_the_pattern(ssm: Any) -> None:
    put(ssm, "/kept", "12", Description="a number", AllowedPattern=r"\d+", Tier="Advanced", DataType="aws:ssm:integration")
    ssm.put_parameter(Name="/kept", Value="twelve", Overwrite=True)
    first, second = ssm.get_parameter_history(Name="/kept")["Parameters"]
    assert (first["AllowedPattern"], first["Value"], first["Version"]) == (r"\d+", "12", 1)
    assert "AllowedPattern" not in second
    for member in ("Description", "Tier", "DataType", "Type"):
        assert first[member] == second[member], member
    assert second["LastModifiedUser"].endswith(":root")


def test_a_path_is_read_one_level_or_whole_page_by_page(ssm: Any) -> None:
    for name in ("/app/a", "/app/b", "/app/deep/c", "/app/deep/er/d", "/apple", "/app", "top"):
        put(ssm, name, name)
    assert names(ssm.get_parameters_by_path(Path="/app")["Parameters"]) == ["/app/a", "/app/b"]
    whole = ["/app/a", "/app/b", "/app/deep/c", "/app/deep/er/d"]
    assert names(ssm.get_parameters_by_path(Path="/app/", Recursive=True)["Parameters"]) == whole
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/app", Recursive=True, PaginationConfig={"PageSize": 3})
    assert [names(page["Parameters"]) for page in pages] == [whole[:3], whole[3:]]
    assert names(ssm.get_parameters_by_path(Path="/")["Parameters"]) == ["/app", "/apple", "top"]
    ssm.label_parameter_version(Name="/app/deep/c", Labels=["blue"])
    put(ssm, "/app/deep/c", "newer", Overwrite=True)
    labelled = ssm.get_parameters_by_path(Path="/app", Recursive=True, ParameterFilters=[{"Key": "Label", "Values": ["blue"]}])[
        "Parameters"
    ]
    assert [(each["Name"], each["Value"], each["Selector"]) for each in labelled] == [("/app/deep/c", "/app/deep/c", ":blue")]
    assert ssm.get_parameters_by_path(Path="/app", ParameterFilters=[{"Key": "Type", "Values": ["SecureString"]}])["Parameters"] == []


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("ValidationException", {"Path": "app"}),
        ("ValidationException", {"Path": "/ssm/x"}),
        ("InvalidFilterKey", {"Path": "/app", "ParameterFilters": [{"Key": "Name", "Values": ["x"]}]}),
        ("InvalidNextToken", {"Path": "/app", "NextToken": "?"}),
        ("NotImplemented", {"Path": "/aws/service/eks"}),
    ],
)
def test_get_parameters_by_path_refuses(ssm: Any, refused: Any, code: str, request_: dict[str, Any]) -> None:
    with refused(code):
        ssm.get_parameters_by_path(**request_)


def test_parameters_are_described_and_narrowed(ssm: Any) -> None:
    put(ssm, "/app/host", Tags=[{"Key": "team", "Value": "blue"}], Description="d")
    put(ssm, "/app/hosts", "a,b", Type="StringList")
    put(ssm, "/app/deep/password", "s", Type="SecureString")
    put(ssm, "host", Tier="Advanced")

    def found(*filters: dict[str, Any], **more: Any) -> list[str]:
        return names(ssm.describe_parameters(ParameterFilters=list(filters), **more)["Parameters"])

    assert found() == ["/app/deep/password", "/app/host", "/app/hosts", "host"]
    assert found({"Key": "Name", "Values": ["/app/host"]}) == ["/app/host"]
    assert found({"Key": "Name", "Option": "BeginsWith", "Values": ["/app/h"]}) == ["/app/host", "/app/hosts"]
    assert found({"Key": "Name", "Option": "Contains", "Values": ["ost"]}) == ["/app/host", "/app/hosts", "host"]
    assert found({"Key": "Path", "Values": ["/app"]}) == ["/app/host", "/app/hosts"]
    assert found({"Key": "Path", "Option": "Recursive", "Values": ["/app"]}) == ["/app/deep/password", "/app/host", "/app/hosts"]
    assert found({"Key": "Type", "Values": ["StringList", "SecureString"]}) == ["/app/deep/password", "/app/hosts"]
    assert found({"Key": "KeyId", "Values": ["alias/aws/ssm"]}) == ["/app/deep/password"]
    assert found({"Key": "Tier", "Values": ["Advanced"]}) == ["host"]
    assert found({"Key": "tag:team", "Values": ["blue"]}) == found({"Key": "tag:team"}) == ["/app/host"]
    assert found({"Key": "tag:team", "Option": "BeginsWith", "Values": ["gr"]}) == []
    older = ssm.describe_parameters(Filters=[{"Key": "Name", "Values": ["/app/h"]}, {"Key": "Type", "Values": ["String"]}])["Parameters"]
    assert names(older) == ["/app/host"]
    assert older[0]["Description"] == "d"
    assert "Value" not in older[0]
    pages = ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["Parameters"]) for page in pages] == [3, 1]
    assert ssm.describe_parameters(Shared=True)["Parameters"] == []


@pytest.mark.parametrize(
    ("code", "words", "filters"),
    [
        ("InvalidFilterOption", "[BeginsWith, Equals]", [{"Key": "Type", "Option": "Contains", "Values": ["String"]}]),
        ("InvalidFilterOption", "[Recursive, OneLevel]", [{"Key": "Path", "Option": "Equals", "Values": ["/a"]}]),
        ("InvalidFilterValue", "[String, StringList, SecureString]", [{"Key": "Type", "Values": ["Text"]}]),
        ("InvalidFilterValue", "missing : null for filter key Name", [{"Key": "Name"}]),
        ("InvalidFilterKey", "duplicated", [{"Key": "Name", "Values": ["a"]}, {"Key": "Name", "Values": ["b"]}]),
        ("InvalidFilterKey", "not valid: Label", [{"Key": "Label", "Values": ["a"]}]),
        ("ValidationException", "must begin with a forward slash", [{"Key": "Path", "Values": ["a"]}]),
    ],
)
def test_describe_parameters_refuses(ssm: Any, refused: Any, code: str, words: str, filters: list[dict[str, Any]]) -> None:
    with refused(code, words):
        ssm.describe_parameters(ParameterFilters=filters)


def test_two_kinds_of_filters_do_not_go_together(ssm: Any, refused: Any) -> None:
    one = {"Key": "Name", "Values": ["a"]}
    with refused("ValidationException", "either Filters or ParameterFilters"):
        ssm.describe_parameters(Filters=[one], ParameterFilters=[one])


def test_labels_move_between_versions_and_the_unfit_are_named(ssm: Any, refused: Any) -> None:
    put(ssm, "/l", "1")
    put(ssm, "/l", "2", Overwrite=True)
    answer = ssm.label_parameter_version(Name="/l", ParameterVersion=1, Labels=["prod", "1st", "aws-x", "SSMx", "a b", "v1.0_-"])
    assert (answer["InvalidLabels"], answer["ParameterVersion"]) == (["1st", "aws-x", "SSMx", "a b"], 1)
    assert ssm.label_parameter_version(Name="/l", Labels=["prod"])["ParameterVersion"] == 2
    assert [each["Labels"] for each in ssm.get_parameter_history(Name="/l")["Parameters"]] == [["v1.0_-"], ["prod"]]
    gone = ssm.unlabel_parameter_version(Name="/l", ParameterVersion=1, Labels=["v1.0_-", "prod"])
    assert (gone["RemovedLabels"], gone["InvalidLabels"]) == (["v1.0_-"], ["prod"])
    with refused("ParameterVersionNotFound"):
        ssm.label_parameter_version(Name="/l", ParameterVersion=3, Labels=["x"])
    with refused("ParameterVersionNotFound"):
        ssm.unlabel_parameter_version(Name="/l", ParameterVersion=3, Labels=["x"])
    with refused("ParameterNotFound"):
        ssm.label_parameter_version(Name="/nowhere", Labels=["x"])
    ssm.label_parameter_version(Name="/l", ParameterVersion=1, Labels=[f"n{number}" for number in range(10)])
    with refused("ParameterVersionLabelLimitExceeded", "maximum 10 labels"):
        ssm.label_parameter_version(Name="/l", ParameterVersion=1, Labels=["one-more"])


def test_a_hundred_versions_are_kept_unless_the_oldest_has_a_label(ssm: Any, refused: Any) -> None:
    for number in range(101):
        put(ssm, "/many", str(number + 1), Overwrite=True)
    pages = ssm.get_paginator("get_parameter_history").paginate(Name="/many", PaginationConfig={"PageSize": 50})
    versions = [each["Version"] for page in pages for each in page["Parameters"]]
    assert versions == list(range(2, 102))
    with refused("ParameterVersionNotFound"):
        ssm.get_parameter(Name="/many:1")
    ssm.label_parameter_version(Name="/many", ParameterVersion=2, Labels=["keep"])
    with refused("ParameterMaxVersionLimitExceeded", "Version 2, the oldest version, can't be deleted because it has a label"):
        put(ssm, "/many", "x", Overwrite=True)
    ssm.label_parameter_version(Name="/many", ParameterVersion=3, Labels=["keep"])
    assert put(ssm, "/many", "x", Overwrite=True)["Version"] == 102
    ssm.delete_parameter(Name="/many")
    assert put(ssm, "/many")["Version"] == 1
    assert names(ssm.get_parameter_history(Name="/many")["Parameters"]) == ["/many"]


def test_parameters_are_deleted(ssm: Any, refused: Any) -> None:
    for name in ("/a", "/b", "/c"):
        put(ssm, name)
    ssm.delete_parameter(Name="/a")
    with refused("ParameterNotFound"):
        ssm.delete_parameter(Name="/a")
    answer = ssm.delete_parameters(Names=["/a", "/b", "/c"])
    assert (answer["DeletedParameters"], answer["InvalidParameters"]) == (["/b", "/c"], ["/a"])
    assert ssm.describe_parameters()["Parameters"] == []
    with refused("ParameterNotFound"):
        ssm.get_parameter_history(Name="/b")


def test_tags_come_and_go(ssm: Any, refused: Any) -> None:
    put(ssm, "/tagged", Tags=[{"Key": "a", "Value": "1"}])
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/tagged", Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId="/tagged", TagKeys=["a", "nothing"])
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/tagged")["TagList"] == [{"Key": "b", "Value": "2"}]
    with refused("InvalidResourceId"):
        ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/nowhere")
    with refused("NotImplemented"):
        ssm.list_tags_for_resource(ResourceType="Document", ResourceId="doc")
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    with refused("TooManyTagsError"):
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/tagged", Tags=many)
    for bad in ([{"Key": "x", "Value": "1"}] * 2, [{"Key": "aws:x", "Value": "1"}]):
        with refused("ValidationException"):
            ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/tagged", Tags=bad)


def test_the_list_of_regions_is_public(ssm: Any, refused: Any) -> None:
    path = "/aws/service/global-infrastructure/regions"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    regions = [each["Value"] for page in pages for each in page["Parameters"]]
    assert {"us-east-1", "eu-central-1", "ap-southeast-2"} <= set(regions)
    name = ssm.get_parameter(Name=f"{path}/eu-central-1/longName")["Parameter"]
    assert (name["Value"], name["ARN"]) == ("Europe (Frankfurt)", f"arn:aws:ssm:us-east-1::parameter{path}/eu-central-1/longName")
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name=f"{path}/mars-1")


def test_tiers_follow_the_setting_the_size_and_the_policies(ssm: Any, refused: Any, aws: Any) -> None:
    setting = "/ssm/parameter-store/default-parameter-tier"
    assert ssm.get_service_setting(SettingId=setting)["ServiceSetting"]["SettingValue"] == "Standard"
    assert put(ssm, "/s")["Tier"] == "Standard"
    arn = f"arn:aws:ssm:us-east-1:{aws.account}:servicesetting{setting}"
    ssm.update_service_setting(SettingId=arn, SettingValue="Intelligent-Tiering")
    assert ssm.get_service_setting(SettingId=setting)["ServiceSetting"]["Status"] == "Customized"
    assert put(ssm, "/i")["Tier"] == "Standard"
    assert put(ssm, "/i", "a" * 5000, Overwrite=True, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    assert put(ssm, "/i", "a", Overwrite=True, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    assert ssm.reset_service_setting(SettingId=setting)["ServiceSetting"]["SettingValue"] == "Standard"
    with refused("ValidationException"):
        ssm.update_service_setting(SettingId=setting, SettingValue="Best")
    with refused("ServiceSettingNotFound"):
        ssm.get_service_setting(SettingId="/nowhere")
    with refused("NotImplemented"):
        ssm.get_service_setting(SettingId="/ssm/opsinsights/opscenter")


@pytest.mark.skipif("secretsmanager" not in room_names(), reason="Secrets Manager has no room yet")
def test_a_secret_is_read_as_a_parameter(ssm: Any, aws: Any, refused: Any) -> None:
    created = aws.client("secretsmanager").create_secret(Name="app/db", SecretString="s3cret")
    found = ssm.get_parameter(Name="/aws/reference/secretsmanager/app/db", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"], found["Version"], found["ARN"]) == ("s3cret", "SecureString", 0, created["ARN"])
    assert json.loads(found["SourceResult"])["VersionStages"] == ["AWSCURRENT"]
    for selector in ("AWSCURRENT", created["VersionId"]):
        named = f"/aws/reference/secretsmanager/app/db:{selector}"
        several = ssm.get_parameters(Names=[named, "/aws/reference/secretsmanager/nowhere"], WithDecryption=True)
        assert (several["Parameters"][0]["Value"], several["Parameters"][0]["Selector"]) == ("s3cret", f":{selector}")
        assert several["InvalidParameters"] == ["/aws/reference/secretsmanager/nowhere"]
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name="/aws/reference/secretsmanager/nowhere", WithDecryption=True)
