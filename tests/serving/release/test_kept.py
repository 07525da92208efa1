from __future__ import annotations

from tasks.serving.config import ModelConfig
from tasks.serving.release.kept import keep_release, kept_release
from tasks.serving.release.record import Release

SETTINGS = ModelConfig(registry="cells")
HELD = Release(source="cells", stable=1, candidate=2, share=50, holder="a", note={"step": 1})


def test_what_is_kept_is_there_after_a_restart(tmp_path):
    assert kept_release(tmp_path / "releases", "some", SETTINGS) == Release(source="cells")
    keep_release(tmp_path / "releases", "some", HELD)
    assert kept_release(tmp_path / "releases", "some", SETTINGS) == HELD
    assert [each.name for each in (tmp_path / "releases").iterdir()] == ["some.json"]


def test_another_source_s_release_and_a_damaged_file_say_nothing(tmp_path, caplog):
    keep_release(tmp_path, "some", HELD)
    other = ModelConfig(folder="/data/cells")
    assert kept_release(tmp_path, "some", other) == Release(source="/data/cells")
    (tmp_path / "some.json").write_text("{")
    assert kept_release(tmp_path, "some", SETTINGS) == Release(source="cells")
    assert "expected a release" in caplog.text
