"""Firehose against what AWS answered: recordings/firehose.json. The test names its case."""

import json
from typing import Any

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def test_tags_of_a_stream(aws: Any, recorded: Any) -> None:
    case = recorded("firehose", "TestFirehoseResourceTagging::test_resource_tagging")
    firehose = aws.client("firehose")
    name = {"DeliveryStreamName": "tagged"}
    role = aws.client("iam").create_role(RoleName="delivery", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    destination = {"RoleARN": role, "BucketARN": "arn:aws:s3:::bucket"}
    firehose.create_delivery_stream(**name, S3DestinationConfiguration=destination, Tags=[{"Key": "subject", "Value": "taboo"}])
    case.says("list-tags-1", firehose.list_tags_for_delivery_stream(**name))
    case.says("remove-tags", firehose.untag_delivery_stream(**name, TagKeys=["subject"]))
    case.says("list-tags-2", firehose.list_tags_for_delivery_stream(**name))
    case.says("add-tags", firehose.tag_delivery_stream(**name, Tags=[{"Key": "feeling", "Value": "uncomfortable"}]))
    case.says("list-tags-3", firehose.list_tags_for_delivery_stream(**name))
