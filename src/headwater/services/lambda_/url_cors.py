"""CORS of a function's URL: which pages of other sites may call it and read what it says. Pure.

What the configuration says wins over headers of the function's own, as on AWS. A name may be `*`, and an origin may have one in it
(`https://*.example.com`).
Source: "Cross-origin resource sharing (CORS)" of the developer guide on function URLs.
"""

import fnmatch
from typing import Any

from headwater.aws.wire import Request, Response

Cors = dict[str, Any]
PREFIX = "access-control-"


def is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and "origin" in request.headers and "access-control-request-method" in request.headers


def is_allowed(request: Request, cors: Cors) -> bool:
    """Whether the request's origin is among those that the configuration names."""
    return any(fnmatch.fnmatchcase(request.headers["origin"], pattern) for pattern in cors.get("AllowOrigins") or [])


def answer_preflight(request: Request, cors: Cors) -> Response:
    """What is not allowed is not refused: it is not said, and the browser keeps the call back."""
    headers = _common(request, cors)
    if headers:
        headers += [("Access-Control-Allow-Methods", _names(cors, "AllowMethods", request, "access-control-request-method"))]
        headers += [("Access-Control-Allow-Headers", _names(cors, "AllowHeaders", request, "access-control-request-headers"))]
        if cors.get("MaxAge") is not None:
            headers.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return Response(200, [(name, value) for name, value in headers if value])


def with_cors(request: Request, cors: Cors, response: Response) -> Response:
    if "origin" not in request.headers:
        return response
    headers = _common(request, cors)
    exposed = ",".join(cors.get("ExposeHeaders") or [])
    if headers and exposed:
        headers.append(("Access-Control-Expose-Headers", exposed))
    kept = [(name, value) for name, value in response.headers if not name.lower().startswith(PREFIX)]
    return Response(response.status, kept + headers, response.body)


def _common(request: Request, cors: Cors) -> list[tuple[str, str]]:
    """Nothing where the origin is not among those that are allowed."""
    origin = request.headers["origin"]
    if not is_allowed(request, cors):
        return []
    with_credentials = bool(cors.get("AllowCredentials"))
    if "*" in cors["AllowOrigins"] and not with_credentials:
        return [("Access-Control-Allow-Origin", "*")]
    headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    return [*headers, ("Access-Control-Allow-Credentials", "true")] if with_credentials else headers


def _names(cors: Cors, member: str, request: Request, asked: str) -> str:
    """`*` means all, but not to a browser that sends credentials: it is then told what it has asked for."""
    names: list[str] = cors.get(member) or []
    if "*" in names and cors.get("AllowCredentials"):
        return request.headers.get(asked, "")
    return ",".join(names)
