"""One run of a function on its way through pool and worker, and what comes of it. Values only: no process, no store.

AWS's words for what goes wrong outside the function's own code stand here (the function's own errors come from the runtime, as
JSON, and are passed on as they are). Recorded from AWS in November 2025.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

import msgspec

from headwater.kernel.store import Record, Table

RESPONSE_BYTES_MAX: Final = 6_291_556
TAIL_BYTES_MAX: Final = 4_096
UNHANDLED: Final = "Unhandled"

_SIGNALS: Final = {
    4: "illegal instruction",
    6: "aborted",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    15: "terminated",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. `error` is AWS's X-Amz-Function-Error, None where the function returned."""

    payload: bytes
    error: str | None = None
    tail: bytes = b""  # the end of what was logged, where it was asked for


class Pending(Record, frozen=True, kw_only=True):
    """An asynchronous invocation that was accepted and has not come to its end. `due` is set while it waits for its next attempt."""

    account: str
    region: str
    function: str
    id: str  # in the order of arrival
    request_id: str
    qualifier: str | None
    payload: bytes
    accepted_at: datetime
    client_context: str | None = None
    trace: str | None = None  # the header with which it was sent
    attempts: int = 0
    due: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.account, self.region, self.function, self.id)

    @property
    def function_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"

    @property
    def arn(self) -> str:
        """As the function sees it: qualified only where the caller did so."""
        return self.function_arn if self.qualifier is None else f"{self.function_arn}:{self.qualifier}"


PENDING: Final = Table("lambda", "pending", Pending, key=lambda pending: pending.key, big=True)


class Sink(Protocol):
    """Who waits for the outcome."""

    def __call__(self, invocation: "Invocation", outcome: Outcome, /) -> None: ...


class Receiving(Protocol):
    """Who takes an answer in pieces."""

    def begin(self, content_type: str, hold: Callable[[bool], None], /) -> None: ...
    def put(self, piece: bytes, /) -> None: ...
    @property
    def is_too_long(self) -> bool: ...


class Invocation:
    """An event for a function. `asynchronous` ones wait for a worker without limit, others are what concurrency limits count."""

    __slots__ = (
        "arn",
        "asynchronous",
        "client_context",
        "done",
        "enqueued",
        "feed",
        "headers",
        "lineage",
        "payload",
        "pending",
        "request_id",
        "tail",
    )

    def __init__(
        self,
        *,
        request_id: str,
        arn: str,
        payload: bytes,
        done: Sink,
        tail: bool = False,
        client_context: str | None = None,
        pending: "Pending | None" = None,
        feed: "Receiving | None" = None,
        lineage: str = "",
    ) -> None:
        self.request_id = request_id
        self.arn = arn
        self.payload = payload
        self.done = done
        self.asynchronous = pending is not None
        self.tail = tail
        self.client_context = client_context
        self.pending = pending
        self.feed = feed  # of a caller who takes the answer in pieces
        self.lineage = lineage  # of the functions that were called on the way here
        self.enqueued = 0.0
        self.headers = b""


def failed(error_type: str, message: str) -> Outcome:
    return Outcome(payload=msgspec.json.encode({"errorType": error_type, "errorMessage": message}), error=UNHANDLED)


def timed_out(request_id: str, timeout_s: int) -> Outcome:
    return failed("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds")


def exited(request_id: str, code: int) -> Outcome:
    return failed("Runtime.ExitError", f"RequestId: {request_id} Error: {how_it_ended(code)}")


def not_started(request_id: str, why: str) -> Outcome:
    return failed("Runtime.InvalidEntrypoint", f"RequestId: {request_id} Error: {why}")


def out_of_memory(request_id: str) -> Outcome:
    return exited(request_id, -9)


def too_large() -> Outcome:
    sentence = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
    return failed("Function.ResponseSizeTooLarge", sentence)


def how_it_ended(code: int) -> str:
    """An exit code as Lambda words it. Bubblewrap reports a signal as 128 + its number, asyncio as its negative."""
    if code == 0:
        return "Runtime exited without providing a reason"
    signal = -code if code < 0 else code - 128
    if signal in _SIGNALS:
        return f"Runtime exited with error: signal: {_SIGNALS[signal]}"
    return f"Runtime exited with error: exit status {code}"


def stream_name(now: datetime, version: str, unique: str) -> str:
    return f"{now:%Y/%m/%d}/[{version}]{unique}"
