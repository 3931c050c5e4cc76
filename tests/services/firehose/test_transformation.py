"""A transforming function between the buffer and S3, over the wire and really run.

Truth: "Transform source data in Amazon Data Firehose" and "Handle failure in data transformation" of the developer guide; the members and
sentences of error lines are those that users' error objects show.
"""

import base64
import io
import json
import zipfile
from typing import Any

import pytest

CODE = """
import base64

def handler(event, context):
    records = []
    for record in event["records"]:
        data = base64.b64decode(record["data"]).decode()
        if data.startswith("boom"):
            raise RuntimeError("boom")
        if data.startswith("drop"):
            records.append({"recordId": record["recordId"], "result": "Dropped"})
        elif data.startswith("fail"):
            records.append({"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]})
        elif not data.startswith("lose"):
            records.append({"recordId": record["recordId"], "result": "Ok", "data": base64.b64encode(data.upper().encode()).decode()})
    return {"records": records}
"""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
AT_ONCE = {"SizeInMBs": 1, "IntervalInSeconds": 1}


@pytest.fixture
def function_arn(lake: Any) -> str:
    role = lake.aws.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", CODE)
    client = lake.aws.client("lambda")
    made = client.create_function(
        FunctionName="upper", Runtime="python3.12", Handler="app.handler", Role=role, Code={"ZipFile": archive.getvalue()}
    )
    arn: str = made["FunctionArn"]
    return arn


def through(function_arn: str, **parameters: str) -> dict[str, Any]:
    named = {"LambdaArn": function_arn} | parameters
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in named.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}]}


def test_records_are_transformed_dropped_and_failed_one_by_one(lake: Any, function_arn: str) -> None:
    lake.stream(
        Prefix="good/",
        ErrorOutputPrefix="bad/",
        BufferingHints=AT_ONCE,
        ProcessingConfiguration=through(function_arn),
    )
    lake.firehose.put_record_batch(
        DeliveryStreamName="changes",
        Records=[{"Data": text} for text in (b"one\n", b"drop\n", b"fail\n", b"lose\n", b"two\n")],
    )
    assert list(lake.arrived("good/").values()) == [b"ONE\nTWO\n"]
    [(key, content)] = lake.arrived("bad/processing-failed/").items()
    assert key.rpartition("/")[2].startswith("changes-1-")
    lines = [json.loads(line) for line in content.splitlines()]
    assert [(line["errorCode"], base64.b64decode(line["rawData"]), line["attemptsMade"]) for line in lines] == [
        ("Lambda.ProcessingFailedStatus", b"fail\n", 1),
        ("Lambda.MissingRecordId", b"lose\n", 1),
    ]
    assert all(line["lambdaArn"] == function_arn for line in lines)
    assert all(line["attemptEndingTimestamp"] >= line["arrivalTimestamp"] > 10**12 for line in lines)


def test_a_function_that_raises_is_tried_again_and_its_records_fail(lake: Any, function_arn: str) -> None:
    lake.stream(Prefix="good/", BufferingHints=AT_ONCE, ProcessingConfiguration=through(function_arn, NumberOfRetries="1"))
    lake.put(b"boom\n")
    [content] = lake.arrived("good/processing-failed/").values()
    line = json.loads(content)
    assert (line["errorCode"], line["attemptsMade"]) == ("Lambda.FunctionError", 2)
    assert line["errorMessage"] == "The Lambda function was successfully invoked but it returned an error result."


def test_a_missing_function_fails_its_records(lake: Any, function_arn: str) -> None:
    lake.stream(Prefix="good/", BufferingHints=AT_ONCE, ProcessingConfiguration=through(f"{function_arn}x", NumberOfRetries="0"))
    lake.put(b"one\n")
    [content] = lake.arrived("good/processing-failed/").values()
    assert json.loads(content)["errorCode"] == "Lambda.ResourceNotFoundException"


def test_source_records_are_backed_up_as_they_came(lake: Any, function_arn: str) -> None:
    lake.stream(
        Prefix="good/",
        BufferingHints=AT_ONCE,
        ProcessingConfiguration=through(function_arn),
        S3BackupMode="Enabled",
        S3BackupConfiguration=lake.target(Prefix="source/", CompressionFormat="GZIP"),
    )
    lake.put(b"one\n")
    assert list(lake.arrived("good/").values()) == [b"ONE\n"]
    [(key, content)] = lake.arrived("source/").items()
    assert (key.endswith(".gz"), content) == (True, b"one\n")
