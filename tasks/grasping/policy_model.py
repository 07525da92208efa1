"""A trained model as a policy: a program that `torch.export` saved, a ``.pt2`` file.

Its one method takes three tensors or more, in this order, and returns one:

- ``before`` (1, h, w, 3) uint8: picture without the arm, RGB,
- ``now`` (1, h, w, 3) uint8: picture with the arm, RGB,
- ``commands`` (n, 5) float32: from the current TCP to each candidate, see `tasks.grasping.types`,
- what else it asks for by the names of its further arguments, float32, frames and units as in
  `tasks.grasping.types`: ``pose`` (4,), the current TCP (x_m, y_m, z_m, yaw_rad);
  ``calibrated_matrix`` (3, 3), ``calibrated_from_base`` (4, 4) and ``distortion`` (2,), the camera
  as the robot knows it. Who crops the surroundings of a grasp needs all four;
- result (n,) float: probability that closing there lifts an object.

n is dynamic, or the number of candidates that the policy scores in a round
(``policy.model_candidates``). Crops and scales are the program's own business. Export it with
two example pictures of their own: of one tensor given twice, `torch.export` makes one input and
leaves the other unused. A program is code: use those only whose origin you trust.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import DataError, ResourceError
from tasks.grasping.types import ByteImage, Camera, Float32Array, FloatArray, GripperPose
from tasks.grasping.workspace import BIN_CENTRE_M
from tasks.intake.memory import check_room

_LOG = logging.getLogger(__name__)
_EXPECTED = (
    "expected (before: uint8 (1, h, w, 3), now: uint8 (1, h, w, 3), commands: float32 (n, 5)) "
    "-> probabilities (n,); see tasks/grasping/policy_model.py"
)
_SHAPES = (("before", (1, None, None, 3)), ("now", (1, None, None, 3)), ("commands", (None, 5)))
_FURTHER = {
    "pose": (4,),
    "calibrated_matrix": (3, 3),
    "calibrated_from_base": (4, 4),
    "distortion": (2,),
}


class PolicyModel:
    """Implements `tasks.grasping.algorithms.controllers.GraspPredictor`.

    Attributes:
        further: What the program asks for beside pictures and commands, by name.
    """

    def __init__(self, program: Any, path: Path) -> None:
        self._module = program.module()
        self.further = program.graph_signature.user_inputs[len(_SHAPES) :]
        self._path = path

    def __call__(
        self,
        before: ByteImage,
        now: ByteImage,
        commands: Float32Array,
        pose: GripperPose,
        camera: Camera,
    ) -> FloatArray:
        """Return the probability of success of each command, (n,).

        Args:
            before: Picture without the arm, (h, w, 3), RGB.
            now: Picture with the arm, (h, w, 3), RGB.
            commands: Candidates, (n, 5).
            pose: The current TCP.
            camera: The camera as the robot knows it.

        Raises:
            DataError: The program can't take the pictures or that many commands, or what it
                returns are no probabilities.
        """
        import torch

        given = [torch.from_numpy(np.ascontiguousarray(each[None])) for each in (before, now)]
        known = known_of(pose, camera)
        given += [torch.from_numpy(np.ascontiguousarray(commands, np.float32))]
        given += [torch.from_numpy(known[name]) for name in self.further]
        shapes = ", ".join(str(tuple(each.shape)) for each in given)
        try:
            with torch.no_grad(), _one_thread():
                result = self._module(*given)
        except (AssertionError, RuntimeError, ValueError, TypeError) as error:
            raise DataError(
                f"policy.model {self._path} can't take inputs of {shapes}: {error}; export it for "
                "the pictures of world.camera.size_px, with a dynamic number of commands"
            ) from error
        return self._checked(result, len(commands))

    def _checked(self, result: Any, count: int) -> FloatArray:
        if getattr(result, "shape", None) != (count,):
            raise DataError(
                f"policy.model {self._path}: expected probabilities ({count},), got "
                f"{tuple(getattr(result, 'shape', ())) or type(result).__name__}"
            )
        values = result.double().numpy()
        if not ((values >= 0) & (values <= 1)).all():
            raise DataError(
                f"policy.model {self._path}: expected probabilities between 0 and 1, got "
                f"{values.min():g} to {values.max():g}; let it end in a sigmoid"
            )
        return np.asarray(values, np.float64)


def load_model(path: Path) -> PolicyModel:
    """Read a model.

    Raises:
        DataError: The file is missing, is no program of `torch.export`, or the program has
            other inputs.
        ResourceError: PyTorch is missing.
    """
    try:
        import torch
    except ImportError as error:
        raise ResourceError(
            "a model as policy needs PyTorch: install torch, or choose another policy.kind"
        ) from error
    if not path.is_file():
        raise DataError(f"policy.model: expected a file (.pt2), there is none at {path}")
    _check_archive(path)
    log = logging.getLogger("torch.export")  # it would print the trace that follows once more
    was_disabled, log.disabled = log.disabled, True
    try:
        program = torch.export.load(path)
    except Exception as error:
        raise DataError(
            f"policy.model {path} is no program that torch.export.save wrote with a version of "
            f"PyTorch up to {torch.__version__}: {error}"
        ) from error
    finally:
        log.disabled = was_disabled
    _check_inputs(program, path)
    return PolicyModel(program, path)


def _check_archive(path: Path) -> None:
    """Make sure that a program is a zip file that unpacks to what memory holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            num_bytes = sum(entry.file_size for entry in archive.infolist())
    except Exception as error:  # zipfile raises a dozen kinds of what is damaged
        raise DataError(
            f"policy.model {path} is no program that torch.export.save wrote: {error}"
        ) from error
    check_room(2 * num_bytes, f"policy.model {path}: it")


def check_model(path: Path, size_px: int, num_candidates: int) -> None:
    """Make sure that a model can serve as a policy, by asking it once.

    Args:
        path: The file.
        size_px: Width and height of the pictures that it will be shown.
        num_candidates: Commands that it scores in each round.

    Raises:
        DataError: It can't.
        ResourceError: PyTorch is missing.
    """
    model = load_model(path)
    rng = np.random.default_rng(0)
    before, now = rng.integers(0, 256, (2, size_px, size_px, 3), np.uint8)
    commands = rng.normal(0, 0.1, (num_candidates, 5)).astype(np.float32)
    pose = np.eye(4)
    pose[:3, 3] = -BIN_CENTRE_M[0], 0.0, 1.0  # some camera that has the bin in front of it
    middle_px = (size_px - 1) / 2
    camera = Camera(size_px, size_px, 2.0 * size_px, 2.0 * size_px, middle_px, middle_px, pose)
    model(before, now, commands, GripperPose(BIN_CENTRE_M[0], 0.0, 0.0, 0.0), camera)


def _check_inputs(program: Any, path: Path) -> None:
    import torch

    nodes = {node.name: node for node in program.graph.nodes}
    names = program.graph_signature.user_inputs
    further = names[len(_SHAPES) :]
    if len(names) < len(_SHAPES):
        raise DataError(f"policy.model {path} takes {len(names)} inputs: {_EXPECTED}")
    if unknown := [name for name in further if name not in _FURTHER]:
        raise DataError(
            f"policy.model {path} asks for {', '.join(unknown)}: {_EXPECTED}, and behind the three "
            f"any of {', '.join(_FURTHER)}"
        )
    shapes = [*_SHAPES, *((name, _FURTHER[name]) for name in further)]
    given = [nodes[name] for name in names if name in nodes]
    for (name, shape), node in zip(shapes, given, strict=True):
        value = node.meta.get("val")
        kind = torch.uint8 if name in ("before", "now") else torch.float32
        if not isinstance(value, torch.Tensor) or value.dtype != kind:
            got = getattr(value, "dtype", type(value).__name__)
            raise DataError(f"policy.model {path}: {name} is {got}: {_EXPECTED}")
        fits = len(value.shape) == len(shape) and all(
            want is None or not isinstance(have, int) or have == want
            for have, want in zip(value.shape, shape, strict=True)
        )
        if not fits:
            got = ", ".join(map(str, value.shape))
            raise DataError(f"policy.model {path}: {name} is ({got}): {_EXPECTED}")
    for (name, _), node in zip(shapes, given, strict=True):
        if not node.users:
            _LOG.warning("policy.model %s doesn't look at %s", path, name)


def known_of(pose: GripperPose, camera: Camera) -> dict[str, Float32Array]:
    """What a robot knows of itself, by the names of `_FURTHER`."""
    matrix = [
        [camera.fx_px, 0.0, camera.cx_px],
        [0.0, camera.fy_px, camera.cy_px],
        [0.0, 0.0, 1.0],
    ]
    return {
        "pose": np.array([pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad], np.float32),
        "calibrated_matrix": np.array(matrix, np.float32),
        "calibrated_from_base": camera.camera_from_base.astype(np.float32),
        "distortion": np.array(camera.distortion, np.float32),
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep sums in one order, so that a scene is the same on every machine's number of cores."""
    import torch

    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)
