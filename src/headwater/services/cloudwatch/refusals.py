"""What CloudWatch says when it refuses: each sentence in one place. Recorded sentences stand in tests/recordings/test_cloudwatch.py."""

from headwater.aws.faults import Fault, fault


def invalid_value(sentence: str) -> Fault:
    return fault("InvalidParameterValueException", sentence)


def invalid_combination(sentence: str) -> Fault:
    return fault("InvalidParameterCombinationException", sentence)


def missing(sentence: str) -> Fault:
    return fault("MissingRequiredParameterException", sentence)


def invalid(sentence: str) -> Fault:
    return fault("ValidationException", sentence)


def not_found() -> Fault:
    """AWS says nothing more than the code (TestCloudwatch::test_set_alarm_invalid_input)."""
    return fault("ResourceNotFound", "")


def bad_token() -> Fault:
    return fault("InvalidNextToken", "The token is invalid.")
