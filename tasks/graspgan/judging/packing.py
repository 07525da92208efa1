"""Packs the predictor that grasped best for a model registry: its bundle, its answers.

It is served by PyTorch alone: whether what cuts pictures can be written as ONNX was not tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tasks.bundle.making import Example, make_bundle
from tasks.bundle.manifest import Provenance
from tasks.bundle.programs import load_program
from tasks.core.digests import digest
from tasks.core.models import ANSWERS_FILE, BUNDLE_FILE
from tasks.core.ports import ItemFolder
from tasks.core.records import FileRef, Record
from tasks.graspgan.judging.manifests import GraspOutcome
from tasks.grasping.policy_model import known_of, load_model
from tasks.grasping.readers.dataset import SampleReader
from tasks.grasping.readers.samples import camera_in
from tasks.grasping.types import GripperPose

_NUM_GOLDEN: Final = 4
_TOLERANCE: Final = 1e-3  # of probabilities: another machine may add up in another order


class PackTask(Record):
    """A predictor to pack.

    Attributes:
        item_id: Target and method.
        program: The predictor, ``.pt2``.
        shard: Attempts that the examples are taken from.
        target: World that it grasped in.
        grasps: What came of its grasps, scene by scene.
    """

    schema_id = "graspgan.pack_task/1"

    item_id: str
    program: FileRef
    shard: FileRef
    target: str
    grasps: tuple[GraspOutcome, ...]


class PackedPredictor(Record):
    """A predictor with what belongs to it.

    Attributes:
        item_id: That of its task.
        bundle: Files of its bundle, by their names there.
        answers: How its grasps ended.
        test_key: Digest of the test: scenes and world.
        success: Share of its grasps that lifted something.
    """

    schema_id = "graspgan.packed_predictor/2"

    item_id: str
    bundle: dict[str, FileRef]
    answers: FileRef
    test_key: str
    success: float


def pack_predictor(item: PackTask, config: None, folder: ItemFolder) -> PackedPredictor:  # noqa: ARG001
    """Write examples of what a predictor is asked and says, and how its grasps ended."""
    reader = SampleReader([folder.fetch(item.shard)], also=("cameras", "poses"))
    samples = [reader[index] for index in range(_NUM_GOLDEN)]
    first, commands = samples[0], np.stack([sample["command"] for sample in samples])
    pose, camera = GripperPose(*first["pose"].tolist()), camera_in(first)
    model = load_model(folder.fetch(item.program))
    said = model(first["before"], first["now"], commands, pose, camera)
    asked: dict[str, Any] = {
        "before": first["before"][None],
        "now": first["now"][None],
        "commands": commands,
        **{k: v for k, v in known_of(pose, camera).items() if k in model.further},
    }
    example = Example(asked, {"success": said.astype(np.float32)}, _TOLERANCE)
    made = make_bundle(
        folder.path / "bundle",
        "grasp_success",
        load_program(folder.fetch(item.program), f"predictor {item.item_id}"),
        {"predict": example},
        use=_use(item),
        provenance=Provenance(
            maker="graspgan.register",
            data={"examples": item.shard.sha256},
            licences={"program": "Apache-2.0"},
        ),
        with_onnx=False,
    )
    successes = _answer(item.grasps, folder)
    return PackedPredictor(
        item_id=item.item_id,
        bundle={name: folder.add(f"bundle/{name}") for name in (*made.files, BUNDLE_FILE)},
        answers=folder.add(ANSWERS_FILE),
        test_key=digest([item.target, [each.scene_id for each in item.grasps]]),
        success=float(np.mean(successes)),
    )


def _answer(grasps: Sequence[GraspOutcome], folder: ItemFolder) -> np.ndarray:
    """Write which grasps lifted something; a grasp is known by its scene and number."""
    names = [
        digest([each.scene_id, number]) for each in grasps for number in range(len(each.successes))
    ]
    item = np.array([list(bytes.fromhex(name)) for name in names], np.uint8)
    is_right = np.array([ended for each in grasps for ended in each.successes], bool)
    np.savez(folder.path / ANSWERS_FILE, item=item, is_right=is_right)
    return is_right


def _use(item: PackTask) -> dict[str, Any]:
    return {
        "says": "probability that closing where a command leads lifts an object",
        "world": item.target,
        "inputs": "see tasks/grasping/policy_model.py; collect_grasps takes it as policy.model",
    }
