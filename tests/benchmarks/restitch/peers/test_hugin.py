from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from benchmarks.restitch.peers.hugin import PeerFailedError, read_hugin, run_hugin
from tasks.panorama.algorithms.place.canvas import Box

WIDTH_PX, HEIGHT_PX = 64, 32
X, Y, PX_PER_UNIT = 286, 287, 282


def write_tiff(path: Path, pixels: np.ndarray, left_px: int = 0, top_px: int = 0) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in ((PX_PER_UNIT, 150.0), (X, left_px / 150), (Y, top_px / 150)):
        tags.tagtype[tag] = 5  # a rational number
        tags[tag] = value
    Image.fromarray(pixels).save(path, tiffinfo=tags)


def layer(grey: int, width_px: int) -> np.ndarray:
    pixels = np.full((8, width_px, 4), grey, np.uint8)
    pixels[..., 3] = 255
    return pixels


def test_pixels_belong_to_the_photo_that_the_masks_say(tmp_path: Path) -> None:
    """Three photos of a row; the second is covered by the others, so enblend leaves it out."""
    whole = np.zeros((HEIGHT_PX, WIDTH_PX, 4), np.uint8)
    whole[4:12, 10:50] = (90, 90, 90, 255)
    write_tiff(tmp_path / "whole.tif", whole)
    for index, left_px in enumerate((10, 20, 30)):
        write_tiff(tmp_path / f"layer{index:04d}.tif", layer(80 + index, 20), left_px, 4)
    write_tiff(tmp_path / "layer0000.tif", layer(80, 25), 10, 4)
    mask = np.zeros((8, 40), np.uint8)
    mask[:, 22:] = 255  # what the third photo takes, from column 32 on
    write_tiff(tmp_path / "mask-0.tif", mask, 10, 4)
    (tmp_path / "enblend.txt").write_text(
        "enblend: info: loading next image: layer0000.tif 1/1\n"
        "enblend: info: loading next image: layer0001.tif 1/1\n"
        "enblend: warning: some images are redundant and will not be blended\n"
        "enblend: info: loading next image: layer0002.tif 1/1\n"
    )
    lines = [f'i w20 h8 f0 v40 y{yaw} p0 r0 n"{yaw}.jpg"' for yaw in (0, 10, 20)]
    (tmp_path / "4.pto").write_text("\n".join(lines) + "\n")

    found = read_hugin(tmp_path)

    row = found.labels[6]
    assert (row[10:32] == 0).all()
    assert (row[32:50] == 2).all()
    assert (row[:10] == -1).all()
    assert (row[50:] == -1).all()
    pixels, shown = found.layer(2, Box(28, 4, 6, 4))
    assert shown.tolist() == [[False, False, True, True, True, True]] * 4
    assert (pixels[shown] == 82).all()


def test_a_program_that_fails_says_what_it_said(tmp_path: Path, monkeypatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pto_gen").write_text("#!/bin/sh\necho no photo here >&2\nexit 3\n")
    (programs / "pto_gen").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with pytest.raises(PeerFailedError, match="pto_gen: no photo here"):
        run_hugin([tmp_path / "a.jpg", tmp_path / "b.jpg"], None, 64, tmp_path)
