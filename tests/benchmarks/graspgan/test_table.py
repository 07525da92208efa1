"""Figures of finished runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.graspgan.table import _STAGE, expected, figures, measure, target_figures
from operators.stage.key import declaration_of
from operators.store.manifests import Manifest
from tasks.core.records import FileRef
from tasks.graspgan.judging.manifests import Evaluation, GraspOutcome, TargetResult, Value
from tasks.graspgan.manifests import Attempts, Prepared
from tasks.graspgan.trainings.manifests import Adapted, Pretrained, Trained, TrainedPredictor
from tests.support.graspgan.target_results import target_result


def evaluation(
    *targets: TargetResult, objects: str = "procedural", num_trainings: int = 1
) -> Evaluation:
    attempts = Attempts(simulation="bullet", targets=(), sets=(), worlds=(), objects=objects)
    prepared = Prepared(attempts=attempts, sets=(), side_px=32, pictures="before", stations={})
    pretrained = Pretrained(prepared=prepared, methods="few", predictors=(), best_auc=0.5)
    adapted = Adapted(pretrained=pretrained, generators=(), skipped=(), task_loss=0.0)
    file = FileRef(uri="c.pt", sha256="0" * 64, num_bytes=1)
    predictor = TrainedPredictor(
        item_id="c", method="cut", target="surrogate", seed=0, domain=0, weights=file,
        validation_auc=0.5, curve=(), num_labels=0, cpu_s=0.0,
    )  # fmt: skip
    predictors = (predictor,) * num_trainings
    trained = Trained(adapted=adapted, predictors=predictors, skipped=(), validation_auc=0.5)
    over = Value(value=0.03, error=0.01, low=0.01, high=0.05, num=9)
    area = Value(value=0.8, error=0.01, low=0.78, high=0.82, num=9)
    said = dict.fromkeys(("predictor", "trees_mask", "trees_height", "trees_pose"), area)
    return Evaluation(
        trained=trained,
        simulation=said | {"over_trees_mask": over},
        targets=targets,
        programs={},
        best_auc=0.5,
    )


def grasped(successes: list[bool]) -> TargetResult:
    """A result of two scenes, each with the same outcomes."""
    film = FileRef(uri="film.png", sha256="0" * 64, num_bytes=1)
    outcomes = tuple(
        GraspOutcome(item_id=scene, scene_id=scene, successes=tuple(successes), film=film)
        for scene in ("a", "b")
    )
    return target_result().model_copy(update={"grasps": {"graspgan_cut": outcomes}})


def put(evaluated: Evaluation, folder: Path, finished: str, code: str | None = None) -> None:
    """Keep an evaluation as the stage would have."""
    provenance = {"finished": finished, "code": code or declaration_of(_STAGE).code}
    manifest = Manifest.of(evaluated, "graspgan.evaluate", "0" * 64, provenance)
    place = folder / "train_graspgan" / "graspgan.evaluate" / finished
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(manifest.model_dump_json())


def test_what_has_no_target_in_its_name_is_the_surrogates() -> None:
    result = target_result()
    found = target_figures(result)
    by_name = {each.method: each for each in result.methods}
    assert found["surrogate_auc_adapted"].value == by_name["graspgan_cut"].area.value
    assert found["surrogate_auc_best_control"].value == by_name["cut_structured"].area.value
    assert found["gap_closed_share"].value == result.closed_share.value
    assert found["label_factor_low"].value == result.label_factor.low
    assert found["surrogate_seeds_adapted"].value == 3
    over = by_name["graspgan_cut"].over_control
    assert found["surrogate_adapted_minus_best_control_se"].value == over.error
    low, high = found["surrogate_adapted_minus_best_control"].interval
    assert low < over.value < high

    other = target_figures(result.model_copy(update={"target": "bullet-structured"}))
    assert other["restyled_gap_closed_share"] == found["gap_closed_share"]
    assert not other.keys() & found.keys()


def test_two_targets_and_a_second_run_give_all_figures_but_those_of_what_was_not_done() -> None:
    first, second = grasped([True, True, False]), grasped([True, False, False])
    restyled = first.model_copy(update={"target": "bullet-structured"})
    found = figures(evaluation(first, restyled), evaluation(second, objects="everyday"))
    gain = found["success_procedural_minus_everyday"]
    assert gain.value == pytest.approx(1 / 3)
    assert found["sim_minus_mask"].interval == (0.01, 0.05)
    missing = {*expected()} - found.keys()
    # The made-up results know no such method, and no success in closed loop.
    assert missing == {
        *(f"{prefix}_auc_sim_only" for prefix in ("restyled", "surrogate")),
        *(f"success_{name}" for name in ("sim_only", "adapted", "all_labels", "gain", "gain_se")),
    }


def test_the_newest_of_the_largest_runs_of_this_code_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure(tmp_path) == {}
    assert "no run of train_graspgan" in capsys.readouterr().out
    newest = target_result().model_copy(update={"best_adapted": "graspgan"})
    put(evaluation(newest, num_trainings=3), tmp_path, "2026-11-30T02")
    put(evaluation(target_result(), num_trainings=3), tmp_path, "2026-11-30T01")
    put(evaluation(target_result()), tmp_path, "2026-11-30T04")
    put(evaluation(target_result()), tmp_path, "2026-11-30T03", code="other")
    found = measure(tmp_path)
    by_name = {each.method: each for each in newest.methods}
    assert found["surrogate_auc_adapted"].value == by_name["graspgan"].area.value
    said = capsys.readouterr().out
    assert "left out, since other code made it" in said
    assert "not in the runs, so not among the figures" in said
    assert "success_procedural_minus_everyday" in said
