from __future__ import annotations

from benchmarks.restitch.judgements import masked
from tests.support.panorama.captures import write_capture
from tests.support.panorama.rigs import ring_rig


def test_what_is_masked_is_counted_where_it_shows(tmp_path, monkeypatch) -> None:
    rig = ring_rig(3, 25.0, width_px=96, height_px=128, focal_px=80.0)
    folder = write_capture(tmp_path / "one", rig)
    monkeypatch.setattr(masked, "small_capture", lambda seed: folder)
    monkeypatch.setattr(masked, "PANORAMA_WIDTH_PX", 512)

    published, all_masked, elsewhere, others = masked.count_one(0)

    assert (published, elsewhere) == (0, 0)
    assert all_masked > 100
    assert others > 1000
