"""What of masked pixels is in the published picture.

On small captures each photo gets three blots, all masked. The capture is restitched with purple
blots and again with green ones: a pixel of the picture in which the two differ shows something of a
masked pixel.

- ``masked_pixels_published``: share of the masked pixels whose place another photo shows unmasked
  that are in the picture, in whole or blended into it.
- ``masked_pixels_elsewhere``: share of all other pixels that the blots changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.parts import FOLDER, code_digest, kept
from benchmarks.restitch.judgements.small_captures import PANORAMA_WIDTH_PX, small_capture
from benchmarks.results_file import Figure
from tasks.panorama.algorithms.fit.align import align_images
from tasks.panorama.algorithms.match.matching import match_images
from tasks.panorama.algorithms.place.canvas import columns_of
from tasks.panorama.algorithms.stitch.masks import hidden
from tasks.panorama.algorithms.stitch.restitch import Restitched, restitch
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.config import RenderConfig, RestitchConfig
from tasks.panorama.input.photos import read_photo
from tasks.panorama.input.rig_files.colmap import read_rig
from tasks.panorama.types import UNREPAIRED, BoolArray, ByteImage, Rig

SEEDS = range(20_000, 20_020)
QUICK_SEEDS = range(20_000, 20_002)
_PURPLE, _GREEN = (255, 0, 255), (0, 255, 0)
_NUM_BLOTS = 3


def measure(seeds: Sequence[int], folder: Path | None = None) -> dict[str, Figure]:
    """Measure the captures of some seeds; an interrupted run of the same code goes on."""
    folder = folder or FOLDER / "restitch" / "masked" / code_digest("restitch")
    counts = np.sum(
        [kept(folder / f"{seed:05d}.json", partial(count_one, seed)) for seed in seeds], axis=0
    )
    published, masked, elsewhere, others = (float(count) for count in counts)
    return {
        "masked_pixels_published": Figure(value=published / masked, unit="", interval=None),
        "masked_pixels_elsewhere": Figure(value=elsewhere / others, unit="", interval=None),
    }


def count_one(seed: int) -> tuple[int, int, int, int]:
    """Count pixels of one capture's picture.

    Returns:
        Masked ones that another photo shows and that the blots changed, all of these, other ones
        that the blots changed, all others; what is the last resort is left out.
    """
    cv2.setNumThreads(1)
    folder = small_capture(seed)
    rig = read_rig(folder / "sparse")
    photos = [read_photo(folder / "images" / f"{c.name}.jpg") for c in rig.cameras]
    rng = np.random.default_rng([seed, 0xB107])
    usable = [_usable(photo.shape[:2], rng) for photo in photos]
    purple, green = (_restitched(photos, usable, rig, blot) for blot in (_PURPLE, _GREEN))
    changed = (purple.panorama != green.panorama).any(axis=2)
    masked, last_resort = np.zeros_like(changed), np.zeros_like(changed)
    for index, (found, mask) in enumerate(zip(purple.maps, purple.sources.masked, strict=True)):
        if found is None:
            continue
        rows = slice(found.box.top_px, found.box.bottom_px)
        columns = columns_of(found.box, changed.shape[1])
        place = hidden(mask, found, found.box)
        masked[rows, columns] |= place
        last_resort[rows, columns] |= place & (purple.labels[rows, columns] == index)
    elsewhere = ~masked & ~last_resort
    masked &= ~last_resort
    return (
        int((changed & masked).sum()),
        int(masked.sum()),
        int((changed & elsewhere).sum()),
        int(elsewhere.sum()),
    )


def _usable(size: tuple[int, int], rng: np.random.Generator) -> BoolArray:
    usable = np.ones(size, np.bool_)
    for _ in range(_NUM_BLOTS):
        height, width = rng.integers(8, 60, 2)
        top, left = rng.integers(0, size[0] - height), rng.integers(0, size[1] - width)
        usable[top : top + height, left : left + width] = False
    return usable


def _restitched(
    photos: Sequence[ByteImage], usable: Sequence[BoolArray], rig: Rig, blot: tuple[int, int, int]
) -> Restitched:
    config = RestitchConfig()
    images = [photo.copy() for photo in photos]
    for image, each in zip(images, usable, strict=True):
        image[~each] = blot
    pairs = overlapping_pairs(rig, config.match.min_overlap)
    matches = match_images(images, usable, rig, pairs, config.match)
    fitted = align_images(matches, rig, config.solve)
    ways = {UNREPAIRED: fitted.nominal, "warped": fitted.warped}
    render = RenderConfig(width_px=PANORAMA_WIDTH_PX)
    return restitch(images, usable, ways, fitted.photometry, matches, config.solve, render)
