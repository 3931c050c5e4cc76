"""One page of a listing, as Lambda's listings are paged: by a marker, the key of the last that was shown."""

from typing import Any, Final

PAGE: Final = 50


def page(described: list[tuple[str, Any]], request: dict[str, Any], member: str, limit: int) -> dict[str, Any]:
    """One page of a sorted list of (marker, item)."""
    after = request.get("Marker")
    rest = [(marker, item) for marker, item in described if after is None or marker > after]
    limit = min(request.get("MaxItems", limit), limit)
    answer: dict[str, Any] = {member: [item for _, item in rest[:limit]]}
    if len(rest) > limit:
        answer["NextMarker"] = rest[limit - 1][0]
    return answer
