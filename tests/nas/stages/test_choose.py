"""Cells by name, by file and by run; what is none of them is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import ArtifactError, DataError
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.darts import to_darts
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.space.published import published
from tasks.nas.space.random_cells import random_genotype
from tasks.nas.stages.choose import choose_cells
from tasks.nas.transfer.config import ChooseConfig
from tasks.nas.transfer.manifests import ChosenCells

RUN_ID = "0123456789abcdef" * 2


def chosen(tmp_path: Path, genotype: str) -> ChosenCells:
    local = LocalRun(tmp_path / "store")
    ref = local.run(choose_cells, config=ChooseConfig(genotype=genotype))
    return local.read(ref, ChosenCells)


@pytest.mark.parametrize("name", ["nasnet_a", "amoebanet_a"])
def test_published_cells_come_by_name(tmp_path: Path, name: str) -> None:
    found = chosen(tmp_path, name)
    assert found.name == name
    assert found.genotype.genotype() == published(name)
    assert found.genotype_hash == genotype_hash(published(name))


def test_cells_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    genotype = random_genotype(np.random.default_rng(3))
    path.write_text(genotype_json(genotype))
    found = chosen(tmp_path, str(path))
    assert (found.name, found.origin) == ("cells", "the file mine.json")
    assert found.genotype.genotype() == genotype
    path.write_text(genotype_json(published("amoebanet_a")))
    assert chosen(tmp_path / "again", str(path)).name == "amoebanet_a"


def test_cells_come_from_the_files_of_others(tmp_path: Path) -> None:
    path = tmp_path / "genotypes.py"
    path.write_text("\ufeffA = 1\n" + "\n".join(f"{name.upper()} = {to_darts(published(name))}"
                    for name in ("darts_v1", "setn")), "utf-8")  # fmt: skip
    found = chosen(tmp_path, f"{path}:SETN")
    assert (found.name, found.origin) == ("setn", "SETN of the file genotypes.py")
    assert found.genotype_hash == genotype_hash(published("setn"))
    with pytest.raises(DataError, match=r"found 2: DARTS_V1, SETN; name one .*FILE:NAME"):
        chosen(tmp_path / "again", str(path))


@dataclass
class _Runs:
    """Stands in for the server that keeps runs."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def read_run_file(self, run_id: str, name: str) -> bytes:
        try:
            return self.files[run_id, name]
        except KeyError:
            raise ArtifactError(f"run {run_id} has no {name}") from None


def from_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: _Runs) -> ChosenCells:
    local = LocalRun(tmp_path)
    config = ChooseConfig(genotype=RUN_ID)
    context: Any = local.context(choose_cells, config=config)
    monkeypatch.setattr(type(context), "models", runs, raising=False)
    return local.read(choose_cells(config, context), ChosenCells)


def test_cells_come_from_an_mlflow_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genotype = random_genotype(np.random.default_rng(4))
    runs = _Runs({(RUN_ID, "genotype.json"): genotype_json(genotype).encode()})
    found = from_run(tmp_path, monkeypatch, runs)
    assert found.genotype.genotype() == genotype
    assert RUN_ID in found.origin


def test_a_run_without_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArtifactError, match=r"has no genotype\.json"):
        from_run(tmp_path, monkeypatch, _Runs())
    spoilt = _Runs({(RUN_ID, "genotype.json"): b"\xff\xfe"})
    with pytest.raises(DataError, match=f"MLflow run {RUN_ID}: expected a genotype as JSON"):
        from_run(tmp_path / "b", monkeypatch, spoilt)


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"genotype 'nasnet_b': expected one of .*did you mean nas"):
        chosen(tmp_path, "nasnet_b")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: expected a genotype as JSON"):
        chosen(tmp_path, str(tmp_path / "none.json"))


def test_an_unknown_operation_is_refused_with_the_nearest(tmp_path: Path) -> None:
    document = json.loads(genotype_json(published("nasnet_a")))
    document["normal"]["blocks"][0][1] = "sep_conv_4x4"
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"unknown operation 'sep_conv_4x4'.*did you mean sep_conv"):
        chosen(tmp_path, str(tmp_path / "a.json"))
