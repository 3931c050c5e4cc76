"""HTTP that calls no operation: a function's URL, a website's page, a browser's form or preflight. The room whose host it is answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.aws.routing import Route, unknown_operation
from headwater.kernel.service import Service, room, room_names

if TYPE_CHECKING:
    from headwater.aws.wire import Request, Response
    from headwater.kernel.context import Context

ROOM_OF_HOST: Final = {"lambda-url": "lambda", "s3-website": "s3"}
"""The room behind a host that is no API's."""


async def visit(ctx: Context, request: Request, place: Route) -> Response:
    """The room's own answer, or the refusal of an operation that the service does not have.

    Nobody has proven who calls: the room checks a signature where it wants one.
    """
    host = await room_of(ctx, place)
    if host is not None:
        answer = await host.visit(ctx, request, place)
        if answer is not None:
            return answer
    raise unknown_operation(request, place)


async def room_of(ctx: Context, place: Route) -> Service | None:
    """The room behind a route, open; None where there is none."""
    name = ROOM_OF_HOST.get(place.service, place.service)
    if name not in room_names():
        return None
    if not ctx.home.is_open(name):
        await ctx.home.open_room(name)
    return room(name)
