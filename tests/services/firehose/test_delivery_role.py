"""Firehose acts under the stream's role: what happens when the role may not, and where it is said.

Truth: "Controlling access with Amazon Data Firehose" and "Monitor Amazon Data Firehose using CloudWatch Logs" of the developer guide.
"""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.http

AT_ONCE = {"SizeInMBs": 1, "IntervalInSeconds": 0}
LOGGED = {"Enabled": True, "LogGroupName": "/firehose", "LogStreamName": "S3Delivery"}
LOGS = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}


def trusting(**statement: Any) -> str:
    whole = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"} | statement
    return json.dumps({"Version": "2012-10-17", "Statement": [whole]})


def role_of(lake: Any, name: str, *statements: dict[str, Any], trust: str = "") -> str:
    iam = lake.aws.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust or trusting())["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def said(lake: Any) -> dict[str, str]:
    """The first line of the stream's error log, once there is one."""
    logs = lake.aws.client("logs")
    end = time.monotonic() + 10
    while not (events := logs.get_log_events(logGroupName="/firehose", logStreamName="S3Delivery")["events"]):
        assert time.monotonic() < end, "nothing was logged"
        time.sleep(0.05)
    line: dict[str, str] = json.loads(events[0]["message"])
    return line


@pytest.fixture
def error_log(lake: Any) -> None:
    logs = lake.aws.client("logs")
    logs.create_log_group(logGroupName="/firehose")
    logs.create_log_stream(logGroupName="/firehose", logStreamName="S3Delivery")


@pytest.mark.usefixtures("error_log")
def test_what_s3_refuses_is_said_in_the_streams_log_and_tried_again(lake: Any, clock: Any) -> None:
    role = role_of(lake, "poor", LOGS)
    lake.stream(RoleARN=role, BufferingHints=AT_ONCE, CloudWatchLoggingOptions=LOGGED)
    lake.put(b"late\n")
    line = said(lake)
    assert line["errorCode"] == "S3.AccessDenied"
    assert line["message"] == (
        "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the role, and the access"
        " policy allows access to the S3 bucket."
    )
    assert lake.objects() == {}
    put = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{lake.bucket}/*"}
    lake.aws.client("iam").put_role_policy(
        RoleName="poor", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [LOGS, put]})
    )
    clock.advance(timedelta(minutes=2))
    assert list(lake.arrived().values()) == [b"late\n"]


@pytest.mark.usefixtures("error_log")
def test_a_trust_taken_away_stops_deliveries(lake: Any, clock: Any) -> None:
    """Its log stays empty too: it would be written under the same role."""
    lake.stream(BufferingHints=AT_ONCE, CloudWatchLoggingOptions=LOGGED)
    lake.put(b"before\n")
    lake.arrived()
    iam = lake.aws.client("iam")
    iam.update_assume_role_policy(RoleName="delivery", PolicyDocument=trusting(Principal={"Service": "ec2.amazonaws.com"}))
    lake.put(b"after\n")
    time.sleep(0.3)
    assert list(lake.objects().values()) == [b"before\n"]
    iam.update_assume_role_policy(RoleName="delivery", PolicyDocument=trusting())
    clock.advance(timedelta(minutes=2))
    lake.arrived(until=lambda found: b"after\n" in found.values())


def test_a_function_that_may_not_be_called_is_a_failed_transformation(lake: Any) -> None:
    """The records go where failed ones go; the guide's own sentence is with them."""
    arn = f"arn:aws:lambda:us-east-1:{lake.aws.account}:function:upper"
    writes = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": arn}, {"ParameterName": "NumberOfRetries", "ParameterValue": "0"}]
    lake.stream(
        RoleARN=role_of(lake, "writer", writes),
        Prefix="good/",
        ErrorOutputPrefix="bad/",
        BufferingHints=AT_ONCE,
        ProcessingConfiguration={"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]},
    )
    lake.put(b"x\n")
    [content] = lake.arrived("bad/processing-failed/").values()
    line = json.loads(content)
    assert (line["errorCode"], line["errorMessage"]) == (
        "Lambda.InvokeAccessDenied",
        "Access was denied. Ensure that the access policy allows access to the Lambda function.",
    )


def test_a_role_must_be_there_and_trust_firehose(lake: Any, refused: Any) -> None:
    nowhere = f"arn:aws:iam::{lake.aws.account}:role/nowhere"
    machine = role_of(lake, "machine", trust=trusting(Principal={"Service": "ec2.amazonaws.com"}))
    with refused("AccessDeniedException", "Cross-account pass role is not allowed."):
        lake.stream(RoleARN="arn:aws:iam::999999999999:role/delivery")
    for role in (nowhere, machine):
        with refused("InvalidArgumentException", f"Firehose is unable to assume role {role}. Please check the role provided."):
            lake.stream(RoleARN=role)


def test_a_trust_may_name_the_account_and_the_stream(lake: Any) -> None:
    """As the guide's trust policies do, the older by an external id, the newer by the source."""
    account = lake.aws.account
    stream = f"arn:aws:firehose:us-east-1:{account}:deliverystream/changes"
    exact = {
        "StringEquals": {"sts:ExternalId": account, "aws:SourceAccount": account},
        "ArnEquals": {"aws:SourceArn": stream},
    }
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    lake.stream(RoleARN=role_of(lake, "exact", allowed, trust=trusting(Condition=exact)), BufferingHints=AT_ONCE)
    lake.put(b"x\n")
    assert list(lake.arrived().values()) == [b"x\n"]


def test_the_one_who_makes_a_stream_passes_its_roles(lake: Any, refused: Any) -> None:
    iam = lake.aws.client("iam")
    iam.create_user(UserName="dev")
    own = f"arn:aws:iam::{lake.aws.account}:role/delivery"
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": own}
    making = {"Effect": "Allow", "Action": "firehose:CreateDeliveryStream", "Resource": "*"}
    iam.put_user_policy(
        UserName="dev", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [passing, making]})
    )
    key = iam.create_access_key(UserName="dev")["AccessKey"]
    dev = lake.aws.client("firehose", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    other = role_of(lake, "other")
    backup = {"S3BackupMode": "Enabled", "S3BackupConfiguration": lake.target(RoleARN=other)}
    with refused("AccessDeniedException", "iam:PassRole", other):
        dev.create_delivery_stream(DeliveryStreamName="a", ExtendedS3DestinationConfiguration=lake.target(**backup))
    dev.create_delivery_stream(DeliveryStreamName="a", ExtendedS3DestinationConfiguration=lake.target())


def test_records_are_put_with_leave_for_the_stream_and_by_its_tags(lake: Any, refused: Any) -> None:
    lake.stream("mine", BufferingHints=AT_ONCE)
    lake.stream("theirs")
    lake.firehose.tag_delivery_stream(DeliveryStreamName="theirs", Tags=[{"Key": "open", "Value": "yes"}])
    iam = lake.aws.client("iam")
    iam.create_user(UserName="dev")
    mine = {
        "Effect": "Allow",
        "Action": "firehose:PutRecord*",
        "Resource": f"arn:aws:firehose:us-east-1:{lake.aws.account}:deliverystream/mine",
    }
    tagged = {
        "Effect": "Allow",
        "Action": "firehose:DescribeDeliveryStream",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/open": "yes"}},
    }
    iam.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [mine, tagged]}))
    key = iam.create_access_key(UserName="dev")["AccessKey"]
    dev = lake.aws.client("firehose", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    dev.put_record(DeliveryStreamName="mine", Record={"Data": b"x"})
    dev.describe_delivery_stream(DeliveryStreamName="theirs")
    with refused("AccessDeniedException", "firehose:PutRecord", "deliverystream/theirs"):
        dev.put_record(DeliveryStreamName="theirs", Record={"Data": b"x"})
    with refused("AccessDeniedException"):
        dev.describe_delivery_stream(DeliveryStreamName="mine")
