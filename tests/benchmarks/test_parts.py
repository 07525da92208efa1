"""Parts of a benchmark are put together only if they tell of one commit."""

from __future__ import annotations

import pytest

from benchmarks.parts import Part, code_digest, kept, save, together
from benchmarks.results_file import Figure, read_results, write_results


def keep(folder, name, key: str, **other) -> None:
    figures = {key: Figure(value=1.0, unit="", interval=None)}
    values = {"commit": "abc", "code": "c0de", "machine": "m", "seeds": (0, 1), "figures": figures}
    path = folder / "sample" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(Part(**(values | other)).model_dump_json())


def test_parts_of_one_commit_are_put_together(tmp_path):
    keep(tmp_path, "first", "a")
    keep(tmp_path, "second", "b")

    found = together("sample", ["first", "second"], tmp_path)

    assert set(found.figures) == {"a", "b"}
    assert found.commit == "abc"


def test_a_part_comes_back_as_it_was_measured(tmp_path):
    figures = {"a": Figure(value=0.1, unit="px", interval=(0.05, 0.2))}
    code = code_digest("grasping")
    save("grasping", "first", [3], figures, code, tmp_path)

    found = together("grasping", ["first"], tmp_path)

    assert found.figures == figures
    assert (found.code, found.seeds) == (code, (3,))


def test_the_results_file_names_the_commit_of_its_parts(tmp_path):
    path = write_results("sample", "make bench", [0], {}, tmp_path, measured_on="abc")

    assert read_results(path).commit == "abc"


@pytest.mark.parametrize(
    "other", [{"commit": "abd"}, {"code": "other"}, {"machine": "n"}, {"seeds": (0,)}]
)
def test_parts_that_differ_in_origin_are_refused(other, tmp_path):
    keep(tmp_path, "first", "a")
    keep(tmp_path, "second", "b", **other)

    with pytest.raises(ValueError, match=f"parts of one {next(iter(other))}"):
        together("sample", ["first", "second"], tmp_path)


def test_a_part_that_was_not_measured_is_named(tmp_path):
    keep(tmp_path, "first", "a")

    with pytest.raises(FileNotFoundError, match="--parts second"):
        together("sample", ["first", "second"], tmp_path)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("tasks/sample/deep/a.py", True),
        ("tasks/core/a.py", True),
        ("operators/a.py", True),
        ("benchmarks/sample/work.py", True),
        ("benchmarks/bootstrap.py", True),
        ("tasks/other/a.py", False),
        ("benchmarks/other.py", False),
    ],
)
def test_the_code_digest_sees_what_a_measurement_runs(path, counts, tmp_path):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text("one = 1\n")
    before = code_digest("sample", tmp_path)
    file.write_text("one = 2\n")

    assert (code_digest("sample", tmp_path) != before) == counts


def test_figures_of_code_that_changed_meanwhile_are_refused(tmp_path):
    with pytest.raises(RuntimeError, match="the code changed"):
        save("grasping", "first", [0], {}, "before", tmp_path)
    assert not list(tmp_path.iterdir())


def test_parts_of_hours_may_be_of_an_earlier_commit_and_say_so(tmp_path):
    figures = {key: Figure(value=1.0, unit="", interval=None) for key in ("a", "b")}
    for number, key in enumerate(("a", "b")):
        path = save("sample", key, [0], {key: figures[key]}, code_digest("sample"), tmp_path)
        part = Part.model_validate_json(path.read_bytes())
        path.write_text(part.model_copy(update={"commit": f"c{number}"}).model_dump_json())
    with pytest.raises(ValueError, match="expected parts of one commit"):
        together("sample", ["a", "b"], tmp_path)
    found = together("sample", ["a"], tmp_path, earlier=["b"])
    assert (found.commit, found.figures["a"].commit, found.figures["b"].commit) == (
        "c0",
        None,
        "c1",
    )
    with pytest.raises(FileNotFoundError, match="part c was not measured yet"):
        together("sample", ["a"], tmp_path, earlier=["c"])


def test_what_an_interrupted_run_has_kept_is_read(tmp_path):
    path, made = tmp_path / "new" / "piece.json", []

    def make():
        made.append(0)
        return {"a": [1, 2.5]}

    assert kept(path, make) == kept(path, make) == {"a": [1, 2.5]}
    assert len(made) == 1
    assert [each.name for each in path.parent.iterdir()] == ["piece.json"]
