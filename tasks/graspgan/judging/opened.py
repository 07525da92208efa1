"""Scores beside the truth. Reading outcomes of a target's held-out objects is opening its test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.core.ports import ArtifactStore
from tasks.graspgan.judging.areas import BySeed, Test
from tasks.graspgan.judging.manifests import Scores, Value
from tasks.graspgan.judging.verdicts import RANDOMISED, TargetScores, value
from tasks.graspgan.manifests import CropSet, Prepared
from tasks.graspgan.methods import Method
from tasks.graspgan.trainings.crop_pools import set_name
from tasks.graspgan.trainings.manifests import Trained

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
        Trees("pose", Method("trees_pose", "trees on the motion's numbers alone")),
        Trees("mask", Method("trees_mask", "trees on an oracle's object mask")),
        Trees("height", Method("trees_height", "trees on an oracle's heights"), asks_target=False),
        Trees(
            "contrast",
            Method("trees_contrast", "trees on 8 x 8 cells without brightness and contrast"),
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


def scored_sets(prepared: Prepared, target: str) -> tuple[CropSet, CropSet, CropSet]:
    """What methods are asked about: a target's validation and test, and simulation's test."""
    return (
        prepared.of(target, "validation"),
        prepared.of(target, "held_out"),
        prepared.of(prepared.attempts.simulation, "held_out"),
    )


@dataclass(frozen=True)
class Opened:
    """What was said, and what is right.

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

    def target(self, target: str) -> TargetScores:
        """Scores of all methods on a target."""
        sets = scored_sets(self.prepared, target)
        ids: dict[str, list[str]] = {}
        for each in self.trained.predictors:
            if each.target == target:
                ids.setdefault(each.method, []).append(each.item_id)
        ids |= {name: [f"{name}-{target}"] for name, trees in TREES.items() if trees.asks_target}
        labels = {each.method: each.num_labels for each in self.trained.predictors}
        num_all = self.prepared.attempts.of(target, "train").num_attempts
        labels |= {name: num_all if trees.has_labels else 0 for name, trees in TREES.items()}
        validation, test, simulation = (self._test(crops) for crops in sets)
        return TargetScores(
            target=target,
            validation=validation,
            test=test,
            simulation=simulation,
            is_uniform=self._arrays(sets[1])["is_uniform"],
            said={
                name: (
                    self._said(found, sets[0]),
                    self._said(found, sets[1]),
                    self._said(found, sets[2]),
                )
                for name, found in ids.items()
            },
            num_labels=labels,
        )

    def simulation(self) -> dict[str, Value]:
        """How well what simulation taught does on its own test, beside oracles."""
        target = self.prepared.attempts.targets[0]
        crops = scored_sets(self.prepared, target)[-1]
        test = self._test(crops)
        predictors = [
            each.item_id
            for each in self.trained.predictors
            if (each.method, each.target) == (RANDOMISED, target)
        ]
        own = self._said(predictors, crops)
        oracles = {name: self._said([f"{name}-{target}"], crops) for name in TREES}
        found = {name: value(test.area(said)) for name, said in oracles.items()}
        if own:
            found["predictor"] = value(test.area(own))
            for name in ("trees_mask", "trees_height"):
                found[f"over_{name}"] = value(test.difference(own[:1], oracles[name]))
        return found

    def _said(self, item_ids: list[str], crops: CropSet) -> BySeed:
        return [self._files[item_id][set_name(crops)] for item_id in item_ids]

    def _test(self, crops: CropSet) -> Test:
        arrays = self._arrays(crops)
        return Test(arrays["success"] > 0, arrays["scene_id"])

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
