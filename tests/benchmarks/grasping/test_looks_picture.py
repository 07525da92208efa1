"""The README's sheet of looks."""

from __future__ import annotations

from benchmarks.grasping.looks_picture import painted_rows


def test_every_look_shows_the_scenes_in_a_way_of_its_own() -> None:
    rows = painted_rows(2, 3)
    assert len(rows) == 6
    pictures = [picture for row in rows.values() for picture in row]
    assert {picture.shape for picture in pictures} == {(128, 128, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 12
