"""The one exception that means "AWS says no": the walk answers it, everything else is our own mistake.

A fault carries AWS's code and AWS's sentence and nothing of HTTP: status and wire shape come from the service's model (or from
`patches/`, for what the models lack), so that a rule of a domain may raise one without knowing which protocol asked.
"""

from typing import Any


class Fault(Exception):
    """A refusal in AWS's own words."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members


def fault(code: str, message: str, **members: Any) -> Fault:
    """The fault named `code` in the service's model; `members` are further members of its shape, in the API's spelling.

    It returns, and the caller writes `raise`, so that the type checker sees the path end.
    """
    return Fault(code, message, **members)
