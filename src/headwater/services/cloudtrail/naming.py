"""What CloudTrail calls a service and an operation: mostly as the API does, but not for S3's sub-resources and Lambda's versions.

Source: "Logging AWS Lambda API calls with CloudTrail" (CreateFunction20150331 and so on) and "Amazon S3 CloudTrail events".
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from headwater.aws.models import service_model

GLOBAL_REGION: Final = "us-east-1"
GLOBAL_SERVICES: Final = frozenset({"iam", "organizations", "cloudfront", "route53", "account", "support", "budgets", "ce"})
"""Services without regions: their events are us-east-1's."""
SOURCES: Final = {"ses": "ses", "sesv2": "ses", "opensearch": "es", "cognito-idp": "cognito-idp"}
"""Where the event's source is not the service's endpoint."""
OF_S3: Final = {
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "ListObjectsV2": "ListObjects",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
SECOND_OF_LAMBDA: Final = frozenset(
    [
        "AddPermission",
        "GetFunction",
        "GetFunctionConfiguration",
        "GetPolicy",
        "RemovePermission",
        "TagResource",
        "UntagResource",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    ]
)
"""Operations of Lambda whose events are called by the second edition of their API's version."""
LAST_VERSIONED: Final = "20181031"
_VERSION: Final = re.compile(r"^/(\d{4})-(\d\d)-(\d\d)/")


@cache
def event_source(service: str) -> str:
    """`rds.amazonaws.com`; of CloudWatch `monitoring.amazonaws.com`."""
    try:
        metadata = service_model(service).metadata
    except KeyError:
        return f"{service}.amazonaws.com"
    return f"{SOURCES.get(service) or metadata.endpoint_prefix.partition('.')[0]}.amazonaws.com"


@cache
def event_name(service: str, operation: str) -> str:
    if service == "s3":
        return OF_S3.get(operation, operation)
    if service != "lambda" or operation.startswith("Invoke"):
        return operation
    found = _VERSION.match(service_model("lambda").operations[operation].uri)
    version = "".join(found.groups()) if found is not None else ""
    if not version or version > LAST_VERSIONED:
        return operation
    return f"{operation}{version}{'v2' if operation in SECOND_OF_LAMBDA else ''}"
