"""What the application's log and the functions' logs come to: requests, refused logins, and the window in which logins can be refused."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import credentials

LATE_S = 0.5
SHIPPED_WITHIN_S = 15
STEP = re.compile(r"\[INFO\].*\t(createSecret|setSecret|testSecret|finishSecret): ")


class Request(NamedTuple):
    """One request of the application; moments in the machine's time."""

    at: float
    ms: float
    refused: list[tuple[float, float]]
    """Of each refused login: when the secret was asked for, and when the login was refused."""
    failure: str | None

    @property
    def logged_in_at(self) -> float:
        return self.at + self.ms / 1000


class Rotation(NamedTuple):
    """From the end of setSecret to the end of finishSecret, as the function's log has it; moments in the machine's time."""

    what: str
    set_at: float
    finished_at: float

    @property
    def window_ms(self) -> float:
        return (self.finished_at - self.set_at) * 1000

    def explains(self, asked: float, refused: float) -> bool:
        """A login is refused where the secret was read before AWSCURRENT moved, and the password had changed. The log is a little late."""
        return refused >= self.set_at - LATE_S and asked <= self.finished_at


class Figures(NamedTuple):
    """A case's outcome."""

    title: str
    requests: list[Request]
    rotations: list[Rotation]
    seconds: float

    @property
    def failed(self) -> list[Request]:
        return [request for request in self.requests if request.failure is not None]

    @property
    def refused(self) -> list[float]:
        return sorted(refused for request in self.requests for _, refused in request.refused)

    @property
    def unexplained(self) -> list[tuple[float, float]]:
        """Logins that were refused though no rotation was in its window."""
        every = [login for request in self.requests for login in request.refused]
        return [login for login in every if not any(rotation.explains(*login) for rotation in self.rotations)]

    def refused_in(self, rotation: Rotation) -> list[float]:
        """Those that this rotation brought about: of two, the one that is nearer."""
        return [moment for moment in self.refused if min(self.rotations, key=lambda each: abs(moment - each.set_at)) == rotation]

    @property
    def rate(self) -> float:
        first, last = self.requests[0].at, self.requests[-1].at
        return (len(self.requests) - 1) / (last - first)

    @property
    def longest_ms(self) -> float:
        return max(request.ms for request in self.requests)

    @property
    def median_ms(self) -> float:
        return sorted(request.ms for request in self.requests)[len(self.requests) // 2]


def requests_in(path: Path) -> list[Request]:
    """Those that have ended, in the order in which they began."""
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted(Request(**json.loads(line)) for line in lines if line.endswith("}"))


def rotation_of(aws: boto3.session.Session, function: str, version: str, what: str) -> Rotation:
    """When the two steps of this version ended. The log is in AWS time, and shipped a moment later."""
    ahead = credentials.clock()
    end = time.monotonic() + SHIPPED_WITHIN_S
    while "finishSecret" not in (steps := {step: at for at, step in _steps(aws, function, version)}):
        if time.monotonic() > end:
            raise TimeoutError(f"the log of {function} does not tell of finishSecret")
        time.sleep(0.05)
    return Rotation(what, steps["setSecret"] - ahead, steps["finishSecret"] - ahead)


def _steps(aws: boto3.session.Session, function: str, version: str) -> Iterator[tuple[float, str]]:
    """When each step of the rotation to this version told that it had done its work."""
    logs = aws.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        events: list[dict[str, Any]] = sorted((event for page in pages for event in page["events"]), key=lambda event: event["timestamp"])
    except logs.exceptions.ResourceNotFoundException:
        return  # nothing has been shipped yet
    begun = [number for number, event in enumerate(events) if "createSecret:" in event["message"] and version in event["message"]]
    for event in events[begun[-1] :] if begun else ():
        told = STEP.search(event["message"])
        if told is not None:
            yield event["timestamp"] / 1000, told[1]
