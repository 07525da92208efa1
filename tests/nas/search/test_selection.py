from __future__ import annotations

from tasks.nas.manifests import SearchLog, Trial
from tasks.nas.search.selection import first_children, top_children


def trial(search: str, name: str, rung: int, accuracy: float | None) -> Trial:
    return Trial(
        search=search,
        genotype_hash=name,
        rung=rung,
        accuracy=accuracy,
        reason="",
        num_params=1,
        mult_adds=1,
        cpu_s=1.0,
        is_reused=False,
    )


LOG = SearchLog.model_construct(
    trials=(
        trial("a", "slow", 0, 0.9),
        trial("a", "bad", 0, None),
        trial("a", "first", 0, 0.5),
        trial("b", "other", 0, 0.99),
        trial("a", "second", 0, 0.6),
        trial("a", "second", 1, 0.30),
        trial("a", "first", 1, 0.32),
        trial("a", "slow", 0, 0.9),
    )
)


def test_the_highest_rung_counts_before_accuracy() -> None:
    assert top_children(LOG, "a", 5) == ["first", "second", "slow"]
    assert top_children(LOG, "a", 1) == ["first"]
    assert top_children(LOG, "absent", 3) == []


def test_first_children_are_not_chosen_by_accuracy() -> None:
    assert first_children(LOG, "a", 2) == ["slow", "first"]
    assert first_children(LOG, "a", 9) == ["slow", "first", "second"]
