"""Form bodies (`Action=…&Name.member.1=…`) to native values: the inputs of the query and ec2 protocols.

The flat names become a tree once, cut at the dots; then closures walk the tree as the model says. Lists are understood in each
of the ways SDKs have written them: `Name.N`, `Name.member.N`, `Name.ItemName.N`.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote_plus

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Member, Shape
from headwater.aws.protocols.xml_trees import TEXT_READERS

_Tree = dict[str, Any]  # str at the leaves; a branch's own text, if it has one, under ""
Read = Callable[[Any], Any]

DEPTH_MAX: Final = 32
PAIRS_MAX: Final = 20_000


def malformed_input(message: str) -> Fault:
    return fault("MalformedInput", message)


def form_pairs(text: str) -> list[tuple[str, str]]:
    """The decoded names and values of a form or query string, in order."""
    if not text:
        return []
    pairs = text.split("&")
    if len(pairs) > PAIRS_MAX:
        raise malformed_input("Too many parameters")
    found = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            found.append((unquote_plus(name), unquote_plus(value)))
        elif pair:
            found.append((name, value))
    return found


def grow(pairs: list[tuple[str, str]]) -> _Tree:
    """The tree that dotted names spell."""
    root: _Tree = {}
    for name, value in pairs:
        if "." not in name and name not in root:
            root[name] = value
            continue
        segments = name.split(".")
        if len(segments) > DEPTH_MAX:
            raise malformed_input(f"{name[:100]} is nested too deep")
        branch = root
        for segment in segments[:-1]:
            below = branch.get(segment)
            if not isinstance(below, dict):
                below = branch[segment] = {} if below is None else {"": below}
            branch = below
        last = branch.get(segments[-1])
        if isinstance(last, dict):
            last[""] = value
        else:
            branch[segments[-1]] = value
    return root


class FormReader:
    """`ec2`: names are capitalised, lists always flat."""

    def __init__(self, *, ec2: bool) -> None:
        self._ec2 = ec2
        self._known: dict[str, Read] = {}

    def shape(self, shape: Shape) -> Read:
        if shape.type == "structure":
            return self.structure(shape)
        if shape.type == "list":
            return self._list(shape)
        if shape.type == "map":
            return self._map(shape)
        return _leaf(TEXT_READERS[shape.type], shape.type)

    def structure(self, shape: Shape) -> Read:
        known = self._known.get(shape.name)
        if known is not None:
            return known
        table: dict[str, tuple[str, Read]] = {}

        def read(tree: Any) -> dict[str, Any]:
            if type(tree) is not dict:
                if tree:
                    raise malformed_input("Unexpected simple value where a structure was expected")
                return {}
            found = {}
            for key, inner in tree.items():
                entry = table.get(key)
                if entry is not None:
                    found[entry[0]] = entry[1](inner)
            return found

        self._known[shape.name] = read
        for name, member in shape.members.items():
            entry = (name, self.shape(member.shape))
            for wire_name in self._wire_names(member):
                table.setdefault(wire_name, entry)
        return read

    def _wire_names(self, member: Member) -> list[str]:
        if self._ec2:
            name = member.query_name or member.wire_name
            return [name if member.query_name else name[0].upper() + name[1:]]
        if member.flattened and member.shape.type == "list" and member.shape.element.location_name:
            return [member.shape.element.location_name, member.wire_name]
        return [member.wire_name]

    def _list(self, shape: Shape) -> Read:
        convert = self.shape(shape.element.shape)

        def read(tree: Any) -> list[Any]:
            if type(tree) is not dict:
                if tree:
                    raise malformed_input("Unexpected simple value where a list was expected")
                return []
            return [convert(inner) for inner in _numbered(tree)]

        return read

    def _map(self, shape: Shape) -> Read:
        key_name, value_name = shape.key.location_name or "key", shape.value.location_name or "value"
        convert = self.shape(shape.value.shape)

        def read(tree: Any) -> dict[str, Any]:
            found = {}
            for entry in _numbered(tree) if type(tree) is dict else []:
                if type(entry) is not dict or key_name not in entry:
                    raise malformed_input("A map's entry needs a key")
                key = entry[key_name]
                found[key if type(key) is str else key.get("", "")] = convert(entry.get(value_name, ""))
            return found

        return read


def _numbered(tree: _Tree) -> list[Any]:
    """A list's elements in the order of their numbers, whatever stands between the list's name and them."""
    numbers = [key for key in tree if key.isdecimal()]
    if not numbers:
        below = [inner for key, inner in tree.items() if key and type(inner) is dict]
        tree = below[0] if below else {}
        numbers = [key for key in tree if key.isdecimal()]
    return [tree[key] for key in sorted(numbers, key=lambda digits: int(digits[:9]))]


def _leaf(convert: Callable[[str], Any], type_name: str) -> Read:
    def read(tree: Any) -> Any:
        text = tree if type(tree) is str else tree.get("")
        if text is None:
            raise malformed_input("Unexpected complex element where a simple value was expected")
        try:
            return convert(text)
        except ValueError as error:
            raise malformed_input(f"Invalid value '{text[:100]}' for a {type_name}") from error

    return read
