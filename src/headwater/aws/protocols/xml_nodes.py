"""XML text to a light tree, safely: no document type, no entities, bounded depth.

Expat does the reading; whatever could make it fetch or expand something is refused before it starts (billion laughs, external
entities), so that a few hundred bytes can never become a gigabyte.
"""

from typing import Any, Final
from xml.parsers import expat

DEPTH_MAX: Final = 64


class XmlRefused(Exception):
    """Not well-formed, or more than a request may contain. The codec says it in the service's own words."""


class Node:
    """An element: its local name, its attributes as written, its children, the text between them."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""


def parse(body: bytes) -> Node:
    """The root element. Raises XmlRefused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    root = Node("", {})
    open_nodes = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_nodes) > DEPTH_MAX:
            raise XmlRefused("too deep")
        node = Node(name.rpartition(":")[2], attributes)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def end(_name: str) -> None:
        open_nodes.pop()

    def text(characters: str) -> None:
        open_nodes[-1].text += characters

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two: an encoding that nobody knows
        raise XmlRefused(str(error)) from error
    return root.children[0]


def _refuse(*_declaration: Any) -> None:
    raise XmlRefused("a document type is not allowed here")
