"""Policy documents: text in, compiled policy out (`parse`), and what AWS refuses when one is written (`check`).

The two are apart on purpose: `check` is strict and speaks AWS's sentences, `parse` takes whatever is stored and makes the best
of it, because a policy that somebody managed to write must not stop every decision after it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from .grammar import check as check
from .statements import VERSION, Kind, Policy, PolicySet, Statement

__all__ = ["Kind", "Policy", "PolicySet", "Statement", "check", "context_keys", "parse"]

COMPILED_MAX: Final = 4096


@lru_cache(COMPILED_MAX)
def parse(document: str, *, source: str = "", kind: Kind = "identity") -> Policy:
    """The compiled policy; of a document that is none, one without statements."""
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict):
        return Policy(source, kind, ())
    variables = policy.get("Version") == VERSION
    elements = _elements(policy.get("Statement"))
    return Policy(
        source,
        kind,
        tuple(Statement(element, index, source=source, kind=kind, variables=variables) for index, element in enumerate(elements)),
    )


def _elements(statement: Any) -> list[dict[str, Any]]:
    several = statement if isinstance(statement, list) else [statement]
    return [one for one in several if isinstance(one, dict)]


def context_keys(*policies: Policy) -> list[str]:
    """Every condition key that the policies name, in conditions and as variables, sorted as IAM lists them."""
    return sorted({key for policy in policies for key in policy.keys})
