from __future__ import annotations

import json

import pytest

from benchmarks.restitch.judgements import gate
from benchmarks.restitch.judgements.gate import Trial, figures, read_trial
from tasks.panorama.algorithms.stitch.gate import Figures, OverlapError
from tasks.panorama.algorithms.stitch.verdict import Overlap
from tasks.panorama.config import GateConfig

CONFIG = GateConfig()


def trial(after_px: float, gain_db: float) -> Trial:
    before, after = (
        Figures(name, {(0, 1): OverlapError(50, error_px)}, 1.0, {(0, 1): Overlap(ssim, 900)})
        for name, error_px, ssim in (("unrepaired", 4.0, 0.7), ("warped", after_px, 0.8))
    )
    return Trial("none", before, after, gain_db)


def test_decisions_are_held_against_the_sign_of_the_gain() -> None:
    right = [trial(1.0, 2.0)] * 6 + [trial(9.0, -1.0)] * 3
    refused, wrong, by_chance = trial(9.0, 1.0), trial(1.0, -0.2), trial(9.0, 0.05)

    found = figures([*right, refused, wrong, by_chance], CONFIG)

    assert found["gate_captures"].value == 11
    assert found["gate_accuracy"].value == pytest.approx((6 / 7 + 3 / 4) / 2)
    assert found["gate_wrong_publishes"].value == 1
    low, high = found["gate_wrong_publishes"].interval
    assert 0 < low < 1 < high < 4
    assert found["gate_refused_good"].value == pytest.approx(1 / 7)
    assert found["gate_spoiled_share"].value == pytest.approx(4 / 11)
    assert figures(right, CONFIG)["gate_accuracy"].value == 1.0


def test_a_trial_can_be_kept(tmp_path) -> None:
    one = trial(1.5, 0.7)
    kept = {
        "kind": one.kind,
        "before": gate.as_json(one.before),
        "after": gate.as_json(one.after),
        "gain_db": one.gain_db,
    }
    assert read_trial(json.loads(json.dumps(kept))) == one


def test_an_interrupted_measurement_goes_on(tmp_path, monkeypatch) -> None:
    made = []

    def make(seed: int) -> dict[str, object]:
        made.append(seed)
        one = trial(1.0, 1.0)
        parts = {"before": gate.as_json(one.before), "after": gate.as_json(one.after)}
        return {"kind": "none", "gain_db": 1.0, **parts}

    monkeypatch.setattr(gate, "try_one", make)
    gate.measure([1, 2], tmp_path)
    found = gate.measure([1, 2, 3], tmp_path)
    assert made == [1, 2, 3]
    assert found["gate_captures"].value == 3


def test_half_of_the_repairs_are_spoiled_in_all_ways() -> None:
    kinds = [gate.kind_of(seed) for seed in gate.SEEDS]
    assert kinds.count("none") == len(kinds) / 2 >= 150
    spoiled = {kind: kinds.count(kind) for kind in kinds if kind != "none"}
    assert set(spoiled.values()) == {len(kinds) / 2 / 4}


def test_settings_were_not_frozen_on_what_is_measured() -> None:
    assert not set(gate.SETTING_SEEDS) & (set(gate.SEEDS) | set(gate.QUICK_SEEDS))
