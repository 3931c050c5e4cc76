"""The role by which Organizations itself acts in every account of an organization with all features. IAM makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.aws.faults import Fault, fault

if TYPE_CHECKING:
    from headwater.kernel.client import Client

LINKED_SERVICE: Final = "organizations.amazonaws.com"


class LinkedRole:
    """Made through `iam`, in whose account and as whom it acts."""

    def __init__(self, iam: Client) -> None:
        self._iam = iam

    async def make(self) -> None:
        """Unless it is there from before, which IAM calls an invalid input."""
        try:
            await self._iam.create_service_linked_role(AWSServiceName=LINKED_SERVICE)
        except Fault as refusal:
            if refusal.code != "InvalidInput":
                raise

    async def make_as_caller(self) -> None:
        """The caller must be allowed to."""
        try:
            await self.make()
        except Fault as refusal:
            if refusal.code != "AccessDenied":
                raise
            reason = "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE"
            raise fault("AccessDeniedForDependencyException", refusal.message, Reason=reason) from None
