"""A sample of the requests is kept, within its size and age, and nothing waits for it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.serving import log as log_module
from tasks.serving.config import LogConfig
from tasks.serving.figures.page import Figures
from tasks.serving.log import Logged, read_rows
from tasks.serving.traffic import request_log
from tasks.serving.traffic.request_log import RequestLog
from tasks.serving.types import Answered, Question

ANSWERED = Answered({"sum": np.ones((1, 4), np.float32)}, 3)


def question(number: int) -> Question:
    return Question("some", 3, "tags", {"words": np.array([[number]])})


def kept(config: LogConfig, num: int) -> tuple[list[Logged], Figures]:
    """What the log keeps of so many requests."""
    figures = Figures(lambda: ())

    async def main() -> None:
        log = RequestLog(figures)
        for number in range(num):
            log.note(config, question(number), ANSWERED, 0.25)
            if number % 100 == 99:
                await asyncio.sleep(0.01)
        await log.close()

    asyncio.run(main())
    folder = Path(config.folder)
    return [row for path in sorted(folder.glob("*.parquet")) for row in read_rows(path)], figures


def test_an_even_sample_is_kept(tmp_path: Path) -> None:
    rows, figures = kept(LogConfig(folder=str(tmp_path / "log"), share=100), 50)
    assert [row.inputs()["words"].item() for row in rows] == [9, 19, 29, 39, 49]
    assert (rows[0].version, rows[0].took_s) == (3, 0.25)
    assert 0 < time.time() - rows[0].asked_s < 60
    np.testing.assert_array_equal(rows[0].outputs()["sum"], ANSWERED.arrays["sum"])
    assert (figures.num_logged, figures.num_unlogged) == (5, 0)


def test_nothing_is_kept_without_a_folder_or_a_share(tmp_path: Path) -> None:
    assert kept(LogConfig(folder="", share=1000), 10)[1].num_logged == 0
    assert kept(LogConfig(folder=str(tmp_path), share=0), 10)[0] == []


def test_names_are_left_out(tmp_path: Path) -> None:
    rows, _ = kept(LogConfig(folder=str(tmp_path), share=1000, redact=("words",)), 2)
    assert [row.redacted for row in rows] == ["words"] * 2
    assert not any(row.is_whole for row in rows)


def test_files_end_at_a_number_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_MAX_ROWS", 100)
    rows, figures = kept(LogConfig(folder=str(tmp_path), share=1000), 250)
    assert len(rows) == figures.num_logged == 250
    assert 1 < len([*tmp_path.iterdir()]) <= 3


def test_rows_are_written_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "_MAX_WAIT_S", 0.05)
    config = LogConfig(folder=str(tmp_path), share=1000)

    async def main() -> None:
        RequestLog(Figures(lambda: ())).note(config, question(1), ANSWERED, 0.0)
        for _ in range(200):
            if [*tmp_path.glob("*.parquet")]:
                return
            await asyncio.sleep(0.02)
        pytest.fail("nothing was written")

    asyncio.run(main())


@pytest.mark.hostile
def test_a_full_disk_loses_rows_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    rows, figures = kept(LogConfig(folder=str(tmp_path), share=1000), 5)
    assert (rows, figures.num_logged, figures.num_unlogged) == ([], 0, 5)
    assert "the request log lost 5 rows: [Errno 28] No space left" in caplog.text
    assert [*tmp_path.iterdir()] == []


def test_what_comes_faster_than_it_is_written_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_MAX_GATHERED_BYTES", 1000)
    figures, config = Figures(lambda: ()), LogConfig(folder=str(tmp_path), share=1000)

    async def main() -> None:
        log = RequestLog(figures)
        for number in range(100):  # without a moment to write
            log.note(config, question(number), ANSWERED, 0.0)
        await log.close()

    asyncio.run(main())
    assert figures.num_unlogged > 50
    assert figures.num_logged + figures.num_unlogged == 100
