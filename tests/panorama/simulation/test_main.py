"""The command line of the simulator."""

from __future__ import annotations

import pytest

from tasks.panorama.simulation.__main__ import main

SMALL = ["--num-cameras", "2", "--width", "32", "--height", "40", "--no-depth-maps"]


def test_it_writes_what_it_says(tmp_path, capsys):
    assert main(["--out", str(tmp_path), "--seed", "7", "--count", "2", *SMALL]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["street-0007", "street-0008"]
    assert not (tmp_path / "street-0007" / "truth" / "depths.npz").exists()
    assert "[2/2]" in capsys.readouterr().out


def test_it_replaces_only_when_forced(tmp_path, capsys):
    arguments = ["--out", str(tmp_path), "--scene", "room", *SMALL]
    assert main(arguments) == 0
    stamp = (tmp_path / "room-0000").stat().st_mtime_ns
    assert main(arguments) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "room-0000").stat().st_mtime_ns == stamp
    assert main([*arguments, "--force"]) == 0
    assert (tmp_path / "room-0000").stat().st_mtime_ns != stamp


def test_a_bad_value_is_named(tmp_path, capsys):
    assert main(["--out", str(tmp_path), "--num-cameras", "99"]) == 1
    assert "num_cameras" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for option in ("--scene", "--panorama-width", "--rotation-error-deg", "--speed-m-s", "--force"):
        assert option in text
