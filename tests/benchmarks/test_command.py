"""The command of a benchmark that is measured in parts."""

from __future__ import annotations

import pytest

from benchmarks import command
from benchmarks.parts import Part
from benchmarks.results_file import Figure, write_results


@pytest.fixture
def benchmark_of(monkeypatch, tmp_path):
    """A benchmark of two parts; what it measured, kept and wrote is noted."""
    noted, parts = [], {}

    def save(_name, part, _seeds, found, _code):
        noted.append((part, {*found}))
        parts[part] = found

    def together(_name, names, earlier):
        if missing := [name for name in names if name not in parts]:
            raise FileNotFoundError(missing[0])
        figures = {key: each for name in (*names, *earlier) for key, each in parts[name].items()}
        return Part(commit="c", code="d", machine="m", seeds=(0,), figures=figures)

    def write_results(*written, measured_on):
        noted.append((*written, measured_on))
        return command.ROOT / "nas.json"

    for each in (save, together, write_results):
        monkeypatch.setattr(command, each.__name__, each)
    monkeypatch.setattr(command, "is_measured", lambda _name, part: part in parts)
    monkeypatch.setattr(command, "RESULTS_DIR", tmp_path)

    def made(value, earlier=()):
        def measure(quick):
            noted.append("quick" if quick else "full")
            return {"figure": Figure(value=value, unit="", interval=None)}

        return command.Benchmark(
            name="nas",
            description="Measures.",
            parts={"one": measure, "two": measure},
            seeds=(0,),
            finish=lambda figures: {key: each for key, each in figures.items() if each.value},
            bounds={"figure": (1.0, 2.0)},
            quick_bounds={"figure": (8.0, 8.0)},
            earlier=earlier,
        )

    return made, noted


def test_full_parts_are_kept_one_by_one_and_published(benchmark_of):
    made, noted = benchmark_of
    assert command.run(made(1.5), []) == 0
    kept = [entry for part in ("one", "two") for entry in ("full", (part, {"figure"}))]
    figures = {"figure": Figure(value=1.5, unit="", interval=None)}
    assert noted == [*kept, ("nas", "make bench NAME=nas", (0,), figures, "c")]


def test_a_part_that_is_missing_holds_the_file_back_unless_it_may_be_of_another_day(
    benchmark_of, capsys
):
    made, noted = benchmark_of
    command.run(made(1.5), ["--parts", "one"])
    assert "no results file yet: two" in capsys.readouterr().out
    assert len(noted) == 2
    command.run(made(0.0, earlier=("two",)), ["--parts", "one"])
    said = capsys.readouterr().out
    assert "not measured here; what the file says of them stays: two" in said
    assert noted[-1] == ("nas", "make bench NAME=nas", (0,), {}, "c")


def test_what_runs_of_hours_came_to_elsewhere_stays_in_the_file(benchmark_of, tmp_path):
    made, noted = benchmark_of
    of_here = Figure(value=3.0, unit="", interval=None)
    elsewhere = of_here.model_copy(update={"commit": "b"})
    before = {"figure": elsewhere, "other": elsewhere, "gone": of_here}
    write_results("nas", "make bench NAME=nas", (0,), before, tmp_path, "a")
    command.run(made(1.5, earlier=("two",)), ["--parts", "one"])
    figures = noted[-1][3]
    assert {key: (each.value, each.commit) for key, each in figures.items()} == {
        "figure": (1.5, None),
        "other": (3.0, "b"),
    }


def test_quick_parts_are_not_kept_and_have_bounds_of_their_own(benchmark_of, capsys):
    made, noted = benchmark_of
    assert command.run(made(1.5), ["--quick", "--parts", "two"]) == 1
    assert noted == ["quick"]
    assert "MISSED figure" in capsys.readouterr().out


def test_a_missed_bound_is_the_exit_code(benchmark_of):
    made, _ = benchmark_of
    assert command.run(made(2.5), ["--parts", "one"]) == 1


def test_an_unknown_part_is_named_and_nothing_is_measured(benchmark_of, capsys):
    made, noted = benchmark_of
    with pytest.raises(SystemExit):
        command.run(made(1.5), ["--parts", "one,three"])
    assert "expected parts of one,two, got three" in capsys.readouterr().err
    assert noted == []
