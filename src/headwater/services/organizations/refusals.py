"""What Organizations says when it refuses, each sentence in one place.

Most refusals are of one of two kinds that carry a reason of their own: a limit (ConstraintViolationException) and a value that makes no
sense (InvalidInputException). Source: the errors of the API reference; AWS's sentences as users of SDKs meet them.
"""

from __future__ import annotations

from typing import Final

from headwater.aws.faults import Fault, fault

CONSTRAINTS: Final = {
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of AWS accounts.",
    "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE": "This operation requires that your organization has all features enabled.",
    "OU_DEPTH_LIMIT_EXCEEDED": "You have exceeded the maximum depth of the organizational unit tree.",
    "OU_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of organizational units.",
    "POLICY_CONTENT_LIMIT_EXCEEDED": "You exceeded the maximum size of the policy content.",
    "POLICY_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of policies.",
    "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": "You have attached the maximum number of policies to the specified target.",
    "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": (
        "You cannot remove the last policy attached to the specified target. You should have at least one attached."
    ),
    "MAX_TAG_LIMIT_EXCEEDED": "You have exceeded the number of tags allowed on this resource.",
    "WAIT_PERIOD_ACTIVE": "You must wait at least four days after the account was created before you can remove it from the organization.",
    "CANNOT_CLOSE_MANAGEMENT_ACCOUNT": "You can't close the management account of an organization.",
    "CLOSE_ACCOUNT_QUOTA_EXCEEDED": "You have exceeded close account quota for the past 30 days.",
    "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG": "You can't remove an account that is registered as a delegated administrator.",
    "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR": (
        "You cannot register master account/yourself as delegated administrator for your organization."
    ),
    "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR": "You can't register a suspended account as a delegated administrator.",
    "SERVICE_ACCESS_NOT_ENABLED": "You must enable service access before you register a delegated administrator.",
}
INVALID: Final = {
    "INVALID_NEXT_TOKEN": "The NextToken value is not valid.",
    "IMMUTABLE_POLICY": "You specified a policy that is managed by AWS and can't be modified.",
    "INVALID_PARTY_TYPE_TARGET": "You specified an unsupported party type as a target.",
    "INVALID_PATTERN": "You provided a value that does not match the required pattern.",
    "TARGET_NOT_SUPPORTED": "You can't perform the operation on the specified target.",
    "DUPLICATE_TAG_KEY": "Tag keys must be unique among the tags attached to the same entity.",
    "INVALID_SYSTEM_TAGS_PARAMETER": "You specified a tag key that is a system tag: the prefix aws: is reserved.",
    "UNRECOGNIZED_SERVICE_PRINCIPAL": "You specified an unrecognized service principal.",
}


def constraint(reason: str) -> Fault:
    return fault("ConstraintViolationException", CONSTRAINTS[reason], Reason=reason)


def invalid(reason: str) -> Fault:
    return fault("InvalidInputException", INVALID[reason], Reason=reason)


def not_in_use() -> Fault:
    return fault("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


def denied() -> Fault:
    return fault("AccessDeniedException", "You don't have permissions to access this resource.")


def no_account() -> Fault:
    return fault("AccountNotFoundException", "You specified an account that doesn't exist.")


def no_parent() -> Fault:
    return fault("ParentNotFoundException", "You specified a parent that doesn't exist.")


def no_unit() -> Fault:
    return fault("OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't exist.")


def no_root() -> Fault:
    return fault("RootNotFoundException", "You specified a root that doesn't exist.")


def no_policy() -> Fault:
    return fault("PolicyNotFoundException", "You specified a policy that doesn't exist.")


def no_target() -> Fault:
    return fault("TargetNotFoundException", "You specified a target that doesn't exist.")


def no_handshake() -> Fault:
    return fault("HandshakeNotFoundException", "You specified a handshake that doesn't exist.")


def type_not_enabled() -> Fault:
    return fault("PolicyTypeNotEnabledException", "This operation can be performed only for enabled policy types.")


def type_not_available() -> Fault:
    return fault(
        "PolicyTypeNotAvailableForOrganizationException", "This operation can't be performed because the policy type is not available."
    )


def type_not_built(policy_type: str) -> Fault:
    return fault("NotImplemented", f"Headwater has not built policies of type {policy_type} yet.")


def cannot_leave() -> Fault:
    return fault("MasterCannotLeaveOrganizationException", "You can't remove the management account from the organization.")
