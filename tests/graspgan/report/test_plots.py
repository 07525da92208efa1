from __future__ import annotations

import io

import pytest
from PIL import Image

from tasks.graspgan.report.plots import labels_plot, methods_plot
from tests.support.graspgan.target_results import target_result


@pytest.mark.parametrize("plot", [methods_plot, labels_plot])
def test_plots_are_pictures_the_same_for_the_same_result(plot) -> None:
    result = target_result()
    data = plot(result)
    assert plot(result) == data
    assert Image.open(io.BytesIO(data)).size[0] == 1200
    without = result.model_copy(update={"methods": result.methods[:3]})
    assert plot(without) != data
