from __future__ import annotations

import numpy as np
import pytest

from tasks.core.records import FileRef
from tasks.graspgan.judging.manifests import GraspOutcome, Value
from tasks.graspgan.judging.successes import compared
from tests.support.graspgan.target_results import target_result


def outcomes(
    method: str, rate: float, num_scenes: int = 50, by_seed: tuple[float, ...] = (0.0,)
) -> list[GraspOutcome]:
    """Grasps of a method; scenes are as hard for one as for the other.

    Scenes are dealt out over trainings, whose rates differ by so much.
    """
    hard = np.random.default_rng(0).uniform(0.5, 1.5, num_scenes)
    rng = np.random.default_rng(len(method))
    return [
        GraspOutcome(
            item_id=f"{method}-{scene}",
            scene_id=f"scene-{scene:03d}",
            successes=tuple(
                (rng.random(12) < rate * hard[scene] + by_seed[scene % len(by_seed)]).tolist()
            ),
            seed=scene % len(by_seed),
            film=FileRef(uri=f"{method}/{scene}", sha256="0" * 64, num_bytes=1),
        )
        for scene in range(num_scenes)
    ]


def test_success_is_compared_in_the_same_scenes() -> None:
    tried = {
        "cut_structured": outcomes("cut_structured", 0.3),
        "graspgan_cut": outcomes("graspgan_cut", 0.5),
        "labels": outcomes("labels", 0.5),
    }
    tried["labels"].pop(7)
    found = compared(target_result(), tried)
    by_name = {each.method: each.success for each in found.methods}
    assert by_name["simulation"] is None
    assert by_name["graspgan_cut"].value == pytest.approx(0.5, abs=0.06)
    assert by_name["graspgan_cut"].num == 49 * 12, "a scene that failed for one counts for none"
    assert found.success_gain.value > 2 * found.success_gain.error
    assert found.success_ratio.low < 1 < found.success_ratio.high + 0.1
    assert len(found.films) == 12


def test_nothing_adapted_gains_nothing() -> None:
    result = target_result().model_copy(update={"best_adapted": "cut_structured"})
    found = compared(result, {"cut_structured": outcomes("cut_structured", 0.3)})
    assert found.success_gain is None
    assert found.success_ratio is None


def test_few_scenes_decide_nothing() -> None:
    tried = {name: outcomes(name, 0.4, num_scenes=9) for name in ("graspgan_cut", "cut_structured")}
    found = compared(target_result(), tried).success_gain
    assert found is not None
    assert (found.error, found.low, found.high) == (None, None, None)
    more = {name: outcomes(name, 0.4, num_scenes=10) for name in tried}
    assert compared(target_result(), more).success_gain.error > 0


def test_how_much_trainings_differ_is_part_of_the_error() -> None:
    alike, apart = (0.0, 0.0, 0.0), (-0.2, 0.0, 0.2)

    def gain(first: tuple[float, ...], other: tuple[float, ...]) -> Value:
        tried = {
            "cut_structured": outcomes("cut_structured", 0.4, 120, other),
            "graspgan_cut": outcomes("graspgan_cut", 0.5, 120, first),
        }
        found = compared(target_result(), tried).success_gain
        assert found.low < found.value < found.high
        assert found.high - found.low == pytest.approx(2 * 1.96 * found.error, rel=0.1)
        return found

    # Of three trainings whose rates are 0.2 apart, the mean's standard error.
    assert gain(apart, alike).error == pytest.approx(0.2 / 3**0.5, rel=0.3)
    # What differs for both alike is no difference between them.
    assert gain(apart, apart).error < 0.4 * gain(apart, alike).error
    assert gain(apart, apart).error == pytest.approx(gain(alike, alike).error, rel=0.6)


def test_of_equal_trainings_scenes_alone_decide() -> None:
    found = outcomes("graspgan_cut", 0.5, 120, (0.0, 0.0, 0.0))
    alone = [each.model_copy(update={"seed": 0}) for each in found]
    errors = [
        next(e.success.error for e in compared(target_result(), {"graspgan_cut": tried}).methods
             if e.method == "graspgan_cut")
        for tried in (found, alone)
    ]  # fmt: skip
    assert errors[1] <= errors[0] < 2 * errors[1]
