"""What a function's URL makes of an HTTP request, and of a function's answer: payload format 2.0. Pure: values in, values out.

Three things that are AWS's and not obvious. `rawPath` is as it came, `http.path` is decoded (TestLambdaURL::
test_lambda_url_echo_http_fixture_default). A cookie stands in `cookies` and among the headers too. A body is text only where its
type says so; a form (`application/x-www-form-urlencoded`) counts as binary, and so does what names no type.
Source: "Invoking Lambda function URLs" of the developer guide, recordings of TestLambdaURL.
"""

import base64
import json
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from headwater.aws.wire import Request, Response, Stream

JSON_TYPE: Final = "application/json"
INTEGRATION: Final = "application/vnd.awslambda.http-integration-response"
SEPARATOR: Final = bytes(8)
ANONYMOUS: Final = "anonymous"
FORBIDDEN: Final = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
OWN_TO_A_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "proxy-connection"})
_TEXT: Final = ("text/", "application/json", "application/javascript", "application/xml")
_STATUS_MIN: Final = 200
_STATUS_MAX: Final = 599


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed the request, as the function is told."""

    access_key: str
    account: str
    caller_id: str
    arn: str


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says beyond the request itself."""

    url_id: str
    prefix: str  # of the path, where the URL is a place on Headwater's own host
    port: int
    source_ip: str
    request_id: str
    trace: str
    at: datetime
    caller: Caller | None = None


def event_of(request: Request, body: bytes, visit: Visit) -> dict[str, Any]:
    headers = request.headers
    host = headers.get("host", "")
    path = request.path.removeprefix(visit.prefix) or "/"
    event: dict[str, Any] = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": request.query}
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";") if cookie.strip()]
    event["headers"] = _headers(headers, visit)
    if request.query:
        event["queryStringParameters"] = _parameters(request.query)
    context: dict[str, Any] = {
        "accountId": ANONYMOUS if visit.caller is None else visit.caller.account,
        "apiId": visit.url_id,
        "domainName": host,
        "domainPrefix": visit.url_id,
        "http": {
            "method": request.method,
            "path": unquote(path),
            "protocol": "HTTP/1.1",
            "sourceIp": visit.source_ip,
            "userAgent": headers.get("user-agent"),
        },
        "requestId": visit.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{visit.at:%d/%b/%Y:%H:%M:%S} +0000",
        "timeEpoch": int(visit.at.timestamp() * 1000),
    }
    if visit.caller is not None:
        context |= {"authentication": None, "authorizer": {"iam": _described(visit.caller)}}
    event["requestContext"] = context
    if body:
        is_text, said = _text(body, headers.get("content-type", ""))
        event |= {"body": said, "isBase64Encoded": not is_text}
    else:
        event["isBase64Encoded"] = False
    return event


def _headers(headers: dict[str, str], visit: Visit) -> dict[str, str]:
    """Those of the request, and those that AWS's front adds. The two about TLS are always there, as a function may read them without
    asking; that the call came without it, x-forwarded-proto says.
    """
    kept = {name: value for name, value in headers.items() if name not in OWN_TO_A_CONNECTION or name == "content-length"}
    return kept | {
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": visit.trace,
        "x-forwarded-for": visit.source_ip,
        "x-forwarded-port": str(visit.port),
        "x-forwarded-proto": "http",
    }


def _parameters(query: str) -> dict[str, str]:
    """Repeated ones in one, with a comma between."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _text(body: bytes, content_type: str) -> tuple[bool, str]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith(_TEXT) or kind.endswith(("+json", "+xml")):
        try:
            return True, body.decode()
        except UnicodeDecodeError:
            pass  # whatever its type says
    return False, base64.b64encode(body).decode()


def _described(caller: Caller) -> dict[str, Any]:
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.caller_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.caller_id,
    }


def response_of(payload: bytes) -> Response:
    """What a function's answer comes to: a whole response where it names a status, else the body of one."""
    try:
        said = json.loads(payload or b"null")
    except ValueError:
        return Response(200, [("Content-Type", JSON_TYPE)], payload)
    if isinstance(said, str):
        return Response(200, [("Content-Type", JSON_TYPE)], said.encode())
    if not isinstance(said, dict) or "statusCode" not in said:
        return Response(200, [("Content-Type", JSON_TYPE)], _compact(said))
    try:
        return _whole(said)
    except (TypeError, ValueError):
        return went_wrong()


def split(answer: bytes) -> tuple[bytes, bytes]:
    """The description of a response and its body, as the runtime of a streaming function writes them."""
    prelude, _, body = answer.partition(SEPARATOR)
    return prelude, body


def opened(content_type: str, prelude: bytes, body: bytes | Stream) -> Response:
    """The response to a function that streams. `prelude` is JSON: status, headers, cookies."""
    try:
        said = json.loads(prelude or b"{}")
        status = _status(said.get("statusCode", 200))
        headers = headers_of(said, JSON_TYPE if content_type == INTEGRATION else content_type)
    except (AttributeError, TypeError, ValueError):
        return went_wrong()
    return Response(status, headers, body)


def went_wrong() -> Response:
    """The function failed, or its answer is none that HTTP has."""
    return Response(502, [("Content-Type", JSON_TYPE)], b"Internal Server Error")


def refusal(status: int, code: str, message: str | None) -> Response:
    return Response(status, [("Content-Type", JSON_TYPE), ("x-amzn-ErrorType", code)], _compact({"Message": message}))


def forbidden() -> Response:
    return refusal(403, "AccessDeniedException", FORBIDDEN)


def nowhere() -> Response:
    """No function has this URL."""
    return refusal(403, "AccessDeniedException", None)


def _whole(said: dict[str, Any]) -> Response:
    """Raises where a member is of a type that makes no response."""
    status = _status(said["statusCode"])
    headers = headers_of(said)
    body = said.get("body")
    if body is None:
        return Response(status, headers)
    content = body.encode() if isinstance(body, str) else _compact(body)
    if said.get("isBase64Encoded"):
        content = base64.b64decode(content, validate=True)
    return Response(status, headers, content)


def _status(said: Any) -> int:
    status = int(said)
    if not _STATUS_MIN <= status <= _STATUS_MAX:
        raise ValueError(status)
    return status


def headers_of(said: dict[str, Any], content_type: str = JSON_TYPE) -> list[tuple[str, str]]:
    given = said.get("headers") or {}
    headers = [(str(name), _value(value)) for name, value in given.items() if str(name).lower() not in OWN_TO_A_CONNECTION]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    return headers + [("Set-Cookie", str(cookie)) for cookie in said.get("cookies") or []]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
