"""The sentences with which Secrets Manager refuses, each in one place. Source: AWS's recorded answers where they have it."""

from __future__ import annotations

from headwater.aws.faults import Fault, fault


def no_such_secret() -> Fault:
    return fault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def no_such_value(*, version_id: str | None = None, stage: str | None = None) -> Fault:
    what = f"VersionId: {version_id}" if version_id is not None else f"staging label: {stage}"
    return fault("ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {what}")


def invalid_name() -> Fault:
    words = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
    return fault("ValidationException", words)


def marked_for_deletion() -> Fault:
    return fault("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")


def scheduled_for_deletion() -> Fault:
    words = "You can't create this secret because a secret with this name is already scheduled for deletion."
    return fault("InvalidRequestException", words)


def already_exists(name: str) -> Fault:
    return fault("ResourceExistsException", f"The operation failed because the secret {name} already exists.")


def token_in_use(token: str, arn: str) -> Fault:
    words = f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    return fault("ResourceExistsException", words)


def no_token(code: str = "InvalidRequestException") -> Fault:
    return fault(code, "You must provide a ClientRequestToken value. We recommend a UUID-type value.")


def is_replica() -> Fault:
    words = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    return fault("InvalidRequestException", words)


def invalid(sentence: str) -> Fault:
    return fault("InvalidParameterException", sentence)


def not_now(sentence: str) -> Fault:
    return fault("InvalidRequestException", sentence)
