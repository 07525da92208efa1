"""Shards of grasp attempts as crops: what is read once, and trained on many times.

Legend: n samples, s side of a crop, p pictures of a sample, h and w of a picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from tasks.core.digests import digest
from tasks.graspgan.manifests import NetworkName
from tasks.graspgan.samples.checking import checked_samples
from tasks.graspgan.samples.crops import View, crops, motion_numbers, shrunk
from tasks.graspgan.samples.painters import Cuttings, LookName, Painter
from tasks.grasping.looks.lens import pixel_rays
from tasks.grasping.readers.dataset import SampleReader
from tasks.grasping.readers.samples import Extra, Sample, camera_in, rendering_in
from tasks.grasping.types import ByteImage, Camera
from tasks.grasping.workspace import BIN_FLOOR_M

Arrays = dict[str, npt.NDArray[Any]]
Pictures = Literal["before", "both"]
_PICTURES: Mapping[Pictures, tuple[Literal["before", "now"], ...]] = {
    "before": ("before",),
    "both": ("before", "now"),
}


@dataclass(frozen=True)
class Asked:
    """What is wanted of attempts.

    Attributes:
        side_px: Side of the crops.
        pictures: Whether the picture with the arm is there, too.
        looks: Kinds of looks, with how many of each; only ``plain`` needs no G-buffers.
        has_labels: Whether outcomes are read at all. A run without labels asks without: then no
            array says what became of an attempt, nor what a mask shows.
        network: Who is to see them: ``picture`` sees whole pictures, and commands.
    """

    side_px: int
    pictures: Pictures
    looks: Mapping[LookName, int]
    has_labels: bool
    network: NetworkName = "crop"

    @property
    def needs_g_buffers(self) -> bool:
        """Whether other looks are painted."""
        return any(name != "plain" for name in self.looks)


def read_crops(shard: Path, asked: Asked, painters: Mapping[LookName, Painter]) -> Arrays:
    """Read the attempts of a shard.

    Args:
        shard: Rows of version `tasks.grasping.data.schema.SCHEMA_ID`.
        asked: What is wanted.
        painters: Of each kind of look that is asked for.

    Returns:
        By name, n first: ``attempt_id``, ``scene_id``, ``station`` (texts; a station is known by
        its calibration), ``is_uniform``; ``motion`` (n, m) float32; ``<look>_<k>``
        (n, s, s, 3 p) uint8 for each look; and with labels ``success`` (n,) float32, ``classes``
        (n, s, s, p) uint8, ``heights_m`` (n, s, s) float16 above the bin's floor where there are
        G-buffers.

    Raises:
        ArtifactError: The shard can't be read.
        DataError: It has no G-buffers, but looks are painted; or pictures or masks are not what
            `checked_samples` looks for.
    """
    extras: list[Extra] = ["about", "cameras", "poses"]
    if asked.has_labels or asked.needs_g_buffers:
        extras.append("masks")
    if asked.needs_g_buffers:
        extras.append("g_buffers")
    samples = checked_samples(shard, extras)
    parts = [
        _of_scene([*group], asked, painters)
        for _, group in groupby(samples, lambda sample: str(sample["scene_id"]))
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_scene(samples: list[Sample], asked: Asked, painters: Mapping[LookName, Painter]) -> Arrays:
    """Attempts of one scene, which share the picture without the arm."""
    view, grasp = _view(samples), torch.from_numpy(np.stack([s["grasp"] for s in samples]))
    scene_id = str(samples[0]["scene_id"])
    found: Arrays = {
        name: np.array([sample[name].item() for sample in samples])
        for name in ("attempt_id", "scene_id", "is_uniform")
    }
    found["station"] = np.array([_station(sample) for sample in samples])
    found["motion"] = motion_numbers(grasp, view).float().numpy()
    if asked.network == "picture":
        found["motion"] = np.stack([sample["command"] for sample in samples])
    for name, variant in _variants(asked.looks):
        seen = [
            _painted(samples, picture, painters[name], scene_id, variant)
            for picture in _PICTURES[asked.pictures]
        ]
        found[f"{name}_{variant}"] = _cut(np.concatenate(seen, axis=-1), grasp, view, asked)
    if asked.has_labels:
        found |= _labels(samples, grasp, view, asked)
    return found


def _labels(samples: list[Sample], grasp: torch.Tensor, view: View, asked: Asked) -> Arrays:
    classes = [
        np.stack([sample[f"{picture}_class_mask"] for sample in samples])
        for picture in _PICTURES[asked.pictures]
    ]
    found: Arrays = {
        "success": np.array([sample["success"] for sample in samples], np.float32),
        "classes": _cut(np.stack(classes, axis=-1), grasp, view, asked, "nearest"),
    }
    if asked.needs_g_buffers:
        height_m = heights(samples[0]["before_depth"], camera_in(samples[0], "true"))
        maps = np.repeat(height_m[None, :, :, None], len(samples), axis=0)
        cut = _cut(maps, grasp, view, asked, "nearest")
        found["heights_m"] = cut[..., 0].astype(np.float16)
    return found


def heights(depth_m: npt.NDArray[np.float32], camera: Camera) -> npt.NDArray[np.float32]:
    """How high above the bin's floor what each pixel shows lies, (h, w); 0 where nothing is.

    Args:
        depth_m: Distances along the optical axis, (h, w).
        camera: As it really was.
    """
    is_seen = np.isfinite(depth_m)
    depth = np.where(is_seen, depth_m, 0)
    x, y = pixel_rays(camera, is_distorted=True)
    seen_m = np.stack([x * depth, y * depth, depth], axis=-1)
    rotation, shift_m = camera.camera_from_base[:3, :3], camera.camera_from_base[:3, 3]
    z_m = (seen_m - shift_m) @ rotation[:, 2]
    return np.where(is_seen, z_m - BIN_FLOOR_M, 0).astype(np.float32)


def _painted(
    samples: list[Sample],
    picture: Literal["before", "now"],
    paint: Painter,
    scene_id: str,
    variant: int,
) -> npt.NDArray[np.uint8]:
    """Pictures (n, h, w, 3) in one look; the one without the arm is painted once."""

    def painted(sample: Sample) -> npt.NDArray[np.uint8]:
        if "before_depth" not in sample:
            return sample[picture]
        return paint(rendering_in(sample, picture), scene_id, variant)

    if picture == "before":
        return np.repeat(painted(samples[0])[None], len(samples), axis=0)
    return np.stack([painted(sample) for sample in samples])


def _cut(
    maps: npt.NDArray[Any], grasp: torch.Tensor, view: View, asked: Asked, mode: str = "bilinear"
) -> npt.NDArray[Any]:
    """What is seen of maps (n, h, w, c), (n, s, s, c), of the same type."""
    given = torch.from_numpy(np.moveaxis(maps, -1, 1).astype(np.float32))
    if asked.network == "picture":
        seen = shrunk(given, asked.side_px, "area" if mode == "bilinear" else mode)
    else:
        seen = crops(given, grasp, view, asked.side_px, mode)
    cut = np.moveaxis(seen.numpy(), 1, -1)
    return cut if maps.dtype.kind == "f" else np.rint(cut).astype(maps.dtype)


def _view(samples: list[Sample]) -> View:
    """Cameras as the robot knows them."""
    names = ("calibrated_matrix", "calibrated_from_base", "distortion")
    return View(*(torch.from_numpy(np.stack([sample[n] for sample in samples])) for n in names))


def _station(sample: Sample) -> str:
    return digest([sample["calibrated_matrix"].tolist(), sample["calibrated_from_base"].tolist()])[
        :12
    ]


def _variants(looks: Mapping[LookName, int]) -> Iterator[tuple[LookName, int]]:
    return ((name, variant) for name, count in looks.items() for variant in range(count))


def target_cuttings(shards: Sequence[Path], seed: int) -> Cuttings:
    """Cut textures out of a target's pictures without the arm, one picture of each scene.

    Args:
        shards: Of which pictures, cameras and scenes are read, no outcome and no mask.
        seed: Decides where is cut.

    Raises:
        DataError: Pictures are too small to cut from.
    """
    pictures: dict[str, list[ByteImage]] = defaultdict(list)
    cameras: dict[str, Camera] = {}
    for shard in shards:
        reader = SampleReader([shard], also=("about", "cameras"))
        _, firsts = np.unique(reader.values("scene_id"), return_index=True)
        for index in firsts:
            sample = reader[int(index)]
            station = _station(sample)
            pictures[station].append(sample["before"])
            cameras[station] = camera_in(sample)
    return Cuttings.of(pictures, cameras, seed)
