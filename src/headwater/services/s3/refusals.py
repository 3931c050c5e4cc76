"""S3's own sentences, each in one place. Source: recorded answers of AWS, and the API reference's "Error responses".

Each function returns the fault and the caller raises it. Members are the further elements of S3's error document.
"""

from __future__ import annotations

from typing import Final

from headwater.aws.faults import Fault, fault

PRECONDITION: Final = "At least one of the pre-conditions you specified did not hold"


def no_such_bucket(name: str) -> Fault:
    return fault("NoSuchBucket", "The specified bucket does not exist", BucketName=name)


def no_such_key(key: str) -> Fault:
    return fault("NoSuchKey", "The specified key does not exist.", Key=key)


def no_such_version(key: str, version_id: str) -> Fault:
    return fault("NoSuchVersion", "The specified version does not exist.", Key=key, VersionId=version_id)


def no_such_upload(upload_id: str) -> Fault:
    return fault(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        UploadId=upload_id,
    )


def access_denied() -> Fault:
    return fault("AccessDenied", "Access Denied")


def malformed_xml() -> Fault:
    return fault("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")


def invalid_argument(message: str, name: str, value: str | None = None) -> Fault:
    members = {"ArgumentName": name} if value is None else {"ArgumentName": name, "ArgumentValue": value}
    return fault("InvalidArgument", message, **members)


def invalid_request(message: str) -> Fault:
    return fault("InvalidRequest", message)


def precondition_failed(condition: str) -> Fault:
    return fault("PreconditionFailed", PRECONDITION, Condition=condition)


def header_not_built(header: str) -> Fault:
    """What S3 itself says of a header that it does not honour; we say it of those that we do not honour yet."""
    return fault("NotImplemented", "A header you provided implies functionality that is not implemented", Header=header)


def not_allowed_on_marker(method: str) -> Fault:
    return fault(
        "MethodNotAllowed", "The specified method is not allowed against this resource.", Method=method, ResourceType="DeleteMarker"
    )


def too_large(size: int, limit: int) -> Fault:
    return fault(
        "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", ProposedSize=str(size), MaxSizeAllowed=str(limit)
    )


def invalid_range(requested: str, size: int) -> Fault:
    return fault("InvalidRange", "The requested range is not satisfiable", ActualObjectSize=str(size), RangeRequested=requested)


def archived(storage_class: str) -> Fault:
    return fault("InvalidObjectState", "The operation is not valid for the object's storage class", StorageClass=storage_class)


def conflict(condition: str, key: str) -> Fault:
    sentence = "The conditional request cannot succeed due to a conflicting operation against this resource."
    return fault("ConditionalRequestConflict", sentence, Condition=condition, Key=key)


def busy() -> Fault:
    sentence = "A conflicting conditional operation is currently in progress against this resource. Please try again."
    return fault("OperationAborted", sentence)
