"""What REST binds outside the body: labels of the path, query strings, headers, the status; in both directions.

Compiled to lists of (place, name, converter), so that a request touches only the members its operation has.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from headwater.aws.faults import Fault
from headwater.aws.models import Member, Shape
from headwater.aws.protocols.forms import form_pairs
from headwater.aws.protocols.mime_words import mime_word
from headwater.aws.protocols.trees import read_base64_json
from headwater.aws.protocols.xml_trees import TEXT_READERS, base64_text, text_writer
from headwater.aws.wire import Request

Refuse = Callable[[str, str], Fault]  # (what the wire calls the member, its text) -> the service's own fault


def _text_reader(member: Member, refuse: Refuse) -> Callable[[str], Any]:
    wire_name = member.wire_name
    if member.jsonvalue:
        return read_base64_json
    convert = TEXT_READERS[member.shape.type]
    if convert is str:
        return str

    def read(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise refuse(wire_name, text) from error

    return read


class Inbound:
    """Reads the bound members of an input into `found`."""

    def __init__(self, shape: Shape, refuse: Refuse) -> None:
        self._labels: list[tuple[str, str, Callable[[str], Any]]] = []
        self._headers: dict[str, tuple[str, Callable[[str], Any]]] = {}
        self._prefixes: list[tuple[str, str]] = []
        self._query: dict[str, tuple[str, Callable[[list[str]], Any]]] = {}
        self._rest_of_query: tuple[str, bool] | None = None
        for name, member in shape.members.items():
            if member.location == "uri":
                self._labels.append((member.wire_name, name, _text_reader(member, refuse)))
            elif member.location == "header":
                self._headers[member.wire_name.lower()] = (name, _header_reader(member, refuse))
            elif member.location == "headers":
                self._prefixes.append(((member.location_name or "").lower(), name))
            elif member.location == "querystring":
                self._bind_query(name, member, refuse)

    def _bind_query(self, name: str, member: Member, refuse: Refuse) -> None:
        if member.shape.type == "map":
            self._rest_of_query = (name, member.shape.value.shape.type == "list")
        elif member.shape.type == "list":
            convert = _text_reader(member.shape.element, refuse)
            self._query[member.wire_name] = (name, lambda texts: [convert(text) for text in texts])
        else:
            one = _text_reader(member, refuse)
            self._query[member.wire_name] = (name, lambda texts: one(texts[-1]))

    def read(self, request: Request, labels: dict[str, str], found: dict[str, Any]) -> None:
        for label, name, convert in self._labels:
            if label in labels:
                found[name] = convert(labels[label])
        headers = request.headers
        for header, text in headers.items():  # fewer than an operation of S3 can bind
            bound = self._headers.get(header)
            if bound is not None:
                found[bound[0]] = bound[1](text)
        for prefix, name in self._prefixes:
            matching = {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)}
            if matching:
                found[name] = matching
        if request.query and (self._query or self._rest_of_query):
            self._read_query(request.query, found)

    def _read_query(self, query: str, found: dict[str, Any]) -> None:
        texts: dict[str, list[str]] = {}
        for key, text in form_pairs(query):
            texts.setdefault(key, []).append(text)
        for key, values in texts.items():
            if key in self._query:
                name, convert = self._query[key]
                found[name] = convert(values)
        if self._rest_of_query is not None:
            name, lists = self._rest_of_query
            rest = {key: values for key, values in texts.items() if key not in self._query}
            if rest:
                found[name] = rest if lists else {key: values[-1] for key, values in rest.items()}


def _header_reader(member: Member, refuse: Refuse) -> Callable[[str], Any]:
    if member.shape.type != "list":
        return _text_reader(member, refuse)
    element = member.shape.element
    convert = _text_reader(element, refuse)
    if element.shape.type == "timestamp" and element.timestamp_format in {None, "rfc822"}:
        return lambda text: [convert(moment) for moment in _pairwise_at_commas(text)]
    return lambda text: [convert(part) for part in _split_header(text)]


def _pairwise_at_commas(text: str) -> list[str]:
    """RFC 822 moments hold one comma each, so a list of them is cut at every second one."""
    parts = text.split(",")
    return [",".join(parts[start : start + 2]).strip() for start in range(0, len(parts), 2)]


def _split_header(text: str) -> list[str]:
    """A header's list: cut at commas, except inside quotes, whose backslashes are undone."""
    if not text.strip():
        return []
    if '"' not in text:
        return [part.strip() for part in text.split(",")]
    parts, part, quoted, position = [], "", False, 0
    while position < len(text):
        character = text[position]
        if quoted and character == "\\" and position + 1 < len(text):
            position += 1
            part += text[position]
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append(part.strip())
            part = ""
        else:
            part += character
        position += 1
    return [*parts, part.strip()]


class Outbound:
    """Writes the bound members of an output as headers, and finds its status."""

    def __init__(self, shape: Shape) -> None:
        self._headers: dict[str, tuple[str, Callable[[Any], str]]] = {}
        self._prefixes: list[tuple[str, str]] = []
        self.status_member: str | None = None
        for name, member in shape.members.items():
            if member.location == "header":
                self._headers[name] = (member.wire_name, _header_writer(member))
            elif member.location == "headers":
                self._prefixes.append((name, member.location_name or ""))
            elif member.location == "statusCode":
                self.status_member = name

    def write(self, result: dict[str, Any], headers: list[tuple[str, str]]) -> None:
        for name, value in result.items():
            if value is not None and name in self._headers:
                header, text = self._headers[name]
                headers.append((header, text(value)))
        for name, prefix in self._prefixes:
            for key, value in (result.get(name) or {}).items():
                headers.append((prefix + key, mime_word(value)))


def _header_writer(member: Member) -> Callable[[Any], str]:
    if member.jsonvalue:
        return lambda value: base64_text(msgspec.json.encode(value))
    if member.shape.type != "list":
        return text_writer(member.shape, member.timestamp_format, "rfc822")
    element = member.shape.element
    text = text_writer(element.shape, element.timestamp_format, "rfc822")
    if element.shape.type == "string":
        return lambda value: ", ".join(_quoted(inner) for inner in value)
    return lambda value: ", ".join(text(inner) for inner in value)


def _quoted(text: str) -> str:
    if "," not in text and '"' not in text:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
