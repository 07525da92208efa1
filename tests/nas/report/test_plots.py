from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tasks.nas.report import plots
from tasks.nas.report.progress import agreement
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.published import published
from tests.support.nas.search_runs import search_log

NAMES = ("control", "evolution-0", "predictor-0")


@pytest.fixture(scope="module")
def log():
    return search_log(40, NAMES)


def rng():
    return np.random.default_rng(0)


def pixels(data: bytes):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def num_of_colour(data: bytes, colour: str) -> int:
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return int((np.abs(pixels(data) - wanted).max(axis=2) < 6).sum())


def drawings(log):
    return {
        "children": plots.progress_plot(log, 0, rng()),
        "time": plots.progress_by_time_plot(log, 0, rng()),
        "cost": plots.cost_plot(log, 0),
        "agreement": plots.agreement_plot([agreement(log, 0, 1, rng())]),
        "operations": plots.operations_plot(log, 0),
    }


@pytest.fixture(scope="module")
def drawn(log):
    return drawings(log)


def test_plots_are_wide_pngs_and_repeat_exactly(log, drawn):
    assert drawings(log) == drawn
    for name, data in drawn.items():
        assert pixels(data).shape[1] == 1200, name


@pytest.mark.parametrize("place", [1, 2])
def test_each_search_has_its_line(log, drawn, place):
    """Without a search's ends its colour is only in the legend."""
    colour = {1: "#0072b2", 2: "#d55e00"}[place]
    without = log.model_copy(
        update={"trials": tuple(t for t in log.trials if t.search != NAMES[place])}
    )
    draw = {"children": plots.progress_plot, "time": plots.progress_by_time_plot}
    for name, function in draw.items():
        missing = num_of_colour(function(without, 0, rng()), colour)
        assert num_of_colour(drawn[name], colour) > missing + 200


def test_published_cells_are_marked_where_they_were_trained(log, drawn):
    cells = published("nasnet_a")
    renamed = genotype_hash(cells)
    trial = log.trials[0].model_copy(update={"genotype_hash": renamed, "accuracy": 0.35})
    more = log.model_copy(
        update={
            "trials": (*log.trials, trial),
            "genotypes": log.genotypes | {renamed: GenotypeRecord.of(cells)},
        }
    )
    red = "#b3261e"
    assert num_of_colour(plots.cost_plot(more, 0), red) > 100
    assert num_of_colour(drawn["cost"], red) == 0


def test_empty_logs_and_rungs_are_drawn_too(log, drawn):
    empty = log.model_copy(update={"trials": ()})
    for data in drawings(empty).values():
        assert len(data) > 1000
    assert plots.agreement_plot([]) != drawn["agreement"]


def test_children_that_all_failed_are_drawn_too(log):
    failed = tuple(t.model_copy(update={"accuracy": None, "reason": "NaN"}) for t in log.trials)
    assert drawings(log.model_copy(update={"trials": failed}))
