"""Has a request answered: finds the version, asks it, counts, logs, and copies to a shadow."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import NamedTuple

from tasks.serving.figures.page import Figures
from tasks.serving.traffic.request_log import RequestLog
from tasks.serving.traffic.shadows import Shadows
from tasks.serving.types import (
    Answered,
    Call,
    Code,
    Models,
    Question,
    RequestError,
    Target,
)

logger = logging.getLogger(__name__)


class Reply(NamedTuple):
    """An answer, as its interface writes it, and the version that gave it."""

    body: bytes
    version: int


class Asked(NamedTuple):
    """A request that waits for its answer: who cancels the future takes it back."""

    future: asyncio.Future[Answered]
    call: Call
    interface: str
    begun_s: float
    target: Target
    question: Question


class Answering:
    """Has requests answered; all calls come from one event loop.

    Attributes:
        serving: The models.
        figures: What is counted.
    """

    def __init__(self, serving: Models, figures: Figures, log: RequestLog) -> None:
        """Answer by models.

        Args:
            serving: The models.
            figures: What is counted.
            log: Where a sample of the requests is kept.
        """
        self.serving, self.figures, self._log = serving, figures, log
        self._shadows = Shadows(serving, figures)

    def begin(self, call: Call, interface: str, key: bytes, wait_s: float | None) -> Asked:
        """Ask what a request asks; once the future is done, `end` gives the answer.

        Args:
            call: The request.
            interface: Name of the interface, for the count.
            key: What its client is known by, for splits.
            wait_s: How long the client waits, where it says so.

        Raises:
            RequestError: It can't be answered.
        """
        begun_s, limit_s = time.monotonic(), self.serving.config.limits.answer_s
        deadline_s = begun_s + (limit_s if wait_s is None else min(wait_s, limit_s))
        try:
            target, question, future = self._ask(call, key, deadline_s)
        except Exception as error:
            raise self._failed(call, None, interface, error) from error
        return Asked(future, call, interface, begun_s, target, question)

    def end(self, asked: Asked) -> Reply:
        """The answer to a request whose future is done; it is counted, logged, and copied.

        Raises:
            RequestError: There is none.
        """
        future, call, interface, begun_s, target, question = asked
        try:
            answered = future.result()
            reply = Reply(call.answer(target, answered.arrays), answered.version)
        except (Exception, asyncio.CancelledError) as error:
            raise self._failed(call, target, interface, error) from error
        try:
            took_s = time.monotonic() - begun_s
            self.figures.answer(target.model, interface, answered, took_s)
            self._log.note(self.serving.config.log, question, answered, took_s)
            if target.shadow is not None:
                self._shadows.ask(target.shadow, question, answered)
        except Exception:  # the answer is there, and goes out
            logger.exception("model %s: an answer is not noted", target.model)
        return reply

    def _ask(
        self, call: Call, key: bytes, deadline_s: float
    ) -> tuple[Target, Question, asyncio.Future[Answered]]:
        """Find the version and ask it; if it left meanwhile, the one that came instead."""
        spec = call.spec
        model = self.serving.model(spec.model)
        target = model.target(spec.version, spec.label, key)
        question = call.question(target, deadline_s)
        try:
            return target, question, model.ask(question)
        except RequestError as error:
            if error.code != Code.UNAVAILABLE or spec.version is not None or spec.label:
                raise
            again = model.target(None, "", key)
            if again.version == target.version:
                raise
        question = call.question(again, deadline_s)
        return again, question, model.ask(question)

    def _failed(
        self, call: Call, target: Target | None, interface: str, error: BaseException
    ) -> RequestError:
        """Count a failure; names that clients made up must not become names of figures."""
        if isinstance(error, asyncio.CancelledError):
            error = RequestError(Code.CANCELLED, "the client has gone")
        elif not isinstance(error, RequestError):
            logger.error("model %s: a request failed", call.spec.model[:100], exc_info=error)
            error = RequestError(
                Code.INTERNAL, "the server failed; its log says why, ask its owner"
            )
        if target is not None:
            self.figures.fail(target.model, target.version, interface, error.code)
        else:
            known = call.spec.model if call.spec.model in self.serving.models() else ""
            self.figures.fail(known, None, interface, error.code)
        return error
