"""What is kept of each call: who, what, from where, with which outcome. Never a body, never a secret."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class RequestRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of the request log, and later one event of the audit trail."""

    at: datetime
    request_id: str
    account: str
    region: str
    principal: str
    service: str
    operation: str
    error: str = ""
    status: int = 0
    duration_ms: float = 0.0
    source: str = ""
    access_key_id: str = ""

    @classmethod
    def of(
        cls, ctx: Context, service: str, operation: str, error: str = "", *, status: int = 0, duration_ms: float = 0.0, source: str = ""
    ) -> Self:
        return cls(
            ctx.clock.now(),
            ctx.request_id,
            ctx.account,
            ctx.region,
            ctx.principal.arn,
            service,
            operation,
            error,
            status,
            duration_ms,
            source,
            ctx.principal.access_key_id,
        )
