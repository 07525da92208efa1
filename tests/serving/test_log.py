"""A row of the request log is what was asked and answered, but for what is to be left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.serving.log import COLUMNS, Logged, Sample, prune, read_rows, row_of, write_rows
from tasks.serving.types import Answered, Question

ROOT = Path(__file__).parents[2]
INPUTS = {
    "name": np.array([b"a\0", b""], object),
    "x": np.arange(4, dtype=np.float32).reshape(2, 2),
    "empty": np.zeros((2, 0), np.int64),
}
OUTPUTS = {"y": np.array([True, False])}


def row(*redact: str) -> Logged:
    question = Question("some", 3, "mixed", INPUTS, ("y",))
    return row_of(question, Answered(OUTPUTS, 4), 100.5, 0.25, redact)


def test_a_row_gives_back_what_was_asked_and_answered() -> None:
    one = row()
    assert one.is_whole
    assert (one.model, one.version, one.signature, one.redacted) == ("some", 4, "mixed", "")
    for found, expected in ((one.inputs(), INPUTS), (one.outputs(), OUTPUTS)):
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    assert [*COLUMNS] == [*Logged.__slots__]


@pytest.mark.parametrize("name", ["x", "name"])
def test_a_value_that_is_to_be_left_out_is_nowhere(name: str) -> None:
    one = row(name)
    assert not one.is_whole
    assert one.redacted == name
    content = b"a\0" if name == "name" else INPUTS["x"].tobytes()
    assert content in row().request
    assert content not in one.request


def test_an_answer_without_values_can_be_asked_again() -> None:
    one = row("y")
    assert one.is_whole
    assert one.outputs() == {}


def test_outputs_of_heads_are_left_out_by_their_own_name() -> None:
    question = Question("some", 3, "classes+number", INPUTS)
    found = row_of(question, Answered({"number/value": np.ones(2)}, 3), 0.0, 0.0, {"value"})
    assert found.redacted == "number/value"


def test_the_oldest_go_first(tmp_path: Path) -> None:
    paths = [tmp_path / f"requests-{number}-1-1.parquet" for number in range(4)]
    for path in paths:
        path.write_bytes(bytes(100))
    prune(tmp_path, 250, 60.0)
    assert sorted(tmp_path.iterdir()) == paths[2:]
    os.utime(paths[2], (0, 0))
    prune(tmp_path, 250, 60.0)
    assert [*tmp_path.iterdir()] == paths[3:]


def test_what_is_no_log_is_told(tmp_path: Path) -> None:
    odd = tmp_path / "odd.parquet"
    odd.write_bytes(b"PAR1 and no more PAR1")
    with pytest.raises(OSError, match="expected a file of the request log"):
        read_rows(odd)
    row = Logged(1.5, "some", 3, "tags", 0.5, "x,y", b"\0request", b"")
    write_rows(tmp_path / "more" / "requests.parquet", [row])
    assert read_rows(tmp_path / "more" / "requests.parquet") == [row]


def test_writing_takes_no_pandas(tmp_path: Path) -> None:
    code = f"""
import pathlib, sys
from tasks.serving.log import Logged, write_rows
row = Logged(1.5, "some", 3, "tags", 0.5, "", b"", b"")
write_rows(pathlib.Path({str(tmp_path / "a.parquet")!r}), [row])
sys.exit("pandas" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_sample_is_even_and_ends_where_it_is_not_written() -> None:
    sample = Sample()
    assert [sample.picks(250) for _ in range(8)] == [False, False, False, True] * 2
    row = Logged(0.0, "some", 3, "tags", 0.0, "", b"x" * 9_000_000, b"")
    for _ in range(2):
        assert not sample.is_full
        assert sample.picks(1000)
        sample.add(row)
    assert sample.is_full
    assert not sample.picks(1000)
    assert (sample.num_lost, len(sample)) == (1, 2)
    assert sample.take() == [row, row]
    assert sample.picks(1000)
    assert not sample.is_full
