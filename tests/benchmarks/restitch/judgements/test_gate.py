from __future__ import annotations

import json

import pytest

from benchmarks.restitch.judgements import gate
from benchmarks.restitch.judgements.gate import Repair, Trial, figures, read_trial
from tasks.panorama.algorithms.stitch.gate import Figures, OverlapError
from tasks.panorama.algorithms.stitch.verdict import Overlap
from tasks.panorama.config import GateConfig

CONFIG = GateConfig()


def seen(name: str, error_px: float, ssim: float) -> Figures:
    held_out, overlaps = {(0, 1): OverlapError(50, error_px)}, {(0, 1): Overlap(ssim, 900)}
    return Figures(name, held_out, 1.0, overlaps)


def trial(*repairs: tuple[float, float]) -> Trial:
    """A trial by the held-out error and the gain of each of its repairs."""
    offered = (Repair(seen("warped", error_px, 0.8), gain_db) for error_px, gain_db in repairs)
    return Trial("none", seen("unrepaired", 4.0, 0.7), tuple(offered))


def as_kept(one: Trial) -> dict[str, object]:
    repairs = [[gate.as_json(each.figures), each.gain_db] for each in one.repairs]
    return {"kind": one.kind, "before": gate.as_json(one.before), "repairs": repairs}


def test_decisions_are_held_against_the_sign_of_the_gain() -> None:
    right = [trial((1.0, 2.0))] * 6 + [trial((9.0, -1.0))] * 3
    refused, wrong, by_chance = trial((9.0, 1.0)), trial((1.0, -0.2)), trial((9.0, 0.05))

    found = figures([*right, refused, wrong, by_chance], CONFIG)

    assert found["gate_captures"].value == 11
    assert found["gate_accuracy"].value == pytest.approx((6 / 7 + 3 / 4) / 2)
    assert found["gate_wrong_publishes"].value == 1
    low, high = found["gate_wrong_publishes"].interval
    assert 0 < low < 1 < high < 4
    assert found["gate_refused_good"].value == pytest.approx(1 / 7)
    assert found["gate_spoiled_share"].value == pytest.approx(4 / 11)
    assert figures(right, CONFIG)["gate_accuracy"].value == 1.0


def test_of_two_repairs_the_published_one_counts_or_else_the_better() -> None:
    published, harmful = trial((9.0, -2.0), (1.0, 1.5)), trial((9.0, 2.0), (1.0, -1.5))
    lost, none_helps = trial((9.0, -2.0), (9.0, 1.5)), trial((9.0, -2.0), (9.0, -1.5))

    found = figures([published, harmful, lost, none_helps], CONFIG)

    assert found["gate_refused_good"].value == 1 / 2
    assert found["gate_wrong_publishes"].value == 1
    assert found["gate_spoiled_share"].value == 2 / 4


def test_a_trial_can_be_kept() -> None:
    one = trial((1.5, 0.7), (1.2, 0.9))
    assert read_trial(json.loads(json.dumps(as_kept(one)))) == one


def test_an_interrupted_measurement_goes_on(tmp_path, monkeypatch) -> None:
    made = []

    def make(seed: int) -> dict[str, object]:
        made.append(seed)
        return as_kept(trial((1.0, 1.0)))

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
