"""What was decided, kept for those who ask why: the latest decisions whole, every refusal as text, and what each principal needed.

Decisions come over the Bus, behind the answers. A decision holds the compiled policies as they were at that moment, so that the
explanation is of the policies that decided, not of those that stand today.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.policy.denial import sentence
from headwater.aws.policy.evaluation import Considered, explain
from headwater.kernel.store import Record, Table
from headwater.kernel.store.table import encode_key

if TYPE_CHECKING:
    from headwater.kernel.authorization import Decided
    from headwater.kernel.home import Home
    from headwater.kernel.identity import Principal

RECENT_MAX: Final = 4_000
"""Decisions that can be explained though they allowed; refusals stay on disk."""
SEEN_MAX: Final = 20_000
RESOURCES_MAX: Final = 50
"""Different resources kept for one action of one principal; beyond, they are known by what they begin with."""


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One statement that was considered."""

    policy: str
    statement: str
    effect: str
    kind: str
    verdict: str
    found: tuple[str, ...] = ()
    decided: bool = False


class Explanation(Record, frozen=True, kw_only=True):
    """One need of one request, in words."""

    request_id: str
    number: int
    principal: str
    action: str
    resource: str
    allowed: bool
    passed: bool = False
    """It was let through all the same, in audit mode."""
    sentence: str
    reasons: tuple[Reason, ...]


class Used(Record, frozen=True, kw_only=True):
    """The resources on which a principal needed an action and had it, or would have in audit mode."""

    account: str
    principal: str
    action: str
    resources: tuple[str, ...]
    refused: tuple[str, ...] = ()


REFUSALS: Final = Table("kernel", "refusals", Explanation, key=lambda kept: (kept.request_id, f"{kept.number:03d}"), big=True)
USED: Final = Table("kernel", "used_permissions", Used, key=lambda used: (used.account, used.principal, used.action))


class Decisions:
    """Of one home; a subscriber of the Bus."""

    def __init__(self, home: Home) -> None:
        self._store = home.store
        self._audits = home.settings.iam == "audit"
        self._recent: deque[Decided] = deque(maxlen=RECENT_MAX)
        self._seen: set[tuple[str, str, str, bool]] = set()
        listen: Any = self.listen
        home.bus.subscribe("decision", listen)

    def listen(self, several: list[Decided]) -> None:
        puts: list[tuple[Table[Any], bytes, Any]] = []
        used: dict[bytes, Used] = {}
        for decided in several:
            self._recent.append(decided)
            if not decided.decision.allowed:
                kept = self._explained(decided, len(self._of_request(decided.request_id)))
                puts.append((REFUSALS, encode_key(REFUSALS.key(kept)), kept))
            seen = (decided.principal.arn, decided.question.action, decided.question.resource, decided.decision.allowed)
            if seen not in self._seen:
                self._seen.add(seen)
                self._use(decided, used)
        if len(self._seen) > SEEN_MAX:
            self._seen.clear()
        puts += [(USED, key, each) for key, each in used.items()]
        if puts:
            self._store.commit_now(puts, [])

    def _use(self, decided: Decided, used: dict[bytes, Used]) -> None:
        """Adds to what is to be written, unless nothing is new."""
        principal, question = decided.principal, decided.question
        who = bearer(principal)
        if not principal.account:
            return
        key = encode_key((principal.account, who, question.action))
        known = used.get(key) or self._store.get(USED, principal.account, who, question.action)
        known = known or Used(account=principal.account, principal=who, action=question.action, resources=())
        member = "resources" if decided.decision.allowed else "refused"
        resources: tuple[str, ...] = getattr(known, member)
        if not any(_is_within(question.resource, each) for each in resources):
            used[key] = msgspec.structs.replace(known, **{member: _with(resources, question.resource)})

    async def why(self, request_id: str) -> list[Explanation]:
        """What was decided for this request, need by need; empty where nobody had to decide."""
        recent = self._of_request(request_id)
        if recent:
            return [self._explained(decided, number) for number, decided in enumerate(recent, 1)]
        return await self._store.range(REFUSALS, request_id)

    def _of_request(self, request_id: str) -> list[Decided]:
        return [decided for decided in self._recent if decided.request_id == request_id]

    def used(self, account: str = "", principal: str = "") -> list[Used]:
        """What principals needed: all of a home's, of one account's, or those of one principal (an ARN)."""
        if principal:
            account = principal.split(":")[4] if principal.count(":") > 4 else account
            return self._store.scan(USED, account, principal)
        return self._store.scan(USED, account) if account else self._store.scan(USED)

    def _explained(self, decided: Decided, number: int) -> Explanation:
        question, decision = decided.question, decided.decision
        words = sentence(question, decision) if not decision.allowed else f"{decided.principal.arn} may {question.action}"
        return Explanation(
            request_id=decided.request_id,
            number=number,
            principal=decided.principal.arn,
            action=question.action,
            resource=question.resource,
            allowed=decision.allowed,
            passed=self._audits and not decision.allowed and question.resource_account == question.caller.account,
            sentence=words,
            reasons=tuple(_reason(each) for each in explain(question, decided.policies) if each.verdict != "action"),
        )


def bearer(principal: Principal) -> str:
    """Whom policies are attached to: a session's role, or the one itself."""
    return principal.role_arn or principal.arn


def _reason(considered: Considered) -> Reason:
    statement = considered.statement
    name = statement.sid or f"statement {statement.index + 1}"
    found = considered.found or ()
    return Reason(statement.source, name, statement.effect, considered.by, considered.verdict, found, considered.decided)


def _is_within(resource: str, known: str) -> bool:
    return resource == known or (known.endswith("*") and resource.startswith(known[:-1]))


def _with(resources: tuple[str, ...], new: str) -> tuple[str, ...]:
    """One more resource; too many become one that covers them up to where they part, at a slash or colon."""
    several = tuple(sorted({*resources, new}))
    if len(several) <= RESOURCES_MAX:
        return several
    first, last = several[0], several[-1]
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), min(len(first), len(last)))
    stem = first[:same]
    cut = max(stem.rfind("/"), stem.rfind(":")) + 1
    return (f"{stem[:cut]}*",)
