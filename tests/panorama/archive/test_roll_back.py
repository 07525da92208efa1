from __future__ import annotations

from pathlib import Path

import pytest

from tasks.panorama.archive.roll_back import main
from tests.panorama.archive.test_published import Archive


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path, str(tmp_path / "out"))
    archive.publish("scheduled__1", a="v1", b="w1")
    archive.publish("scheduled__2", a="v2", b="w2")
    return archive


def test_captures_or_a_run_are_rolled_back(archive, caplog):
    caplog.set_level("INFO")
    assert main([archive.to, "--captures", "a"]) == 0
    assert archive.found() == {"a": "v1", "was a": "v2", "b": "w2"}
    assert main([archive.to, "--run", "scheduled__2"]) == 0
    assert archive.found() == {"a": "v1", "was a": "v2", "b": "w1"}
    assert caplog.messages == ["1 rolled back: a", "1 rolled back: b"]


def test_a_folder_that_is_no_archive_is_told(archive, tmp_path, caplog):
    Path(tmp_path / "other").mkdir()
    for name in ("other", "not there"):
        assert main([str(tmp_path / name), "--captures", "a"]) == 1
        assert f"{name}': expected a folder of exported panoramas" in caplog.text
    assert (list((tmp_path / "other").iterdir()), (tmp_path / "not there").exists()) == ([], False)
    assert main([archive.to, "--run", "scheduled__3"]) == 1
    assert "there is none of scheduled__3; nothing was changed" in caplog.text


@pytest.mark.parametrize("arguments", [[], ["--captures"], ["--captures", "a", "--run", "r"]])
def test_one_of_both_is_asked_for(archive, arguments, capsys):
    with pytest.raises(SystemExit):
        main([archive.to, *arguments])
    assert "usage" in capsys.readouterr().err
