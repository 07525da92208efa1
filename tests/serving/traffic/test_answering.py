"""Each request is counted once, by how it ended, under names that the server knows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.serving.config import LogConfig, ServingConfig
from tasks.serving.figures.page import Figures
from tasks.serving.questions import ask
from tasks.serving.traffic.answering import Answering
from tasks.serving.traffic.request_log import RequestLog
from tasks.serving.types import Arrays, Code, Question, RequestError, Target
from tests.support.serving.fakes import FakeServing


class Call:
    """Asks for the sum of two words."""

    def __init__(self, model: str = "some", version: int | None = None) -> None:
        self.spec = SimpleNamespace(model=model, version=version, label="")

    def question(self, target: Target, deadline_s: float) -> Question:
        return ask(target, "tags", {"words": np.array([[1, 2]])}, (), deadline_s)

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        return b"%d of %d" % (arrays["sum"][0, 0], target.version)


def answered(serving: FakeServing, call: Call, watch: Any = lambda _: None) -> tuple[Any, Any]:
    """An answer, or why there is none, and what was counted."""
    figures = Figures(lambda: ())

    async def main() -> Any:
        log = RequestLog(figures)
        answering = Answering(serving, figures, log)
        try:
            asked = answering.begin(call, "rest", b"key", 1.0)
            watch(asked.future)
            await asyncio.wait({asked.future})
            return answering.end(asked)
        except RequestError as error:
            return error
        finally:
            await asyncio.sleep(0)
            await log.close()

    found = asyncio.run(main())
    (requests,) = [each for each in figures.collect() if each.name == "orrery_serving_requests"]
    (sample,) = requests.samples
    assert sample.value == 1
    return found, tuple(sample.labels.values())


def test_an_answer_says_who_gave_it() -> None:
    found, key = answered(FakeServing(), Call())
    assert (found.body, found.version) == (b"3 of 3", 3)
    assert key == ("some", "3", "rest", "OK")


def test_names_that_clients_make_up_are_not_counted_under() -> None:
    found, key = answered(FakeServing(), Call("odd"))
    assert found.code is Code.NOT_FOUND
    assert key == ("", "", "rest", "NOT_FOUND")
    assert answered(FakeServing(), Call(version=7))[1] == ("some", "", "rest", "NOT_FOUND")


def test_who_goes_is_counted() -> None:
    serving = FakeServing()
    serving.holds = True
    found, key = answered(serving, Call(), lambda future: future.cancel())
    assert found.code is Code.CANCELLED
    assert key == ("some", "3", "rest", "CANCELLED")


def test_a_shadow_is_asked_and_a_row_is_kept(tmp_path: Path) -> None:
    log = LogConfig(folder=str(tmp_path), share=1000)
    serving = FakeServing(ServingConfig(log=log))
    serving.shadow = 4
    answered(serving, Call())
    assert [each.version for each in serving.asked] == [3, 4]
    assert len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize("left", [{3}, {3, 4}])
def test_a_version_that_leaves_is_followed_by_another(left: set[int]) -> None:
    serving = FakeServing()
    serving.left = left
    found, key = answered(serving, Call())
    if left == {3}:
        assert (found.body, key[1]) == (b"3 of 4", "4")
    else:
        assert found.code is Code.UNAVAILABLE


def test_an_answer_goes_out_though_it_can_not_be_noted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(RequestLog, "note", lambda *_: 1 / 0)
    assert answered(FakeServing(), Call())[0].body == b"3 of 3"
    assert "an answer is not noted" in caplog.text
