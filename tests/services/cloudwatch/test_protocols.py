"""Every protocol that CloudWatch's clients ever spoke: botocore's of today, JSON, CBOR and the query form of ten years of SDKs.

Truth: the model's list of protocols, and botocore's own serialisers, parsers and signatures, one of each for a protocol.
"""

import gzip
import http.client
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.parsers
import botocore.serialize
import pytest

pytestmark = pytest.mark.http
PROTOCOLS = ("query", "json", "smithy-rpc-v2-cbor")


class Speaker:
    """Calls in one protocol."""

    def __init__(self, aws: Any, protocol: str) -> None:
        self._aws = aws
        self._model = aws.client("cloudwatch").meta.service_model
        self._serializer = botocore.serialize.create_serializer(protocol)
        self._parser = botocore.parsers.create_parser(protocol)

    def call(self, name: str, request: dict[str, Any], *, gzipped: bool = False) -> tuple[int, Any]:
        operation = self._model.operation_model(name)
        made = self._serializer.serialize_to_request(request, operation)
        body = made["body"]
        raw = urlencode(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        headers = dict(made["headers"])
        if gzipped:
            raw = gzip.compress(raw)
            headers["Content-Encoding"] = "gzip"
        url = self._aws.endpoint_url + made["url_path"]
        signed = botocore.awsrequest.AWSRequest("POST", url, headers=headers, data=raw)
        keys = botocore.credentials.Credentials(self._aws.account, "test")
        botocore.auth.SigV4Auth(keys, "monitoring", "us-east-1").add_auth(signed)
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        connection.request("POST", made["url_path"], body=raw, headers=dict(signed.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        got = {"status_code": response.status, "headers": {k.lower(): v for k, v in response.getheaders()}, "body": content}
        return response.status, self._parser.parse(got, operation.output_shape)


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_data_go_in_and_out(aws: Any, now: Any, protocol: str, gzipped: bool) -> None:
    speaker = Speaker(aws, protocol)
    at = now() - timedelta(minutes=2)
    data = [{"MetricName": "m", "Timestamp": at, "Value": 20.5, "Unit": "Count"}, {"MetricName": "m", "Timestamp": at, "Value": 1.0}]
    status, _ = speaker.call("PutMetricData", {"Namespace": "app", "MetricData": data}, gzipped=gzipped)
    assert status == 200
    metric = {"Metric": {"Namespace": "app", "MetricName": "m"}, "Period": 60, "Stat": "Sum", "Unit": "Count"}
    request = {
        "MetricDataQueries": [{"Id": "some", "MetricStat": metric}, {"Id": "twice", "Expression": "some * 2"}],
        "StartTime": at,
        "EndTime": at + timedelta(minutes=2),
    }
    status, answer = speaker.call("GetMetricData", request, gzipped=gzipped)
    assert status == 200
    told = [(one["Id"], one["Values"], one["Timestamps"]) for one in answer["MetricDataResults"]]
    assert told == [("some", [20.5], [at]), ("twice", [41.0], [at])]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_refusals_have_the_codes_of_the_query_protocol(aws: Any, protocol: str) -> None:
    speaker = Speaker(aws, protocol)
    status, answer = speaker.call("SetAlarmState", {"AlarmName": "absent", "StateValue": "OK", "StateReason": "r"})
    code = answer["Error"].get("QueryErrorCode") or answer["Error"]["Code"]
    assert (status, code) == (404, "ResourceNotFound")
    datum = {"MetricName": "m", "Value": 1.0, "Values": [1.0]}
    status, answer = speaker.call("PutMetricData", {"Namespace": "app", "MetricData": [datum]})
    assert (status, answer["Error"]["Code"]) == (400, "InvalidParameterCombination")
    assert "MetricData.member.1.Value and MetricData.member.1.Values" in answer["Error"]["Message"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_alarms_are_described(aws: Any, protocol: str) -> None:
    speaker = Speaker(aws, protocol)
    alarm = {
        "AlarmName": "loud",
        "AlarmDescription": "<&>",
        "MetricName": "m",
        "Namespace": "app",
        "Period": 60,
        "Statistic": "Sum",
        "EvaluationPeriods": 1,
        "Threshold": 1.5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    assert speaker.call("PutMetricAlarm", alarm)[0] == 200
    status, answer = speaker.call("DescribeAlarms", {"AlarmNames": ["loud"]})
    (found,) = answer["MetricAlarms"]
    assert (status, {name: found[name] for name in alarm}) == (200, alarm)
    assert abs((found["StateUpdatedTimestamp"] - datetime.now(UTC)).days) < 10_000
