"""Parameter Store against what AWS answered: recordings/ssm.json."""

from typing import Any


def test_a_parameter_is_found_by_its_arn(aws: Any, recorded: Any) -> None:
    case = recorded("ssm", "TestSSM::test_get_parameter_by_arn")
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="param-1", Value="test", Type="String")
    by_name = ssm.get_parameter(Name="param-1")["Parameter"]
    answer = ssm.get_parameter(Name=by_name["ARN"])
    case.says("Parameter", answer["Parameter"])
