"""What an operation knows of its caller and of the house."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from headwater.kernel import identity
from headwater.kernel.identity import Principal

if TYPE_CHECKING:
    from headwater.aws.signature import Authorization
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
        "called_via",
        "clock",
        "foreign",
        "headers",
        "home",
        "invoked_by",
        "principal",
        "region",
        "reply_headers",
        "reply_status",
        "request_id",
        "service",
        "signature",
        "source_arn",
        "source_ip",
        "store",
    )

    partition: Final = "aws"
    account: str
    region: str
    principal: Principal
    request_id: str
    headers: Mapping[str, str]
    service: str
    called_via: tuple[str, ...]
    invoked_by: str
    source_arn: str
    source_ip: str
    signature: Authorization | None
    foreign: bool

    def __init__(
        self,
        home: Home,
        *,
        account: str,
        region: str,
        principal: Principal,
        request_id: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        service: str = "",
        called_via: tuple[str, ...] = (),
        source_arn: str = "",
        source_ip: str = "",
        invoked_by: str = "",
    ) -> None:
        self.home = home
        self.store: Store = home.store
        self.clock: Clock = home.clock
        self.bus: Bus = home.bus
        self.account = account
        self.region = region
        self.principal = principal
        self.request_id = request_id or identity.new_request_id()
        self.headers = headers
        self.service = service  # the room that is called
        self.called_via = called_via  # the services that came before it, on behalf of the principal
        self.invoked_by = invoked_by  # the room that calls under a role which it took on
        self.source_ip = source_ip
        self.signature = None  # with what a request over the wire was signed: the gateway says
        self.foreign = False  # a page of another site asks, and the resource's owner lets it: what is unproven is nobody's then
        self.source_arn = source_arn  # the resource for which a service acts
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
        source_arn: str = "",
    ) -> Client:
        """Another room, as a client sees it: under `role` (an ARN), as a service (`events`), or as the caller itself.

        A role must trust this room's own service; `source_arn` is the resource for which the service acts (`aws:SourceArn`).
        """
        from headwater.kernel.client import Client

        region = region or self.region
        if role is not None:
            session = identity.role_session(role, session_name)
            return Client(self.home, service, session, region, assumed_by=self.service, source_arn=source_arn)
        if service_principal is not None:
            return Client(self.home, service, identity.service_principal(service_principal, self.account), region, source_arn=source_arn)
        return Client(self.home, service, self.principal, region, called_via=(*self.called_via, self.service))
