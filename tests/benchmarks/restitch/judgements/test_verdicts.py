from __future__ import annotations

from benchmarks.restitch.judgements import verdicts
from benchmarks.restitch.judgements.faults import FAULTS
from benchmarks.restitch.judgements.verdicts import Judged, figures, kind_of


def judged(kind: str, *verdict: str) -> list[Judged]:
    return [Judged(kind, each, ()) for each in verdict]


def test_shares_are_of_the_sound_and_of_the_faulty() -> None:
    found = figures(
        [
            *judged("sound", "good", "good", "suspect", "rejected"),
            *judged("swap", "rejected", "good"),
            *judged("bracket", "suspect", "rejected", "rejected"),
        ]
    )
    assert {name: round(figure.value, 3) for name, figure in found.items()} == {
        "verdict_false_good": 0.2,
        "verdict_false_rejected": 0.25,
        "verdict_suspect_faulty": 0.2,
        "verdict_suspect_sound": 0.25,
        "verdict_captures": 9.0,
    }
    low, high = found["verdict_false_good"].interval
    assert 0 < low < 0.2 < high < 0.8


def test_half_of_the_captures_are_faulty_in_all_ways() -> None:
    kinds = [kind_of(seed) for seed in verdicts.SEEDS]
    assert len(kinds) >= 300
    assert kinds.count("sound") == len(kinds) / 2
    assert {kinds.count(kind) for kind in FAULTS} == {len(kinds) / 2 / len(FAULTS)}
    assert not set(verdicts.SETTING_SEEDS) & set(verdicts.SEEDS)
