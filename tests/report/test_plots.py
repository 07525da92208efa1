from __future__ import annotations

import io

import matplotlib as mpl
from PIL import Image

from tasks.report.plots import label, new_figure, png


def test_figures_are_as_wide_as_pages_need_them():
    figure, panels = new_figure(2.0, 3, 2, widths=(2, 1, 1))
    label(panels[0], "Title", "x", "y")
    with Image.open(io.BytesIO(png(figure))) as picture:
        assert picture.size == (1200, 300)
    assert len(panels) == 6
    widths = [panel.get_position().width for panel in panels[:3]]
    assert 1.5 < widths[0] / widths[1] < 2.7


def test_the_same_figure_gives_the_same_bytes():
    def drawn() -> bytes:
        figure, (axes,) = new_figure(2.0)
        axes.plot([1, 2], [3, 4])
        return png(figure)

    assert drawn() == drawn()


def test_no_window_system_is_asked_for():
    before = mpl.get_backend(auto_select=False)
    png(new_figure(1.0)[0])
    assert mpl.get_backend(auto_select=False) == before
