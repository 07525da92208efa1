"""Versions found in a folder, and nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.serving.versions.folder import Folder, Listing, models_below


def test_folders_named_by_numbers_are_versions_once_they_have_a_bundle(tmp_path: Path) -> None:
    for name in ("1", "002", "3", "x4", "-5", "٣", "9" * 20, ".part"):
        (tmp_path / name).mkdir()
        if name != "3":
            (tmp_path / name / "bundle.json").touch()
    (tmp_path / "7").touch()
    source = Folder(tmp_path)
    assert source.look() == Listing(frozenset({1, 2}))
    assert asyncio.run(source.fetch(2)) == tmp_path / "002"
    with pytest.raises(DataError, match="expected a folder 8"):
        asyncio.run(source.fetch(8))


def test_a_folder_that_is_away_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="serves on"):
        Folder(tmp_path / "gone").look()
    assert Folder(tmp_path).look().versions == frozenset()


def test_models_are_folders_that_hold_versions(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected folders of models that hold versions"):
        models_below(tmp_path / "gone")
    for place in ("cells/1", "notes", "scores/12"):
        (tmp_path / place).mkdir(parents=True)
        if "/" in place:
            (tmp_path / place / "bundle.json").touch()
    config = models_below(tmp_path)
    assert {name: each.folder for name, each in config.models.items()} == {
        name: str(tmp_path / name) for name in ("cells", "scores")
    }
