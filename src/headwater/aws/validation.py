"""Is what was asked for within the model's limits? AWS's own sentences for what is not, aggregated as AWS aggregates them.

Each shape compiles to a check that appends what it finds; shapes without limits compile to nothing. Where a finding stands is
kept as a chain of names that is only written out when there is something to say. Which limits a service enforces, under which
code and in which words is data (`patches.Validation`). Source of the sentences: recordings/ (grep "validation error").
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Final

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Member, Operation, Shape
from headwater.aws.patches import Validation, Wording

Where = tuple[Any, ...] | None  # (where the parent stands, this name)
Constraint = tuple[Callable[[Any], bool], str]  # holds?, the sentence when it does not


class Finding:
    __slots__ = ("constraint", "name", "shape", "value", "where")

    def __init__(self, where: Where, value: Any, constraint: str, shape: Shape, name: str = "") -> None:
        self.where = where
        self.value = value
        self.constraint = constraint
        self.shape = shape
        self.name = name  # the member that is missing


Check = Callable[[Any, Where, list[Finding]], None]
_NOT_NULL: Final = "Member must not be null"


def validator(operation: Operation, profile: Validation) -> Callable[[dict[str, Any]], None]:
    """Raises the first or the aggregated fault, as the service does."""
    shape = operation.input
    check = _Checks(profile).shape(shape, operation.input) if shape is not None else None
    if shape is None or check is None:
        return lambda _params: None
    needed = check

    def validate(params: dict[str, Any]) -> None:
        findings: list[Finding] = []
        needed(params, None, findings)
        if findings:
            raise _refusal(findings, profile, shape)

    return validate


class _Checks:
    def __init__(self, profile: Validation) -> None:
        self._profile = profile
        self._wanted = frozenset(profile.checks)
        self._structures: dict[str, Check] = {}

    def shape(self, shape: Shape, top: Shape | None = None) -> Check | None:
        if shape.type == "structure" and not shape.document:
            return self._structure(shape, top)
        if shape.type == "list":
            return self._list(shape)
        if shape.type == "map":
            return self._map(shape)
        return _leaf(self._constraints(shape, shape.enum), shape)

    def member(self, member: Member) -> Check | None:
        if member.enum is not None and member.shape.enum is None:
            return _leaf(self._constraints(member.shape, member.enum), member.shape)
        return self.shape(member.shape)

    def _structure(self, shape: Shape, top: Shape | None) -> Check:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        required = tuple(shape.required) if "required" in self._wanted else ()
        members: dict[str, Check] = {}
        exclusive = shape.union

        def check(value: Any, where: Where, findings: list[Finding]) -> None:
            for name in required:
                if value.get(name) is None:
                    findings += (Finding((where, name), None, _NOT_NULL, shape, name),)
            if exclusive and sum(inner is not None for inner in value.values()) != 1:
                findings.append(Finding(where, value, "Member must have exactly one of its members set", shape))
            for name, inner in value.items():
                one = members.get(name)
                if one is not None and inner is not None:
                    one(inner, (where, name), findings)

        self._structures[shape.name] = check
        for name, member in shape.members.items():
            one = None if top is not None and member.streaming else self.member(member)
            if one is not None:
                members[name] = one
        return check

    def _list(self, shape: Shape) -> Check | None:
        element = shape.element.shape
        own = self._constraints(shape, None)
        nested = element.type in {"structure", "list", "map"}
        inner = self.shape(element) if nested else None
        leaves = [] if nested else self._constraints(element, element.enum)
        refuses_null = not shape.sparse and "required" in self._wanted
        if not own and inner is None and not leaves and not refuses_null:
            return None
        sentence = self._element_sentence([text for _, text in leaves], refuses_null)

        def check(value: list[Any], where: Where, findings: list[Finding]) -> None:
            for holds, text in own:
                if not holds(value):
                    findings.append(Finding(where, value, text, shape))
            if inner is not None:
                for number, one in enumerate(value, 1):
                    if one is not None:
                        inner(one, ((where, number), "member"), findings)
            elif leaves and not all(holds(one) for one in value if one is not None for holds, _ in leaves):
                findings.append(Finding(where, value, sentence, element))
            if refuses_null and None in value:
                findings.append(Finding(where, value, f"Member must satisfy constraint: [{_NOT_NULL}]", shape))

        return check

    def _element_sentence(self, texts: list[str], refuses_null: bool) -> str:
        if not texts or (refuses_null and self._profile.elements_not_null):
            texts = [*texts, _NOT_NULL]
        return f"Member must satisfy constraint: [{', '.join(texts)}]"

    def _map(self, shape: Shape) -> Check | None:
        own = self._constraints(shape, None)
        keys = self._constraints(shape.key.shape, shape.key.shape.enum)
        element = shape.value.shape
        nested = element.type in {"structure", "list", "map"}
        inner = self.shape(element) if nested else None
        leaves = [] if nested else self._constraints(element, element.enum)
        if not own and not keys and inner is None and not leaves:
            return None
        key_sentence = f"Map keys must satisfy constraint: [{', '.join(text for _, text in keys)}]"
        value_sentence = f"Map value must satisfy constraint: [{', '.join(text for _, text in leaves)}]"

        def check(value: dict[str, Any], where: Where, findings: list[Finding]) -> None:
            for holds, text in own:
                if not holds(value):
                    findings.append(Finding(where, value, text, shape))
            if keys and not all(holds(key) for key in value for holds, _ in keys):
                findings.append(Finding(where, value, key_sentence, shape))
            if leaves and not all(holds(one) for one in value.values() if one is not None for holds, _ in leaves):
                findings.append(Finding(where, value, value_sentence, shape))
            if inner is not None:
                for key, one in value.items():
                    if one is not None:
                        inner(one, ((where, key), "member"), findings)

        return check

    def _constraints(self, shape: Shape, enum: list[str] | None) -> list[Constraint]:
        """A leaf's (or a list's own) limits, in the order in which AWS names them."""
        found: list[Constraint] = []
        if enum and "enum" in self._wanted and shape.type == "string":
            values = frozenset(enum)
            found.append((values.__contains__, f"Member must satisfy enum value set: [{', '.join(enum)}]"))
        if shape.pattern and "pattern" in self._wanted and shape.type == "string":
            matches = pattern(shape.pattern)
            found.append((lambda value: matches(value) is not None, f"Member must satisfy regular expression pattern: {shape.pattern}"))
        if shape.type in {"string", "blob", "list", "map"} and "length" in self._wanted:
            found += _bounds(shape, "length", len)
        elif shape.type in {"integer", "long", "float", "double"} and "range" in self._wanted:
            found += _bounds(shape, "value", float)
        return found


def _bounds(shape: Shape, noun: str, measure: Callable[[Any], float]) -> list[Constraint]:
    found: list[Constraint] = []
    least, most = shape.min, shape.max
    if most is not None:
        found.append((lambda value: measure(value) <= most, f"Member must have {noun} less than or equal to {most:.15g}"))
    if least is not None and not (noun == "length" and least <= 0):
        found.append((lambda value: measure(value) >= least, f"Member must have {noun} greater than or equal to {least:.15g}"))
    return found


def _leaf(constraints: list[Constraint], shape: Shape) -> Check | None:
    if not constraints:
        return None

    def check(value: Any, where: Where, findings: list[Finding]) -> None:
        for holds, sentence in constraints:
            if not holds(value):
                findings.append(Finding(where, value, sentence, shape))

    return check


_SURROGATE_RANGE: Final = r"\uD800\uDC00-\uDBFF\uDFFF"
_DANGLING_HYPHEN: Final = re.compile(r"(\\[wdsWDS])-(?!\])")


@cache
def pattern(java: str) -> Callable[[str], Any]:
    r"""The models' patterns are Java's: whole matches, ASCII classes, surrogate pairs spelled out, Unicode categories (`\p{L}`).

    Categories need the `regex` library, which is only imported when one is met.
    """
    text = _DANGLING_HYPHEN.sub(r"\1\\-", java.replace(_SURROGATE_RANGE, r"\U00010000-\U0010FFFF"))
    if r"\p{" not in text:
        try:
            return re.compile(text, re.ASCII).fullmatch
        except re.error:
            pass  # Java's own syntax (possessive quantifiers, class intersections): regex knows more of it
    import regex  # see above

    matches: Callable[[str], Any] = regex.compile(text.replace(r"\p{Print}", "[ -~]")).fullmatch
    return matches


def _refusal(findings: list[Finding], profile: Validation, top: Shape) -> Fault:
    first = findings[0]
    if profile.missing_body is not None and first.where is not None and first.where[0] is None and first.name == top.payload:
        return fault(profile.missing_body.code, profile.missing_body.message)
    if profile.always is not None:
        return _worded(profile.always, first)
    missing = next((finding for finding in findings if finding.name), None)
    if profile.missing is not None and missing is not None:
        return _worded(profile.missing, missing)
    own = profile.enums.get(first.shape.name)
    if own is not None and "enum value set" in first.constraint:
        values = ", ".join(first.shape.enum or [])
        return fault(own.code, own.message.format(member=path_text(first.where), value=first.value, values=values))
    count = len(findings)
    sentences = "; ".join(_sentence(finding, profile) for finding in findings)
    return fault(profile.code, f"{count} validation error{'' if count == 1 else 's'} detected: {sentences}")


def _worded(wording: Wording, finding: Finding) -> Fault:
    return fault(wording.code, wording.message.format(member=finding.name or (finding.where or ("", ""))[1]))


def _sentence(finding: Finding, profile: Validation) -> str:
    constraint = finding.constraint
    if finding.value is None:
        value = " null"
    elif finding.shape.sensitive or profile.hides_values:
        value = ""
    else:
        value = f" '{value_text(finding.value)}'"
    if profile.hides_values and constraint.startswith("Member must satisfy enum value set"):
        constraint = "Member must satisfy enum value set"
    return f"Value{value} at '{path_text(finding.where)}' failed to satisfy constraint: {constraint}"


def path_text(where: Where) -> str:
    """`targets.1.member.id`: names as Java's beans have them, elements counted from one."""
    names: list[str] = []
    while where is not None:
        names.append(bean_name(str(where[1])))
        where = where[0]
    return ".".join(reversed(names))


def bean_name(name: str) -> str:
    """`StreamName` is `streamName`, `ARN` is `arn`, `KMSKeyId` is `kMSKeyId`: Java's way, first letter only, unless all are capitals."""
    if name.isupper():
        return name.lower()
    return name[:1].lower() + name[1:]


def value_text(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={value_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(value_text(inner) for inner in value) + "]"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if value is None or isinstance(value, bool):
        return _JAVA_WORDS[value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


_JAVA_WORDS: Final = {None: "null", True: "true", False: "false"}
