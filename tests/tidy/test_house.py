"""The house, held by tests: sizes and names of files, faults that no model knows, operations that no test names, words without a page.

Truth: DESIGN.md and STYLE.md, as ARCHITECTURE.md keeps them.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.aws.patches import known_error
from headwater.kernel.service import public_coroutines, room, room_names

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LINES_MAX = 500
NAMES_REFUSED = re.compile(r"^(utils?|helpers?|common|misc|manager|base)$")
EVERYWHERE = {"NotImplemented", "AccessDenied", "InternalFailure", "RequestEntityTooLargeException"}
"""Faults of the walk itself, which every service may answer."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_and_is_called_after_what_it_does(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_MAX
    assert not NAMES_REFUSED.match(path.stem)


def test_the_clock_is_asked_in_one_place() -> None:
    """A warehouse is a process of its own, whose clock stands in its charter."""
    readers = {path.name for path in SOURCES if re.search(r"\btime\.time\(|datetime\.now\(|utcnow\(", path.read_text())}
    assert readers == {"clock.py", "charter.py"}


def fault_codes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fault" and node.args:
            code = node.args[0]
            if isinstance(code, ast.Constant):
                yield code.value


@pytest.mark.parametrize("name", sorted(room_names()))
def test_every_fault_of_a_room_is_known_to_its_model_or_its_patches(name: str) -> None:
    package = Path(str(next(iter(room(name).modules())).__file__)).parent
    unknown = {
        code for path in package.rglob("*.py") for code in fault_codes(path) if code not in EVERYWHERE and not known_error(name, code)
    }
    assert unknown == set()


@pytest.mark.parametrize("name", sorted(room_names()))
def test_every_public_coroutine_of_a_room_is_an_operation(name: str) -> None:
    known = room(name).model.operations_by_snake_name
    strangers = {
        f"{module.__name__}.{name}" for module in room(name).modules() for name, _ in public_coroutines(module) if name not in known
    }
    assert strangers == set()


@pytest.mark.parametrize("name", sorted(room_names()))
def test_every_operation_has_a_test_that_names_it(name: str) -> None:
    tests = "\n".join(path.read_text() for folder in ("tests", "blueprints") for path in (ROOT / folder).rglob("*.py"))
    waiters_and_pages = {"head_bucket": "bucket_exists"}
    names = {operation.snake_name for code, operation in room(name).model.operations.items() if code in room(name).functions}
    untested = {name for name in names if not re.search(rf"\b({name}|{waiters_and_pages.get(name, name)})\b", tests)}
    assert untested == set()


def test_every_dependency_has_its_line_of_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=;! ]", line)[0].lower() for line in wanted}
    architecture = (ROOT / "ARCHITECTURE.md").read_text().lower()
    assert {name for name in names if f"`{name}`" not in architecture} == set()


def test_every_verb_of_the_command_line_is_in_the_readme() -> None:
    from headwater.cli.app import app

    readme = (ROOT / "README.md").read_text()
    verbs = {command.name or str(command.callback.__name__) for command in app.registered_commands if command.callback}
    assert {verb for verb in verbs if f"headwater {verb}" not in readme} == set()


def test_every_flag_of_up_is_in_the_readme() -> None:
    from headwater.cli.up import parser

    readme = (ROOT / "README.md").read_text()
    flags = {flag for action in parser()._actions for flag in action.option_strings if flag.startswith("--") and flag != "--help"}
    assert {flag for flag in flags if flag not in readme} == set()


def test_every_room_says_what_is_real() -> None:
    for name in room_names():
        assert next(iter(room(name).modules())).__doc__
