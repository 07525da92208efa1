"""The command of a benchmark that is measured in parts."""

from __future__ import annotations

import pytest

from benchmarks import command
from benchmarks.results_file import Figure


@pytest.fixture
def benchmark_of(monkeypatch):
    """A benchmark of two parts; what it measured and kept is noted."""
    noted = []
    monkeypatch.setattr(
        command, "save", lambda _name, part, _seeds, found, _code: noted.append((part, {*found}))
    )

    def made(value):
        def measure(quick):
            noted.append("quick" if quick else "full")
            return {"figure": Figure(value=value, unit="", interval=None)}

        return command.Benchmark(
            name="nas",
            description="Measures.",
            parts={"one": measure, "two": measure},
            seeds=(0,),
            publish=lambda: noted.append("published"),
            bounds={"figure": (1.0, 2.0)},
            quick_bounds={"figure": (8.0, 8.0)},
            by_value=(),
        )

    return made, noted


def test_full_parts_are_kept_one_by_one_and_published(benchmark_of):
    made, noted = benchmark_of
    assert command.run(made(1.5), []) == 0
    kept = [entry for part in ("one", "two") for entry in ("full", (part, {"figure"}))]
    assert noted == [*kept, "published"]


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
