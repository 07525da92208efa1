"""Scores beside the truth. Reading outcomes of a target's held-out objects is opening its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.core.ports import ArtifactStore
from tasks.graspgan.judging.answers import Answers
from tasks.graspgan.judging.areas import Test
from tasks.graspgan.judging.manifests import Scores, Value
from tasks.graspgan.judging.verdicts import TargetScores, value
from tasks.graspgan.manifests import CropSet, Prepared, set_name
from tasks.graspgan.methods import Method, methods
from tasks.graspgan.trainings.manifests import Trained, TrainedPredictor

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Trees:
    """Trees as a row beside the methods.

    Attributes:
        kind: What they are told, see `tasks.graspgan.judging.scoring.TREES`.
        method: The row.
        has_labels: Whether they are trained on the target's labels, else on simulation's.
        asks_target: Whether they can be asked about the target, whose depth nobody reads.
    """

    kind: str
    method: Method
    has_labels: bool = False
    asks_target: bool = True


TREES: Final[Mapping[str, Trees]] = {
    each.method.name: each
    for each in (
        Trees(
            "pose",
            Method("trees_pose", "trees on the motion's numbers alone", is_control=True),
        ),
        Trees("mask", Method("trees_mask", "trees on an oracle's object mask")),
        Trees("height", Method("trees_height", "trees on an oracle's heights"), asks_target=False),
        Trees(
            "contrast",
            Method(
                "trees_contrast",
                "trees on 8 x 8 cells without brightness and contrast",
                is_control=True,
            ),
        ),
        Trees(
            "contrast",
            Method(
                "trees_contrast_labels",
                "trees on 8 x 8 cells, all labels of the target",
                label_share=1.0,
            ),
            has_labels=True,
        ),
    )
}


SIMULATED: Final = tuple(
    each.name
    for each in methods("all")
    if each.is_control and "cut" not in each.looks and not each.colours
)
"""Methods that see simulation alone: no picture of a target, and nothing that was cut from one."""
_ORACLES: Final = ("trees_mask", "trees_height")


def scored_sets(prepared: Prepared, world: str) -> tuple[CropSet, CropSet]:
    """Validation and test of a world: a target's, or simulation's as it is."""
    return prepared.of(world, "validation"), prepared.of(world, "held_out")


def painted_set(prepared: Prepared, target: str) -> CropSet:
    """Simulation's validation, painted with a target's own textures: no label of the target."""
    return prepared.of(prepared.attempts.simulation, "validation", target=target)


@dataclass(frozen=True)
class Opened:
    """What was said, and what is right. A split is looked at when it is asked for, not before.

    Attributes:
        trained: The predictors.
        scores: What each, and trees, said; by item id.
        store: Holds the files.
    """

    trained: Trained
    scores: Mapping[str, Scores]
    store: ArtifactStore

    @property
    def prepared(self) -> Prepared:
        """The samples."""
        return self.trained.adapted.pretrained.prepared

    def validation(self, target: str) -> Answers:
        """What all methods said of a target's validation split."""
        crops = scored_sets(self.prepared, target)[0]
        return self._answers(crops, self._predictors(target) | _trees(target))

    def painted(self, target: str) -> Answers:
        """What all predictors said of simulation in the target's own textures."""
        return self._answers(painted_set(self.prepared, target), self._predictors(target))

    def best_of(self, found: Sequence[TrainedPredictor]) -> TrainedPredictor:
        """Of a target's trainings, the best on simulation in the target's own textures."""
        by_id = {each.item_id: each for each in found}
        crops = painted_set(self.prepared, found[0].target)
        return by_id[self._answers(crops, {name: [name] for name in by_id}).best_of([*by_id])]

    def target(self, target: str) -> TargetScores:
        """Scores of all methods on a target: this opens its test."""
        _, test = scored_sets(self.prepared, target)
        labels = {each.method: each.num_labels for each in self._of(target)}
        num_all = self.prepared.attempts.of(target, "train").num_attempts
        labels |= {name: num_all if trees.has_labels else 0 for name, trees in TREES.items()}
        ids = self._predictors(target) | _trees(target)
        return TargetScores(
            target=target,
            validation=self.validation(target),
            test=self._answers(test, ids),
            is_uniform=self._arrays(test)["is_uniform"],
            num_labels=labels,
        )

    def simulated(self) -> Answers:
        """What networks that saw simulation alone said of its validation split."""
        found = self._predictors(self.prepared.attempts.targets[0])
        ids = {name: items for name, items in found.items() if name in SIMULATED}
        own = self.prepared.attempts.simulation
        return self._answers(scored_sets(self.prepared, own)[0], ids)

    def simulation(self, network: str) -> tuple[dict[str, Value], ...]:
        """How well a network does on simulation's own test, beside oracles.

        Returns:
            By name, see `tasks.graspgan.judging.manifests.Evaluation`: of all attempts, of uniform
            proposals, and of those near objects.
        """
        target = self.prepared.attempts.targets[0]
        crops = scored_sets(self.prepared, self.prepared.attempts.simulation)[1]
        ids = {n: [f"{n}-{target}"] for n, trees in TREES.items() if not trees.has_labels}
        said = self._answers(crops, ids | {"predictor": self._predictors(target)[network]})
        is_uniform = self._arrays(crops)["is_uniform"]
        return tuple(
            _beside_oracles(e) for e in (said, said.part(is_uniform), said.part(~is_uniform))
        )

    def _predictors(self, target: str) -> dict[str, list[str]]:
        """Items of a target's predictors, seed by seed, by method."""
        ids: dict[str, list[str]] = {}
        for each in self._of(target):
            ids.setdefault(each.method, []).append(each.item_id)
        return ids

    def _of(self, target: str) -> list[TrainedPredictor]:
        return [each for each in self.trained.predictors if each.target == target]

    def _answers(self, crops: CropSet, ids: Mapping[str, list[str]]) -> Answers:
        arrays, name = self._arrays(crops), set_name(crops)
        return Answers(
            Test(arrays["success"] > 0, arrays["scene_id"]),
            {method: [self._files[item][name] for item in items] for method, items in ids.items()},
        )

    def _arrays(self, crops: CropSet) -> Arrays:
        parts = []
        for file in crops.files:
            with np.load(self.store.fetch(file.arrays)) as found:
                parts.append({n: found[n] for n in ("success", "scene_id", "is_uniform")})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @cached_property
    def _files(self) -> Mapping[str, Arrays]:
        loaded = {}
        for item_id, each in self.scores.items():
            with np.load(self.store.fetch(each.scores)) as found:
                loaded[item_id] = {name: found[name] for name in found.files}
        return loaded


def _beside_oracles(said: Answers | None) -> dict[str, Value]:
    if said is None:
        return {}
    found = {name: value(said.area(name)) for name in said.said}
    over = {f"over_{name}": said.difference("predictor", name) for name in _ORACLES}
    return found | {name: value(each) for name, each in over.items() if each is not None}


def _trees(target: str) -> dict[str, list[str]]:
    """Items of the trees that can be asked about a target."""
    return {name: [f"{name}-{target}"] for name, trees in TREES.items() if trees.asks_target}
