"""Which resources an event is about: types and names for the event history, ARNs for data events and the event's own list.

A member of the request (or of the answer) names a resource; a table says of which type. Source: "Supported resource types" of the
CloudTrail and AWS Config guides; for members of that name in every operation of the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .model import Entry

TYPES: Final[dict[str, dict[str, str]]] = {
    "cloudtrail": {"Name": "AWS::CloudTrail::Trail", "TrailName": "AWS::CloudTrail::Trail"},
    "dynamodb": {"TableName": "AWS::DynamoDB::Table"},
    "events": {"Rule": "AWS::Events::Rule", "EventBusName": "AWS::Events::EventBus"},
    "firehose": {"DeliveryStreamName": "AWS::KinesisFirehose::DeliveryStream"},
    "glue": {
        "CrawlerName": "AWS::Glue::Crawler",
        "DatabaseName": "AWS::Glue::Database",
        "JobName": "AWS::Glue::Job",
        "TableName": "AWS::Glue::Table",
    },
    "iam": {
        "AccessKeyId": "AWS::IAM::AccessKey",
        "GroupName": "AWS::IAM::Group",
        "InstanceProfileName": "AWS::IAM::InstanceProfile",
        "PolicyArn": "AWS::IAM::Policy",
        "PolicyName": "AWS::IAM::Policy",
        "RoleName": "AWS::IAM::Role",
        "SerialNumber": "AWS::IAM::MFADevice",
        "UserName": "AWS::IAM::User",
    },
    "kinesis": {"StreamName": "AWS::Kinesis::Stream", "StreamARN": "AWS::Kinesis::Stream"},
    "kms": {"KeyId": "AWS::KMS::Key", "AliasName": "AWS::KMS::Alias"},
    "lambda": {"FunctionName": "AWS::Lambda::Function", "LayerName": "AWS::Lambda::LayerVersion"},
    "logs": {"logGroupName": "AWS::Logs::LogGroup", "logStreamName": "AWS::Logs::LogStream"},
    "organizations": {"AccountId": "AWS::Organizations::Account", "PolicyId": "AWS::Organizations::Policy"},
    "rds": {
        "DBClusterIdentifier": "AWS::RDS::DBCluster",
        "DBInstanceIdentifier": "AWS::RDS::DBInstance",
        "DBParameterGroupName": "AWS::RDS::DBParameterGroup",
        "DBSnapshotIdentifier": "AWS::RDS::DBSnapshot",
        "DBSubnetGroupName": "AWS::RDS::DBSubnetGroup",
    },
    "redshift": {
        "ClusterIdentifier": "AWS::Redshift::Cluster",
        "ClusterSubnetGroupName": "AWS::Redshift::ClusterSubnetGroup",
        "ParameterGroupName": "AWS::Redshift::ClusterParameterGroup",
        "SnapshotIdentifier": "AWS::Redshift::ClusterSnapshot",
    },
    "redshift-data": {"ClusterIdentifier": "AWS::Redshift::Cluster"},
    "s3": {"Bucket": "AWS::S3::Bucket"},
    "secretsmanager": {"SecretId": "AWS::SecretsManager::Secret", "Name": "AWS::SecretsManager::Secret"},
    "sns": {"TopicArn": "AWS::SNS::Topic", "Name": "AWS::SNS::Topic"},
    "sqs": {"QueueName": "AWS::SQS::Queue", "QueueUrl": "AWS::SQS::Queue"},
    "stepfunctions": {"stateMachineArn": "AWS::StepFunctions::StateMachine"},
    "sts": {"RoleArn": "AWS::IAM::Role", "RoleSessionName": "AWS::STS::AssumedRole"},
}
NAMED: Final = {
    ("iam", "Policy"): "AWS::IAM::Policy",
    ("firehose", "DeliveryStream"): "AWS::KinesisFirehose::DeliveryStream",
}
DATA_TYPES: Final = {"s3": "AWS::S3::Object", "lambda": "AWS::Lambda::Function"}


def data_type(service: str) -> str:
    return DATA_TYPES.get(service, "")


def looked_up(entry: Entry, request: dict[str, Any], result: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """(type, name) of each resource, as LookupEvents shows and filters them."""
    types = TYPES.get(entry.service, {})
    for member, kind in types.items():
        value = request.get(member)
        if isinstance(value, str) and value:
            yield kind, value
    if entry.service == "rds" or entry.service == "redshift" or result is None:
        return
    for member, value in result.items():
        if isinstance(value, dict):
            yield from _of_answer(types, member, value, request)


def _of_answer(types: dict[str, str], member: str, value: dict[str, Any], request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the call made: an access key, a policy's ARN, the session of a role."""
    for name, kind in types.items():
        made = value.get(name)
        if isinstance(made, str) and made and request.get(name) != made:
            yield kind, made
    made = value.get("Arn")
    if isinstance(made, str) and member not in {"AssumedRoleUser", "FederatedUser"}:
        yield from ((kind, made) for name, kind in types.items() if name == f"{member}Arn" or name == f"{member}Name")
    if member == "Credentials" and isinstance(value.get("AccessKeyId"), str):
        yield "AWS::IAM::AccessKey", value["AccessKeyId"]


def arns_of(entry: Entry, request: dict[str, Any], region: str, account: str) -> list[str]:
    """The ARNs that selectors of data events are compared with: the object's, or the function's."""
    if entry.service == "s3":
        bucket = request.get("Bucket", "")
        return [f"arn:aws:s3:::{bucket}/{request.get('Key') or request.get('Prefix') or ''}"]
    if entry.service == "lambda":
        return [function_arn(request.get("FunctionName", ""), region, entry.owner or account)]
    return []


def function_arn(named: str, region: str, account: str) -> str:
    """A function's ARN without its version, of all the ways to name one."""
    if named.startswith("arn:"):
        return ":".join(named.split(":")[:7])
    name = named.rpartition("function:")[2].partition(":")[0]
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def shown(entry: Entry, request: dict[str, Any], region: str, account: str) -> list[dict[str, str]]:
    """The `resources` of an event. Not every service's events have them."""
    owner = entry.owner or account
    if entry.service == "s3" and "Bucket" in request:
        bucket = {"accountId": owner, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{request['Bucket']}"}
        if "Key" in request:
            return [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{request['Bucket']}/{request['Key']}"}, bucket]
        return [bucket]
    if entry.service == "lambda" and entry.operation.startswith("Invoke"):
        arn = function_arn(request.get("FunctionName", ""), region, owner)
        return [{"accountId": owner, "type": "AWS::Lambda::Function", "ARN": arn}]
    if entry.service == "sts" and "RoleArn" in request:
        arn = request["RoleArn"]
        fields = arn.split(":")
        return [{"accountId": fields[4] if len(fields) > 4 else owner, "type": "AWS::IAM::Role", "ARN": arn}]
    return []
