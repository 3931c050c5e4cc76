"""How the program logs: one line a fact, to standard error (a detached server's goes to HOME/log/headwater.log).

JSON for files, readable text for a terminal. A traceback never shows local variables: they may hold secrets.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
import structlog

SECRET_KEYS: Final = frozenset({"password", "secret", "secret_access_key", "session_token", "authorization", "payload", "body"})


def configure() -> None:
    """Set structlog up for this process; call it once, before the first line."""
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        last: list[structlog.typing.Processor] = [renderer]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            *last,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _without_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in SECRET_KEYS & event.keys():
        event[key] = "(not logged)"
    return event
