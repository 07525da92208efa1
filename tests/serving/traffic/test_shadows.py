"""A shadow is asked the same, its answer compared, and nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tasks.serving.figures.page import Figures
from tasks.serving.traffic.shadows import Shadows
from tasks.serving.types import Answered, Code, Question, RequestError
from tests.support.serving.fakes import FakeServing, answer

TAGS = Question("some", 3, "tags", {"words": np.array([[1, 2]])}, ("sum",))
CLASSES = Question("some", 3, "classes", {"words": np.array([[1, 2]])})


def asked(serving: FakeServing, *questions: Question) -> dict[str, float]:
    """Counts of what a shadow answered, by their names."""
    figures = Figures(lambda: ())

    async def main() -> None:
        shadows = Shadows(serving, figures)
        for each in questions:
            shadows.ask(4, each, Answered(answer(each), 3))
        await asyncio.sleep(0.01)

    asyncio.run(main())
    return {
        each.name.removeprefix("orrery_serving_shadow_"): sum(s.value for s in each.samples)
        for each in figures.collect()
        if "shadow" in each.name
    }


def test_the_same_answers_differ_in_nothing() -> None:
    serving = FakeServing()
    found = asked(serving, TAGS, CLASSES)
    assert (found["compared"], found["differing"], found["dropped"]) == (2, 0, 0)
    assert [each.version for each in serving.asked] == [4, 4]
    assert serving.asked[0].outputs == ("sum",)


def test_others_are_counted() -> None:
    serving = FakeServing()
    serving.answer = lambda question: {name: -a for name, a in answer(question).items()}
    found = asked(serving, TAGS, CLASSES)
    assert (found["compared"], found["differing"], found["disagreeing"]) == (2, 2, 1), (
        "another class"
    )


@pytest.mark.parametrize("error", [RequestError(Code.UNAVAILABLE, "full"), KeyError("odd")])
def test_one_that_fails_is_counted(error: Exception) -> None:
    def fail(_: Any) -> Any:
        raise error

    serving = FakeServing()
    serving.answer = fail
    assert asked(serving, TAGS)["failed"] == 1


def test_a_signature_that_it_lacks_is_a_failure() -> None:
    serving = FakeServing()
    serving.bundle = serving.bundle.model_copy(
        update={"signatures": {"number": serving.bundle.signatures["number"]}}
    )
    assert asked(serving, TAGS)["failed"] == 1


def test_while_anybody_waits_it_is_not_asked() -> None:
    serving = FakeServing()
    serving.idle = False
    found = asked(serving, TAGS)
    assert (found["dropped"], serving.asked) == (1, [])


def test_few_are_out_at_a_time() -> None:
    serving = FakeServing()
    serving.holds = True
    assert asked(serving, *[TAGS] * 20)["dropped"] == 4
