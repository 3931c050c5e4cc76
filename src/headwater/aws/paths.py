"""The path tables of the REST services: method and path to operation and labels, compiled from the models' http traits.

A trie over raw path segments (so that an encoded slash stays inside its segment) leads to candidates; constants in the
model's query (`?uploads`), then the members that an operation requires in query and headers, decide between them. S3's table is
the hard one: PUT on a key is PutObject, CopyObject, UploadPart, UploadPartCopy or one of ten sub-resources.
"""

import re
from typing import Final
from urllib.parse import unquote

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Operation
from headwater.aws.protocols.forms import form_pairs
from headwater.aws.wire import Request

_LABEL: Final = re.compile(r"\{([^}+]+)(\+?)\}")
_CUT_OFF: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Candidate:
    """An operation at a place, with what distinguishes it from the others there."""

    def __init__(self, operation: Operation, labels: list[str], constants: dict[str, str]) -> None:
        self.name = operation.name
        self.labels = labels
        self.constants = constants
        self.queries: list[str] = []
        self.headers: list[str] = []
        members = operation.input.members if operation.input else {}
        for name in operation.input.required if operation.input else []:
            if members[name].location == "querystring":
                self.queries.append(members[name].wire_name)
            elif members[name].location == "header":
                self.headers.append(members[name].wire_name.lower())
        self.weight = (len(constants), len(self.queries) + len(self.headers))

    def fits(self, query: dict[str, str]) -> bool:
        for key, value in self.constants.items():  # noqa: SIM110  # as a generator in all() it costs three times as much
            if key not in query or (value and query[key] != value):
                return False
        return True

    def satisfied(self, query: dict[str, str], headers: dict[str, str]) -> bool:
        for key in self.queries:
            if key not in query:
                return False
        for key in self.headers:  # noqa: SIM110  # the same
            if key not in headers:
                return False
        return True


class _Place:
    """The candidates for one method at the end of a path, most demanding first; `bare` are those possible without a query string."""

    __slots__ = ("all", "bare")

    def __init__(self) -> None:
        self.all: list[Candidate] = []
        self.bare: list[Candidate] = []

    def settle(self, *, exact: bool) -> None:
        self.all.sort(key=lambda candidate: candidate.weight, reverse=True)
        self.bare = [candidate for candidate in self.all if not candidate.constants and not (exact and candidate.queries)]


class _Node:
    __slots__ = ("greedy", "here", "label", "literals")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: list[tuple[list[str], _Node]] = []  # what must follow the greedy label, and where that leads
        self.here: dict[str, _Place] = {}


class PathTable:
    """`exact`: an operation whose required query members and headers are absent is not meant (S3); elsewhere it is, and refused later."""

    def __init__(self, operations: list[Operation], *, exact: bool = False) -> None:
        self._root = _Node()
        self._exact = exact
        for operation in operations:
            self._add(operation)
        self._sort(self._root)

    def _add(self, operation: Operation) -> None:
        path, _, query = operation.uri.partition("?")
        labels: list[str] = []
        node = self._root
        segments = [segment for segment in path.split("/") if segment]
        for position, segment in enumerate(segments):
            label = _LABEL.fullmatch(segment)
            if label is None:
                node = node.literals.setdefault(segment, _Node())
                continue
            labels.append(label.group(1))
            if label.group(2):
                following = segments[position + 1 :]
                below = _Node()
                node.greedy.append((following, below))
                node = below
                break
            if node.label is None:
                node.label = _Node()
            node = node.label
        node.here.setdefault(operation.method, _Place()).all.append(Candidate(operation, labels, dict(form_pairs(query))))

    def _sort(self, node: _Node) -> None:
        for place in node.here.values():
            place.settle(exact=self._exact)
        merged: dict[tuple[str, ...], _Node] = {}
        for following, below in node.greedy:
            kept = merged.setdefault(tuple(following), below)
            if kept is not below:
                for method, place in below.here.items():
                    kept.here.setdefault(method, _Place()).all.extend(place.all)
        node.greedy = sorted(((list(key), below) for key, below in merged.items()), key=lambda entry: -len(entry[0]))
        for inner in [*node.literals.values(), *(below for _, below in node.greedy), *([node.label] if node.label else [])]:
            self._sort(inner)

    def find(self, request: Request, segments: list[str]) -> tuple[str, dict[str, str]] | None:
        """The operation's name and its labels, decoded; None where no operation has this place."""
        values: list[str] = []
        node = _walk(self._root, segments, 0, values, request.method)
        if node is None:
            return None
        candidate = self._choose(node.here[request.method], request)
        if candidate is None:
            return None
        if "%" in request.path:
            values = [self._decoded(value, request) for value in values]
        return candidate.name, dict(zip(candidate.labels, values, strict=True))

    def _decoded(self, value: str, request: Request) -> str:
        if not self._exact:
            return unquote(value)
        if _CUT_OFF.search(value):
            raise _invalid_uri(request)
        try:
            return unquote(value, errors="strict")  # S3's keys are UTF-8: other bytes could not be listed
        except UnicodeDecodeError:
            raise _invalid_uri(request) from None

    def _choose(self, place: _Place, request: Request) -> Candidate | None:
        query = dict(form_pairs(request.query)) if request.query else {}
        fitting = [candidate for candidate in place.all if candidate.fits(query)] if query else place.bare
        for candidate in fitting:
            if candidate.satisfied(query, request.headers):
                return candidate
        return fitting[0] if fitting and not self._exact else None


def _invalid_uri(request: Request) -> Fault:
    return fault("InvalidURI", "Couldn't parse the specified URI.", URI=request.path)


def _walk(node: _Node, segments: list[str], position: int, values: list[str], method: str) -> _Node | None:
    if position == len(segments):
        return node if method in node.here else None
    segment = segments[position]
    literal = node.literals.get(segment)
    if literal is not None:
        found = _walk(literal, segments, position + 1, values, method)
        if found is not None:
            return found
    depth = len(values)
    if node.label is not None and segment:
        values.append(segment)
        found = _walk(node.label, segments, position + 1, values, method)
        if found is not None:
            return found
        del values[depth:]
    for following, below in node.greedy:
        end = len(segments) - len(following)
        if end > position and method in below.here and segments[end:] == following:
            values.append("/".join(segments[position:end]))
            return below
    return None


def path_segments(path: str, *, keeps_slashes: bool = False) -> list[str]:
    """The raw segments of a path. A trailing slash says nothing, except inside an S3 key (`keeps_slashes`)."""
    segments = path.split("/")[1:]
    if not keeps_slashes:
        return [segment for segment in segments if segment]
    if len(segments) == 2 and not segments[1]:  # /bucket/ is the bucket
        del segments[1]
    return segments if segments != [""] else []
