"""What a target is given of an event: all of it, a part, a constant, or a template filled in.

In a template of lines of text, and inside the quotes of any, a list or an object loses its quotes; in a template that is an object it keeps
them, so that `"<list>"` makes no JSON and the target is never called (recordings of TestInputTransformer).
Source: "Input transformation" of the EventBridge user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault

_PATH: Final = re.compile(r"\$((?:\.[\w\-/ *@]+|\[\s*(?:\d+|\*|'[^']*'|\"[^\"]*\")\s*\])*)", re.UNICODE)
_STEP: Final = re.compile(r"\.([\w\-/ *@]+)|\[\s*(?:(\d+)|(\*)|'([^']*)'|\"([^\"]*)\")\s*\]")
_PLACE: Final = re.compile(r"<([A-Za-z0-9_.\-]+)>")
VARIABLES_MAX: Final = 100
RESERVED: Final = "aws.events."
EVENT: Final = "aws.events.event"
WHOLE_EVENT: Final = "aws.events.event.json"
RULE_ARN: Final = "aws.events.rule-arn"
RULE_NAME: Final = "aws.events.rule-name"
INGESTION: Final = "aws.events.event.ingestion-time"
PREDEFINED: Final = frozenset({EVENT, WHOLE_EVENT, RULE_ARN, RULE_NAME, INGESTION})
_MISSING: Final = object()


class NoInput(ValueError):
    """The template, filled in, is no JSON."""


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def check_input(target: dict[str, Any]) -> None:
    """Raises AWS's refusal of an input that could never be made."""
    target_id = target["Id"]
    if "Input" in target:
        try:
            msgspec.json.decode(target["Input"])
        except msgspec.DecodeError:
            raise fault("ValidationException", f"JSON syntax error in input for target {target_id} : {target['Input']}") from None
    if "InputPath" in target:
        _check_path(target["InputPath"], target_id)
    transformer = target.get("InputTransformer")
    if transformer is None:
        return
    paths = transformer.get("InputPathsMap", {})
    for name, path in paths.items():
        if name.lower().startswith("aws."):
            raise _wrong(f"InputPathsMap for target {target_id} contains a reserved key {name}.")
        _check_path(path, target_id)
    for name in _PLACE.findall(transformer["InputTemplate"]):
        if name not in paths and name not in PREDEFINED:
            raise _wrong(f"InputTemplate for target {target_id} contains invalid placeholder {name}.")


def _wrong(sentence: str) -> Fault:
    return fault("ValidationException", sentence)


def _check_path(path: str, target_id: str) -> None:
    if _PATH.fullmatch(path) is None:
        raise _wrong(f"Invalid JSON path in the input of target {target_id}: {path}")


def payload(target: dict[str, Any], event: bytes, rule_arn: str, ingested: datetime) -> bytes:
    """The input of one invocation. Raises NoInput."""
    if "Input" in target:
        return str(target["Input"]).encode()
    if "InputPath" in target:
        found = at_path(msgspec.json.decode(event), target["InputPath"])
        return msgspec.json.encode(None if found is _MISSING else found)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        whole = msgspec.json.decode(event)
        values = {name: at_path(whole, path) for name, path in transformer.get("InputPathsMap", {}).items()}
        values |= {
            RULE_ARN: rule_arn,
            RULE_NAME: rule_arn.rpartition("/")[2],
            INGESTION: iso(ingested),
            EVENT: {name: value for name, value in whole.items() if name != "detail"},
            WHOLE_EVENT: whole,
        }
        return filled(transformer["InputTemplate"], values).encode()
    return event


def filled(template: str, values: dict[str, Any]) -> str:
    is_json = template.lstrip()[:1] in {"{", "["}
    pieces: list[str] = []
    reached, is_inside = 0, False
    for found in _PLACE.finditer(template):
        before = template[reached : found.start()]
        is_inside ^= _quotes(before) % 2 == 1
        pieces += [before, _spelled(values.get(found[1], _MISSING), is_inside=is_inside, is_json=is_json)]
        reached = found.end()
    text = "".join([*pieces, template[reached:]])
    if is_json:
        try:
            msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise NoInput(f"the input template makes no JSON: {error}") from None
    return text


def _quotes(text: str) -> int:
    return len(re.findall(r'"', re.sub(r"\\.", "", text)))


def _spelled(value: Any, *, is_inside: bool, is_json: bool) -> str:
    if value is _MISSING:
        return "" if is_inside or not is_json else '""'
    written = msgspec.json.encode(value).decode()
    if not is_inside:
        return written
    if isinstance(value, str):
        return written[1:-1]
    return written if is_json else written.replace('"', "")


# -- JSON paths --------------------------------------------------------------------------------------------------------


@lru_cache(4096)
def _steps(path: str) -> tuple[str | int | None, ...]:
    """None stands for all."""
    return tuple(_read_steps(path))


def _read_steps(path: str) -> Iterator[str | int | None]:
    for found in _STEP.finditer(path[1:]):
        name, number, star, single, double = found.groups()
        if star is not None or name == "*":
            yield None
        elif number is not None:
            yield int(number)
        else:
            yield next(each for each in (name, single, double) if each is not None)


def at_path(value: Any, path: str) -> Any:
    """What stands there, or _MISSING; with a `*` the list of what stands in each."""
    found, is_many = [value], False
    for step in _steps(path):
        if step is None:
            is_many = True
            found = [each for one in found for each in _all_of(one)]
        else:
            found = [below for one in found if (below := _below(one, step)) is not _MISSING]
    if is_many:
        return found
    return found[0] if found else _MISSING


def text_at(event: Any, value: str) -> str:
    """A value of the user's; one that is a path, as it stands in the event: texts bare, other things as JSON, nothing as nothing."""
    if not value.startswith("$") or _PATH.fullmatch(value) is None:
        return value
    found = at_path(event, value)
    if isinstance(found, str):
        return found
    return "" if found is _MISSING else msgspec.json.encode(found).decode()


def _all_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, _MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _MISSING
