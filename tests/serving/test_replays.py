"""A log is asked again, and differences, failures and what is left out are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.serving.log import Logged, row_of, rows_of, write_rows
from tasks.serving.replays import Replayed, replay
from tasks.serving.rpc.calls import write_metadata
from tasks.serving.rpc.messages import parse
from tasks.serving.types import Answered, Code, Question, RequestError
from tests.support.serving.bundles import bundle

SCORES = {"scores": np.array([[0.25, 0.75]], np.float32)}


def row(signature: str = "classes", model: str = "some") -> Logged:
    question = Question(model, 3, signature, {"words": np.array([[1, 2]])})
    return row_of(question, Answered(SCORES, 3), 0.0, 0.0, ())


def replayed(*rows: Logged, factor: float = 1.0, version: int | None = 4) -> Replayed:
    """Asks what gives the scores times a factor, and knows no version but 4."""

    def ask(method: str, message: bytes) -> bytes:
        if method == "GetModelMetadata":
            return write_metadata("some", 4, bundle())
        request = parse("PredictRequest", message)
        if request.model_spec.version.value != version or request.model_spec.version_label:
            raise RequestError(Code.NOT_FOUND, "no such version")
        told = {"scores": np.float32(factor) * SCORES["scores"]}
        return row_of(Question("some", 4, "", {}), Answered(told, 4), 0.0, 0.0, ()).answer

    return replay(rows, ask, 4, "", 1e-3)


def test_the_same_answers_differ_in_nothing() -> None:
    found = replayed(row(), row()).found
    assert (found.num_compared, found.num_differing) == (2, 0)


@pytest.mark.parametrize(("factor", "disagrees"), [(2.0, 0), (-1.0, 1)])
def test_others_differ_and_may_name_another_class(factor: float, disagrees: int) -> None:
    found = replayed(row(), factor=factor).found
    assert (found.num_differing, found.num_disagreeing) == (1, disagrees)


def test_failures_are_counted_with_their_reason() -> None:
    told = replayed(row(), row(), version=5)
    assert told.found.num_failed == 2
    assert told.failures == {"NOT_FOUND: no such version": 2}


def test_what_can_not_be_asked_again_is_left_out() -> None:
    told = replayed(replace(row(), redacted="words"), row("classes+number"), row())
    assert (told.num_left_out, told.found.num_compared) == (2, 1)


def test_rows_are_of_files_and_folders_and_of_one_model(tmp_path: Path) -> None:
    write_rows(tmp_path / "log" / "requests-1.parquet", [row(), row(model="other")])
    write_rows(tmp_path / "one.parquet", [row()])
    places = [tmp_path / "log", tmp_path / "one.parquet"]
    assert [each.model for each in rows_of(places, "")] == ["some", "other", "some"]
    assert [each.model for each in rows_of(places, "other")] == ["other"]
