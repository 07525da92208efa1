from __future__ import annotations

import io

import pytest
from PIL import Image

from tasks.nas.report.plots_retrained import final_plot, sizes_plot, top_plot
from tasks.nas.report.statistics import WINNER, final_scores
from tests.support.nas.search_runs import retrained_cells, search_log


@pytest.fixture(scope="module")
def retrained():
    return retrained_cells(search_log(30, ("control", "evolution-0")))


def test_plots_repeat_exactly_and_show_what_was_trained(retrained):
    scores = final_scores(retrained)
    fewer = {name: score for name, score in scores.items() if name != WINNER}
    other = retrained.model_copy(update={"networks": retrained.networks[:-20]})

    top, final, sizes = top_plot(retrained), final_plot(scores), sizes_plot(retrained, scores)
    assert top == top_plot(retrained) != top_plot(other)
    assert final == final_plot(scores) != final_plot(fewer)
    assert sizes != sizes_plot(retrained, fewer)
    for data in (top, final, sizes):
        assert Image.open(io.BytesIO(data)).width == 1200


def test_nothing_trained_is_drawn_too(retrained):
    empty = retrained.model_copy(update={"networks": ()})
    for data in (top_plot(empty), final_plot({}), sizes_plot(empty, {})):
        assert Image.open(io.BytesIO(data)).width == 1200


def test_cells_that_were_trained_otherwise_are_not_set_beside_the_final_ones(retrained):
    scores = final_scores(retrained)
    others = tuple(
        each if each.group == "final" else each.model_copy(update={"num_images": 9000})
        for each in retrained.tasks
    )
    apart = retrained.model_copy(update={"tasks": others})
    finals = retrained.model_copy(
        update={"tasks": tuple(each for each in others if each.group == "final")}
    )
    assert sizes_plot(apart, scores) == sizes_plot(finals, scores) != sizes_plot(retrained, scores)
