"""The sentences with which KMS refuses, each in one place. Source: AWS's recorded answers (recordings/kms.json) where they have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.aws.faults import Fault, fault

from .model import DISABLED, ENABLED, PENDING_IMPORT, Key

if TYPE_CHECKING:
    from headwater.kernel.context import Context


def invalid_key_id(named: str) -> Fault:
    return fault("NotFoundException", f"Invalid keyId '{named}'")


def no_such_key(arn: str) -> Fault:
    return fault("NotFoundException", f"Key '{arn}' does not exist")


def no_such_alias(arn: str) -> Fault:
    return fault("NotFoundException", f"Alias {arn} is not found.")


def invalid_ciphertext() -> Fault:
    return fault("InvalidCiphertextException", "")


def incorrect_key() -> Fault:
    return fault("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")


def wrong_origin(key: Key) -> Fault:
    return fault("UnsupportedOperationException", f"{key.arn} origin is {key.origin} which is not valid for this operation.")


def invalid_state(key: Key) -> Fault:
    """What a key that is neither enabled nor disabled answers."""
    what = "pending import" if key.state == PENDING_IMPORT else "pending deletion"
    return fault("KMSInvalidStateException", f"{key.arn} is {what}.")


def check_usable(key: Key) -> None:
    """A key must be enabled for cryptography, grants and rotation."""
    state = key.state
    if state == ENABLED:
        return
    if state == DISABLED:
        raise fault("DisabledException", f"{key.arn} is disabled.")
    raise invalid_state(key)


def check_usage(key: Key, usage: str, operation: str) -> None:
    if key.usage != usage:
        raise fault("InvalidKeyUsageException", f"{key.arn} key usage is {key.usage} which is not valid for {operation}.")


def check_algorithm(key: Key, algorithm: str) -> None:
    if algorithm not in key.algorithms:
        raise fault("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {key.spec}.")


def check_managed_by_customer(ctx: Context, key: Key, operation: str) -> None:
    """AWS's own keys have a policy that lets nobody change them, the account's root neither."""
    if key.manager == "AWS":
        who = f"User: {ctx.principal.arn} is not authorized to perform: kms:{operation} on resource: {key.arn}"
        raise fault("AccessDeniedException", f"{who} because no resource-based policy allows the kms:{operation} action")


def check_dry_run(request: dict[str, Any]) -> None:
    """The last check of all: whatever else would have refused has had its turn."""
    if request.get("DryRun"):
        raise fault("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def check_no_recipient(request: dict[str, Any]) -> None:
    if "Recipient" in request:
        raise fault("NotImplemented", "Headwater has no Nitro enclaves: Recipient is not built.")
