"""The tables in the READMEs are those of the results files, and stand where they belong."""

from __future__ import annotations

import re

import pytest

from benchmarks.readme import READMES, ROOT, blocks, fill, table
from benchmarks.results_file import RESULTS_DIR, Figure, read_results, write_results

# The system that a benchmark measures, where the two are not named alike.
SYSTEM_OF = {"restitch": "panorama"}
RESULTS = sorted(path.stem for path in RESULTS_DIR.glob("*.json"))


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_a_committed_readme_shows_the_committed_results(readme):
    text = readme.read_text()
    assert fill(text) == text, "run `make readme`"


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_each_mark_in_a_readme_belongs_to_a_block_of_a_results_file(readme):
    text = readme.read_text()
    assert set(blocks(text)) <= set(RESULTS)
    assert len(re.findall("<!-- *results", text)) == len(blocks(text))
    assert len(re.findall("<!-- */ *results", text)) == len(blocks(text))


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_shown_in_the_first_readme_and_in_their_systems_own(name):
    own = ROOT / "tasks" / SYSTEM_OF.get(name, name) / "README.md"
    for readme in (ROOT / "README.md", own):
        assert name in blocks(readme.read_text()), f"put <!-- results:{name} --> into {readme}"


@pytest.mark.parametrize("name", RESULTS)
def test_a_systems_readme_shows_no_other_systems_results(name):
    own = ROOT / "tasks" / SYSTEM_OF.get(name, name) / "README.md"
    others = [readme for readme in READMES if readme not in (ROOT / "README.md", own)]
    assert [readme for readme in others if name in blocks(readme.read_text())] == []


def test_there_are_results_and_each_file_is_named_after_its_benchmark():
    assert "restitch" in RESULTS
    for name in RESULTS:
        assert read_results(RESULTS_DIR / f"{name}.json").name == name
        commands = (f"{name}.py", f"{name}/__main__.py")
        assert any((ROOT / "benchmarks" / each).is_file() for each in commands), name


def test_a_block_of_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        fill("<!-- results:absent -->\n<!-- /results:absent -->\n", tmp_path)


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


@pytest.mark.parametrize(
    ("seeds", "said"),
    [([0, 1, 2], "0, 1, 2"), (range(60), "0 to 59"), ([*range(6), 9], "0, 1, 2, 3, 4, 5, 9")],
)
def test_many_consecutive_seeds_are_named_by_their_ends(tmp_path, seeds, said):
    figures = {"a": Figure(value=1, unit="", interval=None)}
    path = write_results("sample", "make bench NAME=sample", seeds, figures, tmp_path)
    assert f"seeds {said};" in table(read_results(path))
