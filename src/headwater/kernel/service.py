"""A room: which operations it has, found in its modules, and what it does when the house opens and closes.

There is no list to keep: every public coroutine in a room's modules whose name is an operation of the model is that operation.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from headwater.aws.models import Operation, ServiceModel, service_model

if TYPE_CHECKING:
    from headwater.aws.policy.documents import Policy
    from headwater.aws.routing import Route
    from headwater.aws.wire import Request, Response
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

Function = Callable[["Context", dict[str, Any]], Awaitable[dict[str, Any] | None]]
HomeHook = Callable[["Home"], Awaitable[None]]
Hook = TypeVar("Hook", bound=HomeHook)
PolicyHook = Callable[["Home", str, str], "ResourcePolicy | None"]
TagsHook = Callable[["Home", str, dict[str, Any]], Mapping[str, str]]
KeyHook = Callable[["Context", dict[str, Any]], "str | Iterable[str] | None"]
ProofHook = Callable[["Context", dict[str, Any]], Awaitable[None]]
WelcomeHook = Callable[["Context", "Request", "Route"], bool]
VisitHook = Callable[["Context", "Request", "Route"], Awaitable["Response | None"]]
ROOMS_PACKAGE = "headwater.services"


class ResourcePolicy(msgspec.Struct, frozen=True):
    """Who owns a resource, and what its own policies say. `alone`: identity policies never suffice (KMS keys, a role's trust)."""

    owner: str
    policies: tuple[Policy, ...] = ()
    alone: bool = False


class Service:
    """The room's face. `name` is botocore's directory name of the service."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._starts: list[HomeHook] = []
        self._stops: list[HomeHook] = []
        self._settles: list[HomeHook] = []
        self._describe: Callable[[Home], object] | None = None
        self.policy_of: PolicyHook | None = None
        self.tags_of: TagsHook | None = None
        self.condition_keys: dict[str, KeyHook] = {}
        self._proofs: dict[str, ProofHook] = {}
        self._visit: VisitHook | None = None
        self._welcome: WelcomeHook | None = None

    @cached_property
    def model(self) -> ServiceModel:
        return service_model(self.name)

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The built operations, by the API's name."""
        found: dict[str, Function] = {}
        known = self.model.operations_by_snake_name
        for module in self.modules():
            for name, function in public_coroutines(module):
                operation = known.get(name)
                if operation is not None:
                    assert operation.name not in found, f"{self.name} has {name} twice"
                    found[operation.name] = function
        return found

    def modules(self) -> Iterator[ModuleType]:
        """The package and every module in it. `process.py` is left out: it is the entry of a child process."""
        package = importlib.import_module(f"{ROOMS_PACKAGE}.{folder_of(self.name)}")
        yield package
        for module in pkgutil.iter_modules(package.__path__):
            if module.name != "process":
                yield importlib.import_module(f"{package.__name__}.{module.name}")

    def operation(self, snake_name: str) -> Operation | None:
        return self.model.operations_by_snake_name.get(snake_name)

    def starts(self, hook: Hook) -> Hook:
        """Decorator: run once, before the room's first operation; and at a start of the house when the room has state."""
        self._starts.append(hook)
        return hook

    def stops(self, hook: Hook) -> Hook:
        """Decorator: run when the house closes."""
        self._stops.append(hook)
        return hook

    def settles(self, hook: Hook) -> Hook:
        """Decorator: run before AWS time is moved, so that what has happened is written down at the time at which it happened."""
        self._settles.append(hook)
        return hook

    def describes(self, describe: Callable[[Home], object]) -> Callable[[Home], object]:
        """Decorator: what `headwater status` says of the open room (its engines and their state), as plain JSON."""
        self._describe = describe
        return describe

    def resource_policy(self, hook: PolicyHook) -> PolicyHook:
        """Decorator: (home, action, resource's ARN) -> the resource's owner and own policies, or None where the action knows no such."""
        self.policy_of = hook
        return hook

    def resource_tags(self, hook: TagsHook) -> TagsHook:
        """Decorator: (home, resource's ARN, request) -> the resource's tags, for `aws:ResourceTag/...`."""
        self.tags_of = hook
        return hook

    def condition_key(self, *names: str) -> Callable[[KeyHook], KeyHook]:
        """Decorator: (ctx, request) -> the values of a condition key of this service; asked only when a policy names the key.

        A name that ends with `/` or `:` stands for all keys that begin so; the hook then gets the rest as `request["{key}"]`, and the
        ARN of the resource that is asked about as `request["{resource}"]`.
        """

        def keep(hook: KeyHook) -> KeyHook:
            self.condition_keys.update({name.lower(): hook for name in names})
            return hook

        return keep

    def proof(self, *operations: str) -> Callable[[ProofHook], ProofHook]:
        """Decorator: (ctx, request), run after validation and before the decision. The request itself proves something of its caller
        (an identity token, a code of a second factor): the hook checks that, refuses, or writes it into `ctx.principal`.
        """

        def keep(hook: ProofHook) -> ProofHook:
            self._proofs.update(dict.fromkeys(operations, hook))
            return hook

        return keep

    def proof_of(self, operation: str) -> ProofHook | None:
        """What checks that a request of this operation proves something of its caller, if it may."""
        return self._proofs.get(operation) if self.functions else None  # asking for the functions imports the modules that have the hooks

    def visits(self, hook: VisitHook) -> VisitHook:
        """Decorator: (ctx, request, route) -> what is answered to HTTP that calls no operation: a function's URL, a website's page, a
        browser's form or preflight. None where it is nothing of the room's. The body may not have arrived yet.
        """
        self._visit = hook
        return hook

    async def visit(self, ctx: Context, request: Request, route: Route) -> Response | None:
        """The answer to HTTP that calls no operation, if the room has one."""
        hook = self._visit if self.functions else None
        return await hook(ctx, request, route) if hook is not None else None

    def welcomes(self, hook: WelcomeHook) -> WelcomeHook:
        """Decorator: (ctx, request, route) -> whether the room's own rules (a bucket's CORS) let pages of the request's Origin make this
        very call. Asked of every request that names an Origin; what the answer has to say to the browser goes to `ctx.reply_headers`.
        """
        self._welcome = hook
        return hook

    def welcome(self, ctx: Context, request: Request, route: Route) -> bool:
        """Whether a page of the request's Origin is let in; by a room that has no rules about it, never."""
        hook = self._welcome if self.functions else None
        return hook is not None and hook(ctx, request, route)

    def describe(self, home: Home) -> object:
        return self._describe(home) if self._describe is not None else {}

    async def open(self, home: Home) -> None:
        list(self.functions)  # imports the room's modules, whose decorators register hooks and jobs
        for hook in self._starts:
            await hook(home)

    async def settle(self, home: Home) -> None:
        for hook in self._settles:
            await hook(home)

    async def close(self, home: Home) -> None:
        for hook in self._stops:
            await hook(home)


def public_coroutines(module: ModuleType) -> Iterator[tuple[str, Function]]:
    """The coroutines that `module` itself defines and does not hide behind an underscore."""
    for name, function in vars(module).items():
        if inspect.iscoroutinefunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
            yield name, function


def folder_of(service: str) -> str:
    """The room's folder: `lambda` is a word of Python, and a folder has no hyphens."""
    folder = service.replace("-", "_")
    return "lambda_" if folder == "lambda" else folder


@cache
def room_names() -> frozenset[str]:
    """Every service that has a room, read off the folder."""
    package = importlib.import_module(ROOMS_PACKAGE)
    return frozenset(
        "lambda" if name == "lambda_" else name.replace("_", "-")
        for _, name, is_package in pkgutil.iter_modules(package.__path__)
        if is_package
    )


@cache
def built_room(name: str) -> Service | None:
    """The room of this service, where one is built."""
    return room(name) if name in room_names() else None


@cache
def room(name: str) -> Service:
    """The room of this service; KeyError where there is none."""
    if name not in room_names():
        raise KeyError(name)
    service = importlib.import_module(f"{ROOMS_PACKAGE}.{folder_of(name)}").SERVICE
    assert isinstance(service, Service)
    return service
