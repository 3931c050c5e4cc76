"""CloudTrail's refusals, each sentence once.

Source: the API reference, and what AWS's own clients and users report of its answers.
"""

from __future__ import annotations

from headwater.aws.faults import Fault, fault


def unknown_trail(name: str) -> Fault:
    return fault("TrailNotFoundException", f"Unknown trail: {name}")


def wrong_name(why: str) -> Fault:
    return fault("InvalidTrailNameException", why)


def wrong_arn(arn: str) -> Fault:
    return fault(
        "CloudTrailARNInvalidException",
        f"Trail ARN is not valid: {arn}. Specify the full ARN, such as arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail.",
    )


def wrong_home(region: str) -> Fault:
    return fault("InvalidHomeRegionException", f"The trail's home region is {region}: it can be changed only from there.")


def wrong_policy(bucket: str) -> Fault:
    return fault("InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {bucket}")


def no_bucket(bucket: str) -> Fault:
    return fault("S3BucketDoesNotExistException", f"S3 bucket {bucket} does not exist!")


def wrong_selectors(why: str) -> Fault:
    return fault("InvalidEventSelectorsException", why)


def not_built(what: str) -> Fault:
    return fault("NotImplemented", f"Headwater has not built {what} of CloudTrail yet.")
