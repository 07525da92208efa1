from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, DataError
from tasks.core.records import ArtifactRef
from tasks.nas.config import SearchConfig
from tasks.nas.manifests import SearchLog
from tasks.nas.search import opening
from tasks.nas.search.budgets import PROXIES
from tasks.nas.search.opening import CONTROL
from tasks.nas.stages.search import search_cells
from tasks.nas.training import loop, networks
from tests.support.nas.image_sets import prepared

CONFIG = SearchConfig(
    "evolution", proxy="tiny", num_children=5, num_searches=2, num_control=3, num_blocks=1
)


@pytest.fixture
def local(tmp_path: Path) -> LocalRun:
    return LocalRun(tmp_path / "store")


@pytest.fixture
def images(local: LocalRun, tmp_path: Path) -> ArtifactRef:
    return prepared(local, tmp_path / "set")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalRun, ArtifactRef, SearchLog]:
    """A search that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    local = LocalRun(folder / "store")
    torch.set_num_threads(1)
    images = prepared(local, folder / "set")
    return local, images, local.read(local.run(search_cells, images, config=CONFIG), SearchLog)


def outcome(log: SearchLog) -> list[tuple[Any, ...]]:
    return [(t.search, t.genotype_hash, t.rung, t.accuracy) for t in log.trials]


def test_all_searches_come_to_their_ends(whole: tuple[LocalRun, ArtifactRef, SearchLog]) -> None:
    _, _, log = whole
    assert log.searches == ("evolution-0", "evolution-1", CONTROL)
    counts = Counter((t.search, t.rung) for t in log.trials)
    assert counts["evolution-0", 0] == counts["evolution-1", 0] == 5
    assert (counts[CONTROL, 0], counts[CONTROL, 1]) == (3, 0)
    assert counts["evolution-0", 1] >= 1
    assert {t.genotype_hash for t in log.trials} == set(log.genotypes)
    assert log.accuracy == max(t.accuracy or 0 for t in log.trials if t.rung == 1)
    assert log.children_cpu_s == sum(t.cpu_s for t in log.trials)
    assert 0 < log.children_cpu_s < log.driver_cpu_s
    assert log.rungs == PROXIES["tiny"][:2]


def test_a_search_that_was_cut_off_goes_on_where_it_was(
    whole: tuple[LocalRun, ArtifactRef, SearchLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = LocalRun(tmp_path / "cut")
    again = prepared(cut, tmp_path / "set")
    trained: list[str] = []
    real = loop.train

    def fails(*arguments: Any, **named: Any) -> Any:
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append("")
        return real(*arguments, **named)

    monkeypatch.setattr(loop, "train", fails)
    with pytest.raises(KeyboardInterrupt):
        cut.run(search_cells, again, config=CONFIG)
    monkeypatch.setattr(loop, "train", real)
    made = len(list((tmp_path / "cut").rglob("items/*/manifest.json")))
    assert made == 4
    log = cut.read(cut.run(search_cells, again, config=CONFIG), SearchLog)
    assert outcome(log) == outcome(whole[2])


def test_another_run_trains_no_child_again(whole: tuple[LocalRun, ArtifactRef, SearchLog]) -> None:
    local, images, first = whole
    other = dataclasses.replace(CONFIG, num_searches=1, max_failed_fraction=0.3)
    folder = Path(local.folder)
    before = {path.parent.name for path in folder.rglob("items/*/manifest.json")}
    second = local.read(local.run(search_cells, images, config=other), SearchLog)
    assert {path.parent.name for path in folder.rglob("items/*/manifest.json")} == before
    own = [each for each in outcome(first) if each[0] == "evolution-0"]
    assert [each for each in outcome(second) if each[0] == "evolution-0"] == own


def test_children_that_diverge_are_listed_and_the_rest_goes_on(
    local: LocalRun, images: ArtifactRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, every=6)
    log = local.read(local.run(search_cells, images, config=CONFIG), SearchLog)
    failed = [t for t in log.trials if t.accuracy is None]
    assert 1 <= len(failed) <= 3
    assert all("diverged: the mean loss of steps 1 to 2 of 2 is nan" in t.reason for t in failed)
    assert all(t.num_params == 0 for t in failed)


def test_too_many_failures_end_the_search_and_say_why(
    local: LocalRun, images: ArtifactRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, every=1)
    with pytest.raises(DataError, match=r"3 of 3 children failed, at most 20% .* diverged"):
        local.run(search_cells, images, config=CONFIG)


def spoil(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Let the initial weights of some children be no numbers."""
    real, count = networks.seeded, iter(range(1, 1000))

    def spoiled(*arguments: Any) -> torch.nn.Module:
        network = real(*arguments)
        if next(count) % every == 0:
            next(network.parameters()).data.fill_(math.nan)
        return network

    monkeypatch.setattr(networks, "seeded", spoiled)


def test_proposals_are_screened_by_option_and_the_control_never(
    local: LocalRun, images: ArtifactRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped: list[Any] = []

    class Noted(opening.Screened):
        def __init__(self, inner: Any, score: Any) -> None:
            wrapped.append((type(inner).__name__, score))
            super().__init__(inner, score)

    monkeypatch.setattr(opening, "Screened", Noted)
    config = dataclasses.replace(CONFIG, screen=True, num_searches=1, num_children=3)
    log = local.read(local.run(search_cells, images, config=config), SearchLog)
    assert [name for name, _ in wrapped] == ["Evolution"]
    assert sum(t.search == "evolution-0" and t.rung == 0 for t in log.trials) == 3
    with pytest.raises(ConfigError, match="Ppo can't be screened"):
        local.run(search_cells, images, config=dataclasses.replace(config, strategy="ppo"))
