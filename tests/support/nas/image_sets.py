"""Small image sets that can be learned: each class is a colour, with noise."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from operators.stage.local import LocalRun
from tasks.core.records import ArtifactRef
from tasks.nas.config import PrepareConfig
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.stages.prepare import prepare_images

COLOURS = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])


def coloured(num: int, side_px: int = 8, seed: int = 0) -> LabelledImages:
    """Noisy images whose colour tells their class; classes take turns."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % len(COLOURS)
    noise = rng.normal(0, 40, (num, side_px, side_px, 3))
    pixels = (COLOURS[labels][:, None, None] + noise).clip(0, 255).astype(np.uint8)
    return LabelledImages(pixels, labels.astype(np.int64))


def write_packed(folder: Path, split: str, images: LabelledImages, num_shards: int = 2) -> None:
    """Pack images as JPEG shards with an index."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for pixels in images.pixels:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
        files.append(buffer.getvalue())
    parts = np.array_split(np.arange(len(files)), num_shards)
    for number, part in enumerate(parts):
        (folder / f"{split}_{number}.jpegs").write_bytes(b"".join(files[k] for k in part))
    np.savez(
        folder / f"{split}_index.npz",
        offset=np.cumsum([0, *map(len, files)]),
        label=images.labels.astype(np.uint8),
        shard_items=np.array([len(part) for part in parts]),
    )
    (folder / "classes.json").write_text(json.dumps({"names": ["red", "green", "blue"]}))


def write_image_folder(folder: Path, split: str, images: LabelledImages) -> None:
    """Write images as PNG in a folder for each class."""
    for number, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
        path = folder / split / ("red", "green", "blue")[label] / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def prepared(local: LocalRun, folder: Path, side_px: int = 8, num_train: int = 400) -> ArtifactRef:
    """A small set, through the stage `prepare`."""
    write_packed(folder, "train", coloured(num_train, side_px))
    write_packed(folder, "test", coloured(90, side_px, seed=1), num_shards=1)
    return local.run(prepare_images, config=PrepareConfig(data=str(folder), num_validation=100))
