"""The rules of staging labels. Truth: "What's in a Secrets Manager secret" of the user guide; UpdateSecretVersionStage."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from headwater.services.secretsmanager.model import CURRENT, PENDING, PREVIOUS, Version, labelled, labels_of, unlabelled

IDS = ["a", "b", "c", "d"]
VERSIONS = tuple(Version(version_id=version_id, created_at=datetime(2024, 1, 1, tzinfo=UTC)) for version_id in IDS)


@given(st.lists(st.sampled_from(IDS), min_size=1))
def test_after_any_promotions_the_last_is_current_and_the_one_before_is_previous(order: list[str]) -> None:
    versions = VERSIONS
    for version_id in order:
        versions = labelled(versions, version_id, [CURRENT])
    distinct = [one for one, before in zip(order, [None, *order], strict=False) if one != before]
    labels = labels_of(versions)
    assert labels[CURRENT] == distinct[-1]
    assert labels.get(PREVIOUS) == (distinct[-2] if len(distinct) > 1 else None)


@given(st.lists(st.tuples(st.sampled_from(IDS), st.sets(st.sampled_from([CURRENT, PENDING, "MINE", "YOURS"]), min_size=1))))
def test_a_label_is_on_one_version_and_stands_in_order(moves: list[tuple[str, set[str]]]) -> None:
    versions = VERSIONS
    for version_id, stages in moves:
        versions = labelled(versions, version_id, stages)
        assert {labels_of(versions)[stage] for stage in stages} == {version_id}
    several = [stage for version in versions for stage in version.stages]
    assert len(several) == len(set(several))
    assert all(list(version.stages) == sorted(version.stages) for version in versions)
    for stage in set(several):
        assert stage not in labels_of(unlabelled(versions, stage))


def test_a_version_without_value_and_label_is_none() -> None:
    empty = Version(version_id="e", created_at=datetime(2024, 1, 1, tzinfo=UTC), has_value=False)
    versions = labelled((*VERSIONS, empty), "e", [PENDING])
    assert unlabelled(versions, PENDING) == VERSIONS
