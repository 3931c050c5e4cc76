"""Which permissions an operation needs, said in one line beside it.

    @requires("lambda:CreateFunction", function_arn)
    @requires("iam:PassRole", "{Role}", passed_to="lambda.amazonaws.com")
    async def create_function(ctx, request): ...

Every line is needed. Whether the caller has them is decided in `kernel/authorization.py`, before the operation runs.
Source of the facts: the Service Authorization Reference of AWS, per service "Actions, resources, and condition keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]
Text = str | Callable[["Context", Request], str]
"""An action's name; or what gives it, where a member of the request decides (a version of an object, a tag at creation)."""
Texts = str | Callable[["Context", Request], str | Iterable[str]]
"""A resource's ARN, in which `{Member}` is the request's (`*` where absent) and `{region}`, `{account}` are the caller's; or what gives
one or several."""
When = str | Callable[["Context", Request], bool]
"""The member that must be there for a line to count; or what tells."""
Keys = Mapping[str, "str | tuple[str, ...]"]
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

ANY: Final = "*"
PASSED_TO: Final = "iam:passedtoservice"
_PLACE: Final = re.compile(r"\{(\w+)\}")
_NO_KEYS: Final[Keys] = {}


class Need(msgspec.Struct, frozen=True, gc=False):
    """One thing that a call must be allowed to do. `keys`: condition keys that only this need has, in lower case."""

    action: str
    resource: str
    keys: Keys = _NO_KEYS


class Line:
    """One `requires`, compiled."""

    __slots__ = ("_action", "_keys", "_member", "_resource", "_when", "action", "is_at_home", "resource")

    def __init__(self, action: Text, resource: Texts, when: When | None, keys: Keys) -> None:
        self.action = action
        self.resource = resource
        self._action: Callable[[Context, Request], str] | None = None if isinstance(action, str) else action
        self._resource: Callable[[Context, Request], str | Iterable[str]] = _template(resource) if isinstance(resource, str) else resource
        self._member = when if isinstance(when, str) else None
        self._when: Callable[[Context, Request], bool] | None = None if isinstance(when, str) else when
        self._keys = keys
        self.is_at_home = isinstance(resource, str) and (resource == ANY or "{account}" in resource)
        """No request can make it name another account's resource."""

    def needs(self, ctx: Context, request: Request) -> Iterable[Need]:
        """None where the line does not concern this request; one for each resource otherwise."""
        if (self._member is not None and request.get(self._member) is None) or (self._when is not None and not self._when(ctx, request)):
            return ()
        action = self.action if self._action is None else self._action(ctx, request)
        resource = self._resource(ctx, request)
        if isinstance(resource, str):
            return (Need(str(action), resource, self._keys),)
        return [Need(str(action), each, self._keys) for each in resource]


_LINES: Final[dict[Callable[..., Any], tuple[Line, ...]]] = {}


def requires(
    action: Text, resource: Texts = ANY, *, when: When | None = None, passed_to: str = "", context: Keys = _NO_KEYS
) -> Callable[[Decorated], Decorated]:
    """Decorator of an operation: the caller needs `action` on `resource`.

    `passed_to` is the service that gets the role of an `iam:PassRole`; `context` are further condition keys of this need alone.
    """
    keys = {name.lower(): value for name, value in context.items()}
    if passed_to:
        keys[PASSED_TO] = passed_to
    line = Line(action, resource, when, keys)

    def mark(operation: Decorated) -> Decorated:
        _LINES[operation] = (line, *_LINES.get(operation, ()))
        return operation

    return mark


def requires_nothing(operation: Decorated) -> Decorated:
    """Decorator of an operation that every caller may use, whatever policies say: sts:GetCallerIdentity."""
    _LINES[operation] = ()
    return operation


def lines_of(operation: Callable[..., Any]) -> tuple[Line, ...] | None:
    """What the operation says that it requires; None where it says nothing, which a test refuses."""
    return _LINES.get(operation)


def needs_of(lines: tuple[Line, ...], ctx: Context, request: Request) -> Iterable[Need]:
    """All that these lines ask of the caller."""
    if len(lines) == 1:
        return lines[0].needs(ctx, request)
    needs = [need for line in lines for need in line.needs(ctx, request)]
    return [_associated(need, needs[0].resource) if PASSED_TO in need.keys else need for need in needs]


def _associated(need: Need, resource: str) -> Need:
    """A role is passed for the resource that the call is about."""
    return Need(need.action, need.resource, {**need.keys, "iam:associatedresourcearn": resource})


def _template(text: str) -> Callable[[Context, Request], str]:
    places = _PLACE.findall(text)
    if not places:
        return lambda ctx, request: text
    pieces = _PLACE.split(text)
    parts = [(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]

    def fill(ctx: Context, request: Request) -> str:
        return "".join([_value(ctx, request, piece) if is_place else piece for piece, is_place in parts])

    return fill


def _value(ctx: Context, request: Request, place: str) -> str:
    if place == "region":
        return ctx.region
    if place == "account":
        return ctx.account
    value = request.get(place)
    return ANY if value is None or value == "" else str(value)
