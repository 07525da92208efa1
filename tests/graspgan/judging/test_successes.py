from __future__ import annotations

import numpy as np
import pytest

from tasks.core.records import FileRef
from tasks.graspgan.judging.manifests import GraspOutcome
from tasks.graspgan.judging.successes import compared
from tests.support.graspgan.target_results import target_result


def outcomes(method: str, rate: float, num_scenes: int = 50) -> list[GraspOutcome]:
    """Grasps of a method; scenes are as hard for one as for the other."""
    hard = np.random.default_rng(0).uniform(0.5, 1.5, num_scenes)
    rng = np.random.default_rng(len(method))
    return [
        GraspOutcome(
            item_id=f"{method}-{scene}",
            scene_id=f"scene-{scene:03d}",
            successes=tuple((rng.random(12) < rate * hard[scene]).tolist()),
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
