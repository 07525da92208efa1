"""The README's tables are those of the committed results files."""

from __future__ import annotations

from benchmarks.readme import README, fill, table
from benchmarks.results_file import RESULTS_DIR, Figure, read_results, write_results


def test_the_committed_readme_shows_the_committed_results():
    text = README.read_text()
    assert "<!-- results:restitch -->" in text
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
