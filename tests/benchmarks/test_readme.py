"""The README's tables are those of the committed results files."""

from __future__ import annotations

import pytest

from benchmarks.readme import READMES, fill, table
from benchmarks.results_file import RESULTS_DIR, Figure, read_results, write_results


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_a_committed_readme_shows_the_committed_results(readme):
    text = readme.read_text()
    assert "<!-- results:restitch" in text
    assert fill(text) == text, "run `make readme`"


def test_every_results_file_is_readable_and_named_after_its_benchmark():
    for path in RESULTS_DIR.glob("*.json"):
        assert read_results(path).name == path.stem


def test_a_changed_figure_changes_the_table(tmp_path):
    figures = {"error_px": Figure(value=0.5, unit="px", interval=(0.4, 0.6))}
    path = write_results("sample", "make bench NAME=sample", [0, 1, 2], figures, tmp_path)
    text = "before\n<!-- results:sample -->\nstale\n<!-- /results:sample -->\nafter\n"

    filled = fill(text, tmp_path)

    assert "| `error_px` | 0.5 px (0.4 to 0.6) |" in filled
    assert "stale" not in filled
    assert filled.startswith("before\n")
    assert filled.endswith("after\n")
    assert table(read_results(path)) in filled


def test_named_figures_alone_are_shown(tmp_path):
    figures = {
        name: Figure(value=value, unit="", interval=None) for name, value in (("a", 1), ("b", 2))
    }
    write_results("sample", "make bench NAME=sample", [0], figures, tmp_path)

    filled = fill("<!-- results:sample b -->\n<!-- /results:sample -->\n", tmp_path)

    assert "| `b` | 2 |" in filled
    assert "`a`" not in filled
