"""What the real AWS answered, held against what Headwater answers.

The recordings stand beside the repository and are never copied into it (`HEADWATER_SHARED`, by default `../shared`); where they are
absent, the tests that read them are skipped. A test makes the calls of a recorded case again and names the answer that each must
give. In a recording ids, ARNs and dates are references, `<name:1>`, `<name>` or a bare word of WORDS; one with a number must mean the
same value throughout a case.
"""

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[2] / "shared"))
RECORDINGS = SHARED / "data" / "recordings"
WORDS = frozenset({"datetime", "date", "last-modified", "owner-id", "i-d", "display-name", "bucket", "host-id"})
"""What the recordings put, without brackets, where a value was."""
REFERENCE = re.compile(r"<[^<>]*>")
IDS = frozenset({"RequestId", "HostId", "x-amz-request-id", "x-amz-id-2", "date", "server"})


@cache
def _recordings(service: str) -> dict[str, Any]:
    path = RECORDINGS / f"{service}.json"
    if not path.exists():
        pytest.skip(f"AWS's recorded answers are not here: {path}")
    recordings: dict[str, Any] = json.loads(path.read_bytes())
    return recordings


class Recorded:
    """One recorded case. `answers` makes a call and compares; the block's end says all that differs, and what was not asked."""

    def __init__(self, service: str, case: str, *, left_out: dict[str, str] | None = None, apart: tuple[str, ...] = ()) -> None:
        self._answers = _recordings(service)[case]["answers"]
        self._case = case
        self._left_out = left_out or {}
        self._apart = frozenset(apart) | IDS
        self._bound: dict[str, Any] = {}
        self._asked: set[str] = set()
        self.differences: list[str] = []

    def __enter__(self) -> "Recorded":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            unasked = self._answers.keys() - self._asked - self._left_out.keys()
            assert not unasked, f"{self._case}: not asked: {sorted(unasked)}"
            assert not self.differences, "\n".join([self._case, *self.differences])

    def answers(self, label: str, call: Callable[..., Any], /, *arguments: Any, **parameters: Any) -> Any:
        """Call, and hold the answer or the error against the recorded one."""
        try:
            answer = call(*arguments, **parameters)
        except botocore.exceptions.ClientError as error:
            answer = error.response
        self.is_as(label, answer)
        return answer

    def is_as(self, label: str, answer: Any) -> None:
        self._asked.add(label)
        self._compare(label, self._answers[label], answer)

    def _compare(self, at: str, said: Any, found: Any) -> None:
        if isinstance(said, dict) and isinstance(found, dict):
            self._compare_members(at, said, found)
        elif isinstance(said, list) and isinstance(found, list):
            if len(said) != len(found):
                self._differs(at, said, found)
            for number, (one, other) in enumerate(zip(said, found, strict=False)):
                self._compare(f"{at}[{number}]", one, other)
        elif isinstance(said, str):
            self._compare_text(at, said, found)
        elif said != found or type(said) is not type(found):
            self._differs(at, said, found)

    def _compare_members(self, at: str, said: dict[str, Any], found: dict[str, Any]) -> None:
        for name in sorted(said.keys() | found.keys()):
            if name in self._apart:
                continue
            if name == "ResponseMetadata":
                one, other = said.get(name, {}).get("HTTPStatusCode"), found.get(name, {}).get("HTTPStatusCode")
                if one is not None and one != other:
                    self._differs(f"{at}.status", one, other)
            elif name not in found:
                self._differs(f"{at}.{name}", said[name], "absent")
            elif name not in said:
                self._differs(f"{at}.{name}", "absent", found[name])
            else:
                self._compare(f"{at}.{name}", said[name], found[name])

    def _compare_text(self, at: str, said: str, found: Any) -> None:
        if said in WORDS or isinstance(found, datetime):
            return
        if REFERENCE.fullmatch(said):
            if ":" in said and self._bound.setdefault(said, found) != found:
                self._differs(at, f"{said} = {self._bound[said]}", found)
            return
        pattern, references = re.escape(said), REFERENCE.findall(said)
        for number, reference in enumerate(references):
            pattern = pattern.replace(re.escape(reference), f"(?P<r{number}>.+?)", 1)
        matched = re.fullmatch(pattern, found, re.DOTALL) if isinstance(found, str) else None
        if matched is None:
            self._differs(at, said, found)

    def _differs(self, at: str, said: Any, found: Any) -> None:
        self.differences.append(f"  {at}: AWS {said!r}, here {found!r}")
