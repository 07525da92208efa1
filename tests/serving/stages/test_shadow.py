from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.serving.log import row_of, write_rows
from tasks.serving.release.manifests import Shadowed
from tasks.serving.types import Answered, Question
from tests.support.serving.released import world


def log_of(folder: Path, num: int, model: str = "cells") -> Path:
    """A request log: each row asks another pair of numbers, the second time in another order."""
    rows = []
    for index in range(num):
        x = np.array([[index, 1.0]], np.float32)
        question = Question(model, 1, "predict", {"x": x})
        answered = Answered({"y": 2 * x}, 1)
        rows.append(row_of(question, answered, 100.0 - index, 0.01, ()))
    write_rows(folder / "requests-1.parquet", rows)
    return folder


def another_for_three(toy, arrays):
    """What a toy answers whose second version knows another answer to golden item 3, 4."""
    is_other = toy.factor != 2.0 and arrays["x"].flat[0] == 3
    return {"y": arrays["x"] * np.float32(2.5 if is_other else 2.0)}


def test_the_log_is_asked_of_both_versions(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    place = log_of(tmp_path / "log", 7)
    found = made.local.read(made.shadow(log=str(place), max_rows=5), Shadowed)
    assert (found.source, found.num_asked, found.num_compared) == (str(place), 5, 5)
    assert (found.num_failed, found.num_disagreeing, found.greatest) == (0, 0, 0.0)
    assert found.reasons == ()


def test_without_a_log_the_bundle_s_examples_are_asked(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    found = made.local.read(made.shadow(), Shadowed)
    assert (found.source, found.num_asked) == ("the bundle's examples", 3)


def test_each_of_the_bundle_s_items_counts_by_itself(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    made.server.versions[2].factor = 2.5
    monkeypatch.setattr(made.server, "_answer", another_for_three)
    found = made.local.read(made.shadow(max_differing=0.5), Shadowed)
    assert (found.num_compared, found.num_differing, found.reasons) == (3, 1, ())


def test_answers_that_differ_or_are_missing_are_reasons(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    made.server.versions[2].factor = 2.5
    place = log_of(tmp_path / "log", 4)
    found = made.local.read(made.shadow(log=str(place), max_differing=0.5), Shadowed)
    assert (found.num_differing, found.num_disagreeing, found.greatest) == (4, 0, 1.5)
    assert found.reasons[0].startswith("shadow: 4 of 4 answers are differing, 50.0% is allowed")
    made.server.release = made.server.release.model_copy(update={"candidate": None})
    made.server.versions[2].failed = 1.0
    found = made.local.read(made.shadow(log=str(place)), Shadowed)
    assert "4 of 4 answers are failed" in found.reasons[0]


def test_a_candidate_that_the_server_can_t_load_is_asked_nothing(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    made.server.versions[2].state, made.server.versions[2].message = "END", "no memory"
    found = made.local.read(made.shadow(), Shadowed)
    assert found.reasons == ("load: the server can't load it: no memory",)
    assert found.num_asked == 0


def test_where_nothing_answers_yet_the_candidate_alone_is_asked(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    made.server.stable = None
    found = made.local.read(made.shadow(), Shadowed)
    assert (found.num_compared, found.num_disagreeing, found.reasons) == (3, 0, ())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _: None, "expected the folder or a file of a request log"),
        (lambda place: log_of(place, 2, "words"), "has no whole request of cells"),
    ],
)
def test_a_log_without_requests_is_refused(make, told, tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    make(tmp_path / "log")
    with pytest.raises(ConfigError, match=told):
        made.shadow(log=str(tmp_path / "log"))
