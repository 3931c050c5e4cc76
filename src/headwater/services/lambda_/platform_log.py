"""What Lambda itself writes into a function's log, in the two formats that a function may choose. Pure.

Text is as recorded from AWS; JSON as the developer guide shows it ("Working with Lambda function logs", system log events). In JSON
there is no line for the end: the report says it.
"""

from datetime import datetime
from typing import Any, Protocol

import msgspec


class Figures(msgspec.Struct, frozen=True):
    """What a run took. `init_ms` only for the first of a worker."""

    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None

    @property
    def billed_ms(self) -> int:
        return int(self.duration_ms) + 1


class Format(Protocol):
    def init_start(self, at: datetime, runtime: str) -> str: ...
    def start(self, at: datetime, request_id: str, version: str) -> str: ...
    def report(self, at: datetime, request_id: str, figures: Figures, status: str) -> list[str]: ...


class Text:
    def init_start(self, at: datetime, runtime: str) -> str:
        return f"INIT_START Runtime Version: {runtime}"

    def start(self, at: datetime, request_id: str, version: str) -> str:
        return f"START RequestId: {request_id} Version: {version}"

    def report(self, at: datetime, request_id: str, figures: Figures, status: str) -> list[str]:
        init = "" if figures.init_ms is None else f"Init Duration: {figures.init_ms:.2f} ms\t"
        ended = "" if status == "success" else f"Status: {status}\t"
        took = f"Duration: {figures.duration_ms:.2f} ms\tBilled Duration: {figures.billed_ms} ms"
        memory = f"Memory Size: {figures.memory_mb} MB\tMax Memory Used: {figures.used_mb} MB"
        return [f"END RequestId: {request_id}", f"REPORT RequestId: {request_id}\t{took}\t{memory}\t{init}{ended}"]


class Json:
    def init_start(self, at: datetime, runtime: str) -> str:
        return _event(at, "platform.initStart", {"initializationType": "on-demand", "phase": "init", "runtimeVersion": runtime})

    def start(self, at: datetime, request_id: str, version: str) -> str:
        return _event(at, "platform.start", {"requestId": request_id, "version": version})

    def report(self, at: datetime, request_id: str, figures: Figures, status: str) -> list[str]:
        metrics: dict[str, Any] = {
            "durationMs": round(figures.duration_ms, 3),
            "billedDurationMs": figures.billed_ms,
            "memorySizeMB": figures.memory_mb,
            "maxMemoryUsedMB": figures.used_mb,
        }
        if figures.init_ms is not None:
            metrics["initDurationMs"] = round(figures.init_ms, 3)
        return [_event(at, "platform.report", {"requestId": request_id, "metrics": metrics, "status": status})]


def _event(at: datetime, kind: str, record: dict[str, Any]) -> str:
    time = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    return msgspec.json.encode({"time": time, "type": kind, "record": record}).decode()
