"""What the organization's policies say of an account, for the decision: the levels from the root down to the account.

The management account is bound by nothing, and neither is anybody while service-control policies are not enabled in the root.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction


@asynccontextmanager
async def changing(ctx: Context) -> AsyncIterator[Transaction]:
    """A transaction of something that the decision depends on."""
    async with ctx.store.transaction() as tx:
        yield tx
