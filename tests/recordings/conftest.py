"""`recorded("logs", "TestLogsGroups::…")`: a case of the recordings, whose end asserts that nothing differed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recordings.replaying import Case


@pytest.fixture
def recorded(aws: Any) -> Iterator[Callable[[str, str], Case]]:
    cases: list[Case] = []

    def case(service: str, name: str) -> Case:
        cases.append(Case(service, name, aws.account, aws.region))
        return cases[-1]

    yield case
    for each in cases:
        each.ends()
