"""Packages of networks: what they must say, and what makes two of them the same."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import DataError
from tasks.core.models import ModelPackage
from tests.support.kernel.model_packages import package_in


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    (tmp_path / "bundle").mkdir()
    for name in ("bundle/bundle.json", "answers.npz", "genotype.json"):
        (tmp_path / name).write_text(name)
    return package_in(tmp_path, files={"genotype.json": tmp_path / "genotype.json"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "it's"}, r"expected a model's name of .* got \"it's\""),
        ({"name": ""}, "expected a model's name"),
        ({"metric": "recall"}, r"expected the metric 'recall' .* got \['accuracy', 'loss'\]"),
        ({"metrics": {"accuracy": 0.5, "loss": math.nan}}, r"finite .* others for \['loss'\]"),
    ],
)
def test_what_does_not_fit_is_named(
    package: ModelPackage, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        replace(package, **changes)


def test_answers_are_kept_with_the_other_files(package: ModelPackage) -> None:
    assert set(package.all_files) == {"genotype.json", "answers.npz"}


def test_the_same_bytes_elsewhere_are_the_same_package(
    package: ModelPackage, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(package.bundle, tmp_path / "moved"))
    assert replace(package, bundle=moved).digest == package.digest


@pytest.mark.parametrize("changed", ["bundle", "answers", "genotype.json"])
def test_other_bytes_are_another_package(package: ModelPackage, changed: str) -> None:
    before = package.digest
    path = package.files.get(changed) or getattr(package, changed)
    (path / "bundle.json" if path.is_dir() else path).write_text("other")
    assert package.digest != before


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {"accuracy": 0.6, "loss": 1.0}},
        {"name": "other"},
        {"metric": "loss"},
        {"test_key": "other"},
        {"tags": {"seed": "1"}},
    ],
)
def test_other_figures_or_labels_are_another_package(
    package: ModelPackage, changes: dict[str, Any]
) -> None:
    assert replace(package, **changes).digest != package.digest
