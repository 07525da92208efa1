"""Copies requests to a shadow version and compares its answers, which nobody is sent.

A shadow must cost those who wait nothing: it is asked after the answer is there, and not at all
while anybody waits for either version, or while too many of its answers are out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Final

from tasks.serving import questions
from tasks.serving.differences import FAILED, Differences, compare_by
from tasks.serving.figures.page import Figures
from tasks.serving.heads import signature_of
from tasks.serving.types import Answered, Models, Question, RequestError

_MAX_OUT: Final = 16
logger = logging.getLogger(__name__)


class Shadows:
    """Asks shadows, and counts how their answers differ."""

    def __init__(self, serving: Models, figures: Figures) -> None:
        """Ask models, and count."""
        self._serving, self._figures = serving, figures
        self._out: Counter[tuple[str, int]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, shadow: int, question: Question, answered: Answered) -> None:
        """Ask a shadow what a version answered, if nobody has to wait for it."""
        where, model = (question.model, shadow), self._serving.model(question.model)
        is_idle = model.is_idle(shadow) and model.is_idle(answered.version)
        if not is_idle or self._out[where] >= _MAX_OUT:
            self._figures.compare(question.model, answered.version, shadow, None)
            return
        self._out[where] += 1
        task = asyncio.get_running_loop().create_task(self._compare(shadow, question, answered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compare(self, shadow: int, question: Question, answered: Answered) -> None:
        model = question.model
        try:
            found = await self._differences(shadow, question, answered)
        except RequestError as error:
            logger.debug("model %s: shadow %d: %s", model, shadow, error)
            found = FAILED
        except Exception:
            logger.exception("model %s: shadow %d failed", model, shadow)
            found = FAILED
        finally:
            self._out[model, shadow] -= 1
        self._figures.compare(model, answered.version, shadow, found)

    async def _differences(
        self, shadow: int, question: Question, answered: Answered
    ) -> Differences:
        model = self._serving.model(question.model)
        target = model.target(shadow, "", b"")
        name = question.signature
        deadline_s = time.monotonic() + self._serving.config.limits.answer_s
        asked = questions.ask(target, name, question.arrays, question.outputs, deadline_s)
        other = await model.ask(asked)
        return compare_by(signature_of(target.bundle, name), answered.arrays, other.arrays)
