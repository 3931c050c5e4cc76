"""Compares our answers with those that AWS gave: recordings/<service>.json, made against real accounts.

A recording spells what differs from run to run as a reference: `<uuid:1>` is whatever stood there, and the same wherever it
stands again; `<uuid:2>` is something else. Everything else has to be equal: members present and absent, their values, order
and HTTP status. A case is replayed as boto3 calls; an answer that is left out is named, with the reason.
The recordings are not in this repository: HEADWATER_SHARED says where they are, else the folder `shared` beside it.
"""

import copy
import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[3] / "shared"))
_REFERENCE = re.compile(r"<([^<>:]+(?::\d+)?)>")
_RUN = re.compile(r"<a:len\((\d+)\)>")  # a long name
_TIMES = {"date", "datetime", "timestamp"}


@cache
def _recordings(service: str) -> dict[str, Any]:
    path = SHARED / "data" / "recordings" / f"{service}.json"
    if not path.is_file():
        pytest.skip(f"no recordings of AWS at {path}")
    recordings: dict[str, Any] = json.loads(path.read_text())
    return recordings


class Case:
    """One recorded case, while it is replayed."""

    def __init__(self, service: str, name: str, account: str, region: str) -> None:
        recordings = _recordings(service)
        self._answers: dict[str, Any] = copy.deepcopy(recordings[name]["answers"])  # a test may take away what it compares itself
        self._left = set(self._answers)
        self._meant: dict[str, Any] = {"partition": "aws", "region": region}
        self._account = account
        self.differences: list[str] = []

    def means(self, references: dict[str, str]) -> None:
        """What a reference stands for, where it is the caller who chooses."""
        self._meant |= references

    def says(self, answer: str, ours: Any) -> None:
        self._left.discard(answer)
        self._compare(self._answers[answer], ours, answer)

    def refuses(self, answer: str, call: Callable[..., Any], **request: Any) -> None:
        self.says(answer, refusal(call, **request))

    def recorded(self, answer: str) -> Any:
        """What AWS said, for a request that has to be made of it."""
        return self._answers[answer]

    def leaves(self, *answers: str, because: str) -> None:
        assert because
        assert set(answers) <= self._left, f"{set(answers) - self._left} is not recorded"
        self._left -= set(answers)

    def ends(self) -> None:
        found = self.differences + [f"{answer}: not replayed" for answer in sorted(self._left)]
        assert not found, "\n".join(found)

    def _compare(self, recorded: Any, ours: Any, where: str) -> None:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for name in sorted(recorded.keys() | ours.keys()):
                self._compare_member(name, recorded, ours, where)
        elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
            for number, (theirs, our) in enumerate(zip(recorded, ours, strict=True)):
                self._compare(theirs, our, f"{where}[{number}]")
        elif not self._same(recorded, ours):
            self.differences.append(f"{where}: AWS {recorded!r}; we {ours!r}")

    def _compare_member(self, name: str, recorded: dict[str, Any], ours: dict[str, Any], where: str) -> None:
        if name == "ResponseMetadata":
            theirs = recorded.get(name, {}).get("HTTPStatusCode")
            if theirs is not None:
                self._compare(theirs, ours.get(name, {}).get("HTTPStatusCode"), f"{where} HTTP status")
        elif name not in ours:
            self.differences.append(f"{where}.{name}: we do not say it; AWS {recorded[name]!r}")
        elif name not in recorded:
            self.differences.append(f"{where}.{name}: AWS does not say it; we {ours[name]!r}")
        elif recorded[name] != _spelled(name):
            self._compare(recorded[name], ours[name], f"{where}.{name}")

    def _same(self, recorded: Any, ours: Any) -> bool:
        if not isinstance(recorded, str):
            return bool(recorded == ours)
        whole = _REFERENCE.fullmatch(recorded)
        if whole and whole[1] not in self._meant:
            return self._mean(whole[1], ours)
        if recorded in _TIMES:
            return True
        if not isinstance(ours, str):
            return False
        recorded = _RUN.sub(lambda run: "a" * int(run[1]), recorded)
        pieces = _REFERENCE.split(recorded)
        text, new = "", []
        for literal, name in zip(pieces[::2], [*pieces[1::2], None], strict=True):
            text += re.escape(literal.replace("111111111111", self._account))
            if name in self._meant:
                text += re.escape(str(self._meant[name]))
            elif name is not None and name in new:
                text += f"(?P=r{new.index(name)})"
            elif name is not None:
                text += f"(?P<r{len(new)}>.+?)"
                new.append(name)
        found = re.fullmatch(text, ours, re.DOTALL)
        return found is not None and all(self._mean(name, found[f"r{number}"]) for number, name in enumerate(new))

    def _mean(self, name: str, value: Any) -> bool:
        kind, numbered, _ = name.partition(":")
        if not numbered:  # such a reference stands for anything
            return True
        others = [meant for other, meant in self._meant.items() if other.startswith(f"{kind}:")]
        self._meant[name] = value
        return value not in others


def refusal(call: Callable[..., Any], **request: Any) -> Any:
    """What a call is refused with, as boto3 hands it over; None where it is not refused."""
    try:
        call(**request)
    except botocore.exceptions.ClientError as error:
        return error.response
    except botocore.exceptions.ParamValidationError as error:
        return str(error)
    return None


def _spelled(member: str) -> str:
    """A member's own name in place of its value: recorded as of no interest."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", member).lower()
