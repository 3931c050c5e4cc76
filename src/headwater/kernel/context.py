"""What an operation knows of its caller and of the house."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from headwater.kernel import identity
from headwater.kernel.identity import Principal

if TYPE_CHECKING:
    from headwater.kernel.bus import Bus
    from headwater.kernel.client import Client
    from headwater.kernel.clock import Clock
    from headwater.kernel.home import Home
    from headwater.kernel.store import Store

NO_HEADERS: Final[Mapping[str, str]] = {}


class Context:
    """One for each request, each in-process call and each run of a job."""

    __slots__ = (
        "account",
        "bus",
        "clock",
        "headers",
        "home",
        "principal",
        "region",
        "reply_headers",
        "reply_status",
        "request_id",
        "store",
        "via_service",
    )

    partition: Final = "aws"

    def __init__(
        self,
        home: Home,
        *,
        account: str,
        region: str,
        principal: Principal,
        request_id: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        via_service: str = "",
    ) -> None:
        self.home = home
        self.store: Store = home.store
        self.clock: Clock = home.clock
        self.bus: Bus = home.bus
        self.account = account
        self.region = region
        self.principal = principal
        self.request_id = request_id or self.new_id()
        self.headers = headers
        self.via_service = via_service
        self.reply_headers: dict[str, str] = {}  # what the gateway adds to the response beyond the model
        self.reply_status = 0  # the status of a success, where the operation's answer decides it (S3's 206)

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def arn(self, service: str, resource: str) -> str:
        """arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE in the caller's region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def client(
        self,
        service: str,
        *,
        role: str | None = None,
        session_name: str = "headwater",
        region: str | None = None,
        service_principal: str | None = None,
    ) -> Client:
        """Another room, as a client sees it: under `role` (an ARN), as a service, or as the caller itself."""
        from headwater.kernel.client import Client

        if role is not None:
            principal = identity.role_session(role, session_name)
        elif service_principal is not None:
            principal = identity.service_principal(service_principal, self.account)
        else:
            principal = self.principal
        return Client(self.home, service, principal, region or self.region)
