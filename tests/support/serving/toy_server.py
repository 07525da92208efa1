"""A server of models in this process: its HTTP interface as far as releases use it, and traffic."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.core.errors import TransientError
from tasks.core.models import ServerAnswer
from tasks.serving.config import ModelConfig, ServingConfig
from tasks.serving.oip.infer import HEADER, read_answer, write_request
from tasks.serving.oip.tensors import encode
from tasks.serving.release.record import Release, read_asked
from tasks.serving.types import Arrays, RequestError

BOUNDS = ("0.01", "0.1", "+Inf")


@dataclass
class Toy:
    """What one version does: share of failures, of slow answers, and the factor of its answers."""

    failed: float = 0.0
    slow: float = 0.005
    factor: float = 2.0
    state: str = "AVAILABLE"
    message: str = ""


@dataclass
class ToyServer:
    """Serves `model` in `versions`; each look at the counts follows `num_requests` more.

    Attributes:
        release: How the model is routed.
        disagreeing: Share of shadow answers that disagree.
        dies_at: The call, counted from 1, at which it can't be reached; 0 for never.
        puts: All bodies that were put.
    """

    versions: dict[int, Toy]
    stable: int | None = 1
    release: Release = field(default_factory=Release)
    disagreeing: float = 0.0
    num_requests: int = 400
    dies_at: int = 0
    puts: list[dict[str, Any]] = field(default_factory=list)
    num_calls: int = 0

    def __post_init__(self) -> None:
        self._rng, self._counts = np.random.default_rng(0), Counter[tuple[str, ...]]()
        models = {"cells": ModelConfig(registry="cells-toy")}
        self.config = {"models": {k: {"registry": v.registry} for k, v in models.items()}}
        assert ServingConfig(models=models)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> ServerAnswer:
        self.num_calls += 1
        if self.num_calls == self.dies_at:
            raise TransientError("the server of models can't be reached")
        try:
            return self._ask(method, path, body, headers or {})
        except RequestError as error:
            return ServerAnswer(409, json.dumps({"error": error.message}).encode())

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> ServerAnswer:
        if path == "/v1/config":
            return ServerAnswer(200, json.dumps(self.config).encode())
        if path == "/metrics":
            return ServerAnswer(200, self._page().encode())
        if path == "/v1/models/cells/release":
            if method == "PUT":
                self.puts.append(json.loads(body))
                self.release = self.release.take(read_asked(body), self.stable)
            told = self.release
            if told.stable is None:
                told = told.model_copy(update={"stable": self.stable})
            return ServerAnswer(200, told.model_dump_json().encode())
        version = int(path.split("/versions/")[1].partition("/")[0])
        if version not in self.versions:
            return ServerAnswer(404, b'{"error": "Could not find version"}')
        toy = self.versions[version]
        if path.endswith("/infer"):
            return self._infer(toy, body, headers)
        status = {"error_code": "OK", "error_message": toy.message}
        told_status = {"version": str(version), "state": toy.state, "status": status}
        return ServerAnswer(200, json.dumps({"model_version_status": [told_status]}).encode())

    def _infer(self, toy: Toy, body: bytes, headers: Mapping[str, str]) -> ServerAnswer:
        if self._rng.random() < toy.failed:
            return ServerAnswer(500, b'{"error": "it failed"}')
        head = json.loads(body[: int(headers[HEADER])])
        asked = encode({"outputs": head["inputs"]})
        arrays = read_answer(asked + body[int(headers[HEADER]) :], str(len(asked)))
        answer, told = write_request("", self._answer(toy, arrays))
        size = int(told[HEADER])
        found = encode({"outputs": json.loads(answer[:size])["inputs"]})
        return ServerAnswer(200, found + answer[size:], {HEADER: str(len(found))})

    def _answer(self, toy: Toy, arrays: Arrays) -> Arrays:
        return {"y": (arrays["x"] * np.float32(toy.factor)).astype(np.float32)}

    def _page(self) -> str:
        self._serve(self.num_requests)
        names = {
            "requests_total": ("code",),
            "took_seconds_bucket": ("le",),
            "shadow_compared_total": ("shadow",),
            "shadow_disagreeing_total": ("shadow",),
        }
        lines = ["# HELP of the page"]
        for (name, version, *values), num in sorted(self._counts.items()):
            labels = {"model": "cells", "version": version, "interface": "rest"}
            labels |= dict(zip(names[name], values, strict=True))
            told = ",".join(f'{key}="{value}"' for key, value in labels.items())
            lines.append(f"orrery_serving_{name}{{{told}}} {float(num)}")
        return "\n".join(lines)

    def _serve(self, num: int) -> None:
        stable = self.release.stable or self.stable
        num_mine = int(self._rng.binomial(num, self.release.share / 1000))
        for version, size in ((self.release.candidate, num_mine), (stable, num - num_mine)):
            if version is None or not size:
                continue
            toy, name = self.versions[version], str(version)
            failed = int(self._rng.binomial(size, toy.failed))
            slow = int(self._rng.binomial(size - failed, toy.slow))
            self._counts["requests_total", name, "INTERNAL"] += failed
            self._counts["requests_total", name, "OK"] += size - failed
            for bound, more in zip(BOUNDS, (0, 0, slow), strict=True):
                fast = size - failed - slow
                self._counts["took_seconds_bucket", name, bound] += fast + more
            if version == stable and self.release.candidate is not None:
                pair = (name, str(self.release.candidate))
                self._counts["shadow_compared_total", *pair] += size
                bad = int(self._rng.binomial(size, self.disagreeing))
                self._counts["shadow_disagreeing_total", *pair] += bad

    def forget(self) -> None:
        """Begin anew, as a server that was started again: its counts are gone."""
        self._counts.clear()
