"""What finished runs of `train_graspgan` came to, as figures; nothing is trained here.

Reads the largest evaluation below a folder of artifacts, the newest of equals, and beside it that
of runs whose simulation held everyday objects. ``restyled_…`` is the target `bullet-structured`,
where looks alone differ; what has no target in its name is `surrogate`'s. Intervals are 95 %, by
scenes and seeds.

- ``sim_auc``, ``oracle_mask_auc``, ``oracle_height_auc``, ``pose_only_auc``: held-out objects of
  simulation, by C and by trees; ``sim_minus_mask``: C less trees that know the objects' masks.
- ``…_auc_sim_only``: simulation alone, as many steps as any other. ``…_auc_standardised``:
  standardised crops in randomised looks, alike. ``…_auc_best_control``, ``…_auc_adapted``: what
  validation named the best without labels. ``…_auc_all_labels``.
- ``…_adapted_minus_randomised``, ``…_adapted_minus_best_control``: of these areas. What ends in
  ``_se`` is the standard error of the difference that it is named for.
- ``gap_closed_share``, ``label_factor``, ``label_factor_low``, ``label_equivalent``: see
  `tasks.graspgan.judging`.
- ``success_…``: closed loop; ``success_gain``: best adaptation less best control;
  ``success_procedural_minus_everyday``: of the best adaptations of two runs, by scenes.
- ``…_seeds_…``: trainings of the method that a row names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.bootstrap import figure_of
from benchmarks.results_file import Figure
from operators.stage.key import declaration_of
from operators.store.manifests import Manifest
from tasks.graspgan.judging.manifests import Evaluation, TargetResult, Value
from tasks.graspgan.judging.verdicts import LABELS, RANDOMISED

PREFIXES: Final[Mapping[str, str]] = {"bullet-structured": "restyled", "surrogate": "surrogate"}
_STAGE: Final = "tasks.graspgan.stages.evaluate:evaluate_methods"
_MANIFESTS: Final = "**/graspgan.evaluate/*/manifest.json"
_HEADLINE: Final = "surrogate_"  # what is said of one target alone is said of this one
_ALONE: Final = ("gap_closed_share", "label_", "success_")
_SIMULATION: Final[Mapping[str, str]] = {
    "sim_auc": "predictor",
    "oracle_mask_auc": "trees_mask",
    "oracle_height_auc": "trees_height",
    "pose_only_auc": "trees_pose",
}


def measure(artifacts: Path) -> dict[str, Figure]:
    """Figures of the largest runs below a folder; says which could not be found."""
    by_objects: dict[str, Evaluation] = {}
    for evaluation in sorted(evaluations(artifacts), key=_size):  # of equals the newest last
        by_objects[evaluation.trained.adapted.pretrained.prepared.attempts.objects] = evaluation
    if "procedural" not in by_objects:
        print(f"no run of train_graspgan below {artifacts}: no figure of the table")
        return {}
    found = figures(by_objects["procedural"], by_objects.get("everyday"))
    missing = [name for name in expected() if name not in found]
    if missing:
        print(f"not in the runs, so not among the figures: {', '.join(missing)}")
    return found


def _size(evaluation: Evaluation) -> tuple[int, int]:
    """Trainings, then attempts: variants of a run, and small ones, have fewer of one."""
    attempts = evaluation.trained.adapted.pretrained.prepared.attempts
    return len(evaluation.trained.predictors), sum(each.num_attempts for each in attempts.sets)


def evaluations(artifacts: Path) -> Iterator[Evaluation]:
    """Evaluations that this code made, the newest last; says which are of another."""
    manifests = [
        Manifest.parse(path.read_bytes(), str(path)) for path in artifacts.glob(_MANIFESTS)
    ]
    code = declaration_of(_STAGE).code
    for each in sorted(manifests, key=lambda manifest: str(manifest.provenance["finished"])):
        if each.provenance["code"] != code:
            print(f"left out, since other code made it: {each.key[:12]}; check out its commit")
            continue
        yield Evaluation.model_validate_json(json.dumps(each.content))


def figures(evaluation: Evaluation, everyday: Evaluation | None = None) -> dict[str, Figure]:
    """Figures of a run, and of one whose simulation held everyday objects."""
    said = evaluation.simulation
    found = {name: _figure(said[method]) for name, method in _SIMULATION.items() if method in said}
    found |= _difference("sim_minus_mask", said.get("over_trees_mask"))
    for result in evaluation.targets:
        found |= target_figures(result)
    if everyday is not None:
        found |= _procedural_minus_everyday(evaluation, everyday)
    return found


def expected() -> list[str]:
    """Names of all figures that a whole run gives."""
    areas = ("sim_only", "best_control", "adapted", "all_labels", "standardised")
    gains = ("adapted_minus_randomised", "adapted_minus_best_control")
    names = [*_SIMULATION, "sim_minus_mask", "sim_minus_mask_se"]
    for prefix in PREFIXES.values():
        names += [f"{prefix}_auc_{each}" for each in areas]
        names += [f"{prefix}_{each}{end}" for each in gains for end in ("", "_se")]
        names += [f"{prefix}_gap_closed_share".removeprefix(_HEADLINE)]
    names += ["label_factor", "label_factor_low", "label_equivalent"]
    names += [
        f"success_{each}" for each in ("sim_only", "adapted", "all_labels", "gain", "gain_se")
    ]
    return [*names, "success_procedural_minus_everyday"]


def target_figures(result: TargetResult) -> dict[str, Figure]:
    """Figures of a target, under its prefix."""
    by_name = {each.method: each for each in result.methods}
    best = by_name[result.best_adapted]
    rows = {
        "sim_only": "simulation_longer",
        "standardised": RANDOMISED,
        "best_control": result.best_control,
        "adapted": result.best_adapted,
        "all_labels": LABELS,
    }
    values: dict[str, Value | None] = {
        f"auc_{name}": by_name[method].area for name, method in rows.items() if method in by_name
    }
    values |= {
        "gap_closed_share": result.closed_share,
        "label_factor": result.label_factor,
        "label_equivalent": result.label_equivalent,
    }
    for name, method in rows.items():
        values[f"success_{name}"] = by_name[method].success if method in by_name else None
    found = {name: _figure(value) for name, value in values.items() if value is not None}
    found |= _difference("adapted_minus_randomised", best.over_randomised)
    found |= _difference("adapted_minus_best_control", best.over_control)
    found |= _difference("success_gain", result.success_gain)
    if result.label_factor is not None and result.label_factor.low is not None:
        found["label_factor_low"] = _count(result.label_factor.low)
    for name, method in rows.items():
        if method in by_name:
            found[f"seeds_{name}"] = _count(by_name[method].num_seeds)
    prefix = PREFIXES.get(result.target, result.target.replace("-", "_"))
    return {_named(f"{prefix}_", name): figure for name, figure in found.items()}


def _procedural_minus_everyday(first: Evaluation, other: Evaluation) -> dict[str, Figure]:
    """Success of the best adaptations of two runs, in the scenes that both tried."""
    tried = [_grasps(first), _grasps(other)]
    scenes = sorted(tried[0].keys() & tried[1].keys())
    if len(scenes) < 2:
        return {}
    sums = [
        [*(sum(each[scene]) for each in tried), len(tried[0][scene])]
        for scene in scenes
        if len(tried[0][scene]) == len(tried[1][scene])
    ]
    gain = figure_of(
        np.array(sums, np.float64), lambda sums: (sums[..., 0] - sums[..., 1]) / sums[..., 2]
    )
    return {"success_procedural_minus_everyday": gain}


def _grasps(evaluation: Evaluation) -> dict[str, tuple[bool, ...]]:
    """What came of the best adaptation's grasps in the surrogate world, by scene."""
    found = [
        each
        for result in evaluation.targets
        if result.target == "surrogate"
        for each in result.grasps.get(result.best_adapted, ())
    ]
    return {each.scene_id: each.successes for each in found}


def _named(prefix: str, name: str) -> str:
    is_alone = prefix == _HEADLINE and name.startswith(_ALONE)
    return name if is_alone else f"{prefix}{name}"


def _figure(value: Value) -> Figure:
    ends = None if value.low is None or value.high is None else (value.low, value.high)
    return Figure(value=value.value, unit="", interval=ends)


def _difference(name: str, value: Value | None) -> dict[str, Figure]:
    """A difference, and its standard error."""
    if value is None:
        return {}
    error = {} if value.error is None else {f"{name}_se": _count(value.error)}
    return {name: _figure(value)} | error


def _count(number: float) -> Figure:
    return Figure(value=float(number), unit="", interval=None)
