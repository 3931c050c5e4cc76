"""Code that nobody names any more leaves the disk, an hour after its last name: an upload of the same bytes may be under way."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles

from . import code
from .fleet import fleet_of
from .model import LAYERS, VERSIONS

WAIT: Final = timedelta(hours=1)


class CodeUnused(Job, frozen=True, kw_only=True, tag="lambda/code-unused/1"):
    """`subject` is the code's hash."""


def perhaps_unused(ctx: Context, sha256: str) -> CodeUnused:
    """To be owed with every change that takes a name away."""
    return CodeUnused(account=ctx.account, region=ctx.region, subject=sha256, at=ctx.clock.now() + WAIT)


@handles(CodeUnused)
async def _dispose(ctx: Context, due: CodeUnused) -> None:
    if due.subject not in set(_named(ctx)):
        await asyncio.get_running_loop().run_in_executor(ctx.home.pools.files, code.drop, fleet_of(ctx.home).root, due.subject)


def _named(ctx: Context) -> Iterator[str]:
    versions = ctx.store.scan(VERSIONS)
    used = {arn for version in versions for arn in version.layers}
    yield from (version.code_sha256 for version in versions)
    yield from (layer.code_sha256 for layer in ctx.store.scan(LAYERS) if not layer.is_deleted or layer.arn in used)
