"""What browsers ask of S3 beside its operations: preflights, pages of websites, forms that upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.kernel.context import Context

from . import SERVICE, cors, hosting, posting

if TYPE_CHECKING:
    from headwater.aws.routing import Route
    from headwater.aws.wire import Request, Response

WEBSITE: Final = "s3-website"


@SERVICE.visits
async def _visit(ctx: Context, request: Request, route: Route) -> Response | None:
    if request.method == cors.PREFLIGHT:
        return cors.preflight(request)
    if route.service == WEBSITE:
        return await hosting.visited(ctx, request, route)
    if request.method == "POST" and "Bucket" in route.uri_labels and "Key" not in route.uri_labels and not request.query:
        return await posting.posted(ctx, request, route)
    return None
