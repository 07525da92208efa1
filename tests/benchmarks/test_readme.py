"""What READMEs say of measurements is what the results files hold, and stands where it belongs."""

from __future__ import annotations

import re

import pytest

from benchmarks.readme import FIRST_README, READMES, ROOT, blocks, fill, keys_in, sentences, table
from benchmarks.results_file import RESULTS_DIR, Figure, read_results, write_results

# The system that a benchmark measures, where the two are not named alike.
SYSTEM_OF = {"restitch": "panorama"}
# What the words of the first README say without a number, as ascending chains of figures. A
# measurement that breaks one asks for other words.
SAID = {
    "serving": ((1.0, "ort_ratio_32", "ort_ratio_1"), ("parallel_start_ratio", 1.0)),
    "platform": (
        ("overhead_s_bare_script", "overhead_s_full_stack", "overhead_s_python_operator"),
        ("overhead_share_full_stack", 0.04),
    ),
    "restitch": (
        ("misalignment_mean_px", "kernel_mean_px", "recalibrated_mean_px", "nominal_mean_px"),
        (1.0, "seam_step_blended", "seam_step_unrepaired"),
        (0.0, "psnr_gain_kernel_db", 0.1),
        (0.0, "psnr_gain_unrepaired_db"),
        ("real_sets_kept", "real_sets_better"),
    ),
    "grasping": (
        (50.0, "one_shot_ratio"),
        ("outcome_agreement", "agreement_ceiling"),
        ("core_hours_8m", "core_hours_8m_baseline"),
    ),
    "nas": (
        (4.0, "children_ratio_16px"),
        ("nb201_c10_random", "nb201_c10_ppo", "nb201_c10_evolution", "nb201_c10_predictor"),
        ("replay_random", "replay_evolution", "replay_predictor", "replay_ppo"),
        ("compared_acc_mobilenet_v2", "compared_acc_nasnet_a", "compared_acc_amoebanet_a"),
        ("cells_minus_resnet_map_cpu", 0.0),
    ),
}
RESULTS = sorted(path.stem for path in RESULTS_DIR.glob("*.json"))


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_a_committed_readme_shows_the_committed_results(readme):
    text = readme.read_text()
    assert fill(text) == text, "run `make readme`"


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_each_mark_in_a_readme_belongs_to_a_block_of_a_results_file(readme):
    text = readme.read_text()
    assert set(blocks(text)) <= set(RESULTS)
    assert len(re.findall("<!-- *(results|sentences)", text)) == len(blocks(text))
    assert len(re.findall("<!-- */ *(results|sentences)", text)) == len(blocks(text))


def own_readme(name):
    """Where the table of a benchmark stands: with its system, or what none has with the others."""
    if name == "platform":
        return ROOT / "benchmarks" / "README.md"
    return ROOT / "tasks" / SYSTEM_OF.get(name, name) / "README.md"


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_shown_in_the_first_readme_and_in_their_systems_own(name):
    own = own_readme(name)
    assert f"<!-- results:{name}" in own.read_text(), f"put a table of {name} into {own}"
    assert blocks(FIRST_README.read_text()).count(name) == 1, f"say what {name} measured"


@pytest.mark.parametrize("name", RESULTS)
def test_the_first_readme_says_three_to_five_things_of_a_system(name):
    text = FIRST_README.read_text()
    (wording,) = re.findall(rf"<!-- sentences:{name}\n(.*?)-->", text, re.DOTALL)
    points = re.split("(?m)^- ", wording)[1:]
    assert 3 <= len(points) <= 5
    assert all(keys_in(point) for point in points), "each says something that was measured"
    assert "results:" not in text, "tables are for the systems' own READMEs"


@pytest.mark.parametrize("name", RESULTS)
def test_what_the_first_readme_says_in_words_the_figures_say_too(name):
    figures = read_results(RESULTS_DIR / f"{name}.json").figures
    for chain in SAID[name]:
        values = [figures[each].value if isinstance(each, str) else each for each in chain]
        assert values == sorted(values), f"say something else of {chain}"
    if name == "nas":
        low, high = figures["cells_minus_resnet_acc"].interval
        assert low < 0 < high
        for end in ("", "_predictor", "_ppo"):
            assert figures[f"top5_minus_random{end}"].interval[0] > 0
        assert figures["cells_minus_resnet_map_cpu"].interval[1] < 0


@pytest.mark.parametrize("name", RESULTS)
def test_a_systems_readme_shows_no_other_systems_results(name):
    own = own_readme(name)
    others = [readme for readme in READMES if readme not in (FIRST_README, own)]
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


@pytest.fixture
def measured(tmp_path):
    figures = {
        "error_px": Figure(value=0.4567, unit="px", interval=(0.4, 0.61)),
        "before_px": Figure(value=6.7, unit="px", interval=None, commit="0123456789ab"),
        "share": Figure(value=0.978, unit="", interval=None),
    }
    return read_results(write_results("sample", "make bench", [0, 1], figures, tmp_path))


def test_figures_are_put_into_sentences_with_their_units(measured):
    said = sentences(
        measured,
        "- Within **{error_px:.2g}** ({error_px.span}) where {before_px}\n  was left.\n"
        "- {share:.1%} stay.\n",
    )
    assert said.startswith(
        "- Within **0.46 px** (0.4 to 0.61) where 6.7 px was left.\n- 97.8 % stay."
    )
    assert f"commit {measured.commit}, 0123456789ab, {measured.machine}" in said


def test_only_figures_that_are_named_name_their_commit(measured):
    assert "0123456789ab" not in sentences(measured, "- {share}\n")


def test_long_sentences_are_broken_into_lines(measured):
    said = sentences(measured, f"- {'word ' * 60}{{share}}.\n").split("\n\n")[0]
    assert len(said.splitlines()) > 2
    assert all(len(line) <= 100 for line in said.splitlines())
    assert all(line.startswith("  ") for line in said.splitlines()[1:])


@pytest.mark.parametrize("wording", ["- {eror_px}\n", "- {error_px} {gone.span}\n"])
def test_a_figure_that_was_not_measured_fails_by_its_name(measured, wording):
    with pytest.raises(KeyError, match=r"eror_px|gone"):
        sentences(measured, wording)


def test_a_figure_without_interval_has_no_span(measured):
    with pytest.raises(ValueError, match="no interval"):
        sentences(measured, "- {share.span}\n")


def test_sentences_that_differ_are_made_anew(measured, tmp_path):
    text = (
        "a\n<!-- sentences:sample\n- {share} stay.\n-->\n- 2 stay.\n<!-- /sentences:sample -->\nb\n"
    )
    filled = fill(text, tmp_path)
    assert "\n-->\n- 0.978 stay.\n" in filled
    assert "- 2 stay" not in filled
    assert "- {share} stay." in filled, "the wording stays for the next time"
    assert fill(filled, tmp_path) == filled


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
