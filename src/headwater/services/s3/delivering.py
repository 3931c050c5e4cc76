"""Records on their way to functions: at least once, each by itself, as S3 delivers them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from headwater.kernel.context import Context
from headwater.kernel.jobs import handles

from .events import EventDue

ATTEMPTS_MAX: Final = 8
"""Some twenty minutes; a function that is not there by then gets no more of it."""


@handles(EventDue, attempts_max=ATTEMPTS_MAX, timeout=timedelta(minutes=1))
async def _deliver(ctx: Context, due: EventDue) -> None:
    """Lambda keeps it from here on, and tries again by its own rules."""
    functions = ctx.client("lambda", service_principal="s3", source_arn=f"arn:aws:s3:::{due.bucket}")
    await functions.invoke(FunctionName=due.function, InvocationType="Event", Payload=due.payload)
