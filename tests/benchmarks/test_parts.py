"""Parts of a benchmark are put together only if they tell of one commit."""

from __future__ import annotations

import pytest

from benchmarks.parts import Part, code_digest, new_part, save, together
from benchmarks.results_file import Figure


def part(key: str, **other) -> Part:
    figures = {key: Figure(value=1.0, unit="", interval=None)}
    values = {"commit": "abc", "code": "c0de", "machine": "m", "seeds": (0, 1), "figures": figures}
    return Part(**(values | other))


def test_parts_of_one_commit_are_put_together(tmp_path):
    save("sample", "first", part("a"), tmp_path)
    save("sample", "second", part("b"), tmp_path)

    found = together("sample", ["first", "second"], tmp_path)

    assert set(found.figures) == {"a", "b"}
    assert found.commit == "abc"


@pytest.mark.parametrize(
    "other", [{"commit": "abd"}, {"code": "other"}, {"machine": "n"}, {"seeds": (0,)}]
)
def test_parts_that_differ_in_origin_are_refused(other, tmp_path):
    save("sample", "first", part("a"), tmp_path)
    save("sample", "second", part("b", **other), tmp_path)

    with pytest.raises(ValueError, match=f"parts of one {next(iter(other))}"):
        together("sample", ["first", "second"], tmp_path)


def test_a_part_that_was_not_measured_is_named(tmp_path):
    save("sample", "first", part("a"), tmp_path)

    with pytest.raises(FileNotFoundError, match="--parts second"):
        together("sample", ["first", "second"], tmp_path)


def test_the_code_digest_sees_every_change(tmp_path):
    for top in ("benchmarks", "operators", "tasks"):
        (tmp_path / top).mkdir()
    path = tmp_path / "tasks" / "a.py"
    path.write_text("one = 1\n")
    before = code_digest(tmp_path)
    path.write_text("one = 2\n")

    assert code_digest(tmp_path) != before


def test_figures_of_code_that_changed_meanwhile_are_refused():
    with pytest.raises(RuntimeError, match="the code changed"):
        new_part([0], {}, code="before")
