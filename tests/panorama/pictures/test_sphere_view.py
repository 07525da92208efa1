from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tasks.core.records import FileRef
from tasks.panorama.pictures.render_files import worst_seams
from tasks.panorama.pictures.sphere_view import sphere_view
from tasks.panorama.types import UNREPAIRED


class Folder:
    """Keeps files as an item's folder does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, name: str) -> FileRef:
        size = (self.path / name).stat().st_size
        return FileRef(uri=str(self.path / name), sha256="0" * 64, num_bytes=size)

    def add_picture(self, name: str, picture: bytes) -> FileRef:
        (self.path / name).write_bytes(picture)
        return self.add(name)


def test_what_a_repair_did_is_kept(found, tmp_path):
    view = sphere_view(found, ["left", "right"], worst_seams(found), Folder(tmp_path))

    assert Image.open(io.BytesIO(Path(view.seams.uri).read_bytes())).size == (512, 256)
    photos = {each.title: each.yaw_deg for each in view.photos}
    assert set(photos) == {"left", "right"}
    assert photos["left"] < photos["right"]
    assert {each.title for each in view.worst} == {"left and right"}
    assert all(abs(each.yaw_deg) < 30 for each in view.worst)
    # 1.5 degrees to the left and one down, of 512 px
    assert view.long_shift_px == pytest.approx((1.5**2 + 1) ** 0.5 / 360 * 512, abs=0.2)
    arrows = json.loads(Path(view.warp.uri).read_text())
    assert len(arrows) > 40
    assert max(abs(right) + abs(down) for _, _, right, down in arrows) < 6


def test_what_was_not_repaired_has_no_warp(found, tmp_path):
    kept = replace(found, decision=replace(found.decision, published=UNREPAIRED))
    view = sphere_view(kept, ["left", "right"], [], Folder(tmp_path))
    assert view.warp is None
    assert view.worst == ()
