"""XML to native values and back, for the REST-XML services and the answers of the query ones.

Reading walks the light tree of `xml_nodes`; writing appends text to a list. Names follow the traits as botocore's parser reads
them: a flattened list's elements stand where the list would, named after the element if that has a name of its own.
"""

import binascii
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from headwater.aws.models import Member, Shape
from headwater.aws.protocols import timestamps
from headwater.aws.protocols.trees import BOUND_OUT, MOMENT_WRITERS, float_text
from headwater.aws.protocols.xml_nodes import Node, XmlRefused

Read = Callable[[Node], Any]
Write = Callable[[Any, list[str]], None]
_Place = tuple[str, bool, Read]  # the API's name, whether each such element is one of a list (or map), its reader

_CONTROLS: Final = {code: f"&#{code};" for code in (*range(9), 11, 12, *range(13, 32))}
_ATTRIBUTE: Final = {**_CONTROLS, 9: "&#9;", 10: "&#10;", ord('"'): "&quot;"}


class XmlReader:
    def __init__(self) -> None:
        self._known: dict[str, Read] = {}

    def shape(self, shape: Shape) -> Read:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list":
            return self._list(shape)
        if shape.type == "map":
            return self._map(shape)
        convert = TEXT_READERS[shape.type]
        return lambda node: convert(node.text)

    def _structure(self, shape: Shape) -> Read:
        known = self._known.get(shape.name)
        if known is not None:
            return known
        elements: dict[str, _Place] = {}
        attributes: dict[str, tuple[str, Callable[[str], Any]]] = {}

        def read(node: Node) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for child in node.children:
                place = elements.get(child.tag)
                if place is not None:
                    name, gathers, inner = place
                    found[name] = _gathered(found[name], inner(child)) if gathers and name in found else inner(child)
            for key, (name, convert) in attributes.items():
                if key in node.attributes:
                    found[name] = convert(node.attributes[key])
            return found

        self._known[shape.name] = read
        in_body = {name: member for name, member in shape.members.items() if member.location is None}
        for name, member in in_body.items():
            if member.xml_attribute:
                attributes[member.wire_name] = (name, TEXT_READERS[member.shape.type])
            else:
                self._place(elements, name, member)
        return read

    def _place(self, elements: dict[str, _Place], name: str, member: Member) -> None:
        if member.flattened and member.shape.type == "list":
            element = member.shape.element
            one = self.shape(element.shape)
            elements[member.wire_name] = (name, True, lambda node: [one(node)])
            if element.location_name:
                elements.setdefault(element.location_name, elements[member.wire_name])
        elif member.flattened and member.shape.type == "map":
            pair = self._pair(member.shape)
            elements[member.wire_name] = (name, True, lambda node: dict([pair(node)]))
        else:
            elements[member.wire_name] = (name, False, self.shape(member.shape))

    def _list(self, shape: Shape) -> Read:
        convert = self.shape(shape.element.shape)
        return lambda node: [convert(child) for child in node.children]

    def _map(self, shape: Shape) -> Read:
        pair = self._pair(shape)
        return lambda node: dict(pair(child) for child in node.children)

    def _pair(self, shape: Shape) -> Callable[[Node], tuple[str, Any]]:
        key_tag, value_tag = shape.key.location_name or "key", shape.value.location_name or "value"
        convert = self.shape(shape.value.shape)

        def read(node: Node) -> tuple[str, Any]:
            found = {child.tag: child for child in node.children}
            if key_tag not in found or value_tag not in found:
                raise XmlRefused("an entry without key or value")
            return found[key_tag].text, convert(found[value_tag])

        return read


def _gathered(so_far: Any, more: Any) -> Any:
    """A flattened list or map grows element by element."""
    if isinstance(so_far, list):
        so_far += more
    else:
        so_far |= more
    return so_far


def read_boolean(text: str) -> bool:
    """XML's, form's and header's booleans. Raises ValueError."""
    lowered = text.strip().lower()
    if lowered in {"true", "1"}:
        return True
    if lowered in {"false", "0"}:
        return False
    raise ValueError(f"no boolean: {text}")


def read_integer(text: str) -> int:
    """The models' integer: of 32 bits. Raises ValueError."""
    number = int(text)
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"more than 32 bits: {text}")
    return number


def read_base64(text: str) -> bytes:
    return binascii.a2b_base64(text)


# What a leaf's text becomes: shared by XML, forms, headers, query strings and labels. Each raises ValueError.
TEXT_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "string": str,
    "character": str,
    "integer": read_integer,
    "long": int,
    "float": float,
    "double": float,
    "boolean": read_boolean,
    "blob": read_base64,
    "timestamp": timestamps.moment,
}


def _escape(value: str) -> str:
    if "&" in value:
        value = value.replace("&", "&amp;")
    if "<" in value:
        value = value.replace("<", "&lt;")
    return value.replace(">", "&gt;") if ">" in value else value


def text_of(value: str) -> str:
    """`value` as character data. What XML cannot hold is written as S3 does, as a reference."""
    escaped = _escape(value) if "&" in value or "<" in value or ">" in value else value
    return escaped if escaped.isprintable() else escaped.translate(_CONTROLS)


def attribute_of(value: str) -> str:
    return f'"{_escape(value).translate(_ATTRIBUTE)}"'


def boolean_text(value: bool) -> str:
    return "true" if value else "false"


def base64_text(value: bytes) -> str:
    return b64encode(value).decode()


def text_writer(shape: Shape, timestamp_format: str | None, default_format: str) -> Callable[[Any], str]:
    """How a leaf is written as text, unescaped: in XML, in a header."""
    if shape.type == "timestamp":
        write = MOMENT_WRITERS[timestamp_format or shape.timestamp_format or default_format]
        return lambda value: str(write(value))
    return _TEXT_WRITERS.get(shape.type, str)


_TEXT_WRITERS: Final[dict[str, Callable[[Any], str]]] = {
    "boolean": boolean_text,
    "blob": base64_text,
    "float": float_text,
    "double": float_text,
}


class XmlWriter:
    """Compiles shapes into closures that append an element's text. `milliseconds`: moments always have them (S3)."""

    def __init__(self, *, milliseconds: bool = False) -> None:
        self._known: dict[str, Write] = {}
        self._milliseconds = milliseconds

    def element(self, tag: str, member: Member) -> Write:
        """Writes a member: one element, or several where the member is flattened."""
        if member.flattened and member.shape.type == "list":
            return self._each(member.shape.element.location_name or tag, member.shape.element)
        if member.flattened and member.shape.type == "map":
            return self._entries(tag, member.shape)
        return self.wrapped(tag, member)

    def wrapped(self, tag: str, member: Member) -> Write:
        """Writes `<tag>` around the member's content."""
        shape = member.shape
        start, end = f"<{tag}{namespace_text(member.xml_namespace or shape.xml_namespace)}>", f"</{tag}>"
        if shape.type not in {"structure", "list", "map"}:
            return self._leaf(start, end, member)
        attributes = self.attributes(shape)
        content = self.content(shape)

        def write(value: Any, out: list[str]) -> None:
            out.append(start if attributes is None else f"{start[:-1]}{attributes(value)}>")
            content(value, out)
            out.append(end)

        return write

    def _leaf(self, start: str, end: str, member: Member) -> Write:
        if member.shape.type == "timestamp" and self._milliseconds and member.timestamp_format in {None, "iso8601"}:
            return lambda value, out: out.append(f"{start}{timestamps.iso8601_milliseconds(value)}{end}")
        text = text_writer(member.shape, member.timestamp_format, "iso8601")
        if member.shape.type in {"string", "character"}:
            return lambda value, out: out.append(f"{start}{text_of(value)}{end}")
        return lambda value, out: out.append(f"{start}{text(value)}{end}")

    def content(self, shape: Shape) -> Write:
        """Writes what stands inside the shape's element."""
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list":
            return self._each(shape.element.location_name or "member", shape.element)
        return self._entries("entry", shape)

    def structure(self, shape: Shape) -> Write:
        known = self._known.get(shape.name)
        if known is not None:
            return known
        members: dict[str, Write] = {}
        elsewhere = {name for name, member in shape.members.items() if member.location in BOUND_OUT or member.xml_attribute}

        def write(value: dict[str, Any], out: list[str]) -> None:
            for name, inner in value.items():
                if inner is None:
                    continue
                member = members.get(name)
                if member is None:
                    assert name in elsewhere, f"{shape.name} has no member {name}"
                    continue
                member(inner, out)

        self._known[shape.name] = write
        for name, member in shape.members.items():
            if name not in elsewhere:
                members[name] = self.element(member.wire_name, member)
        return write

    def attributes(self, shape: Shape) -> Callable[[dict[str, Any]], str] | None:
        named = {name: member for name, member in shape.members.items() if member.xml_attribute} if shape.type == "structure" else {}
        if not named:
            return None

        def write(value: dict[str, Any]) -> str:
            present = [(member.wire_name, value[name]) for name, member in named.items() if value.get(name) is not None]
            return "".join(f" {wire}={attribute_of(str(inner))}" for wire, inner in present)

        return write

    def _each(self, tag: str, element: Member) -> Write:
        one = self.wrapped(tag, element)

        def write(value: list[Any], out: list[str]) -> None:
            for inner in value:
                one(inner, out)

        return write

    def _entries(self, tag: str, shape: Shape) -> Write:
        write_key = self.wrapped(shape.key.location_name or "key", shape.key)
        write_value = self.wrapped(shape.value.location_name or "value", shape.value)

        def write(value: dict[str, Any], out: list[str]) -> None:
            for key, inner in value.items():
                out.append(f"<{tag}>")
                write_key(key, out)
                write_value(inner, out)
                out.append(f"</{tag}>")

        return write


def namespace_text(namespace: dict[str, str] | str | None) -> str:
    """` xmlns="…"`, or nothing."""
    if namespace is None:
        return ""
    if isinstance(namespace, str):
        return f' xmlns="{namespace}"'
    prefix = namespace.get("prefix")
    return f' xmlns{":" + prefix if prefix else ""}="{namespace["uri"]}"'
