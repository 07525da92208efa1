"""A candidate for releases in tests: a bundle, the registry that has it, the server beside."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operators.record.trackers import NoModels
from operators.stage.local import LocalRun
from tasks.core.models import FetchedModel
from tasks.core.records import ArtifactRef
from tasks.serving.release.config import CanaryConfig, CheckConfig, FetchConfig, ShadowConfig
from tasks.serving.stages.canary import try_live
from tasks.serving.stages.check import check_bundle
from tasks.serving.stages.fetch import fetch_candidate
from tasks.serving.stages.shadow import ask_again
from tests.support.serving.faulty_bundles import faulty, install_faulty
from tests.support.serving.toy_server import Toy, ToyServer

QUICK = CanaryConfig(steps=(200, 500), min_answers=300, poll_s=1.0)


@dataclass
class World:
    """A store, and a server that has version 1 and the candidate, 2.

    Attributes:
        local: Runs stages.
        server: The server.
        slept: How long the stages slept.
    """

    local: LocalRun
    server: ToyServer
    slept: list[float]

    def fetch(self, **config: Any) -> ArtifactRef:
        told = {"model": "cells-toy", "version": "2"} | config
        return self.local.run(fetch_candidate, config=FetchConfig(**told))

    def check(self, **config: Any) -> ArtifactRef:
        return self.local.run(check_bundle, self.fetch(), config=CheckConfig(**config))

    def shadow(self, **config: Any) -> ArtifactRef:
        return self.local.run(ask_again, self.check(), config=ShadowConfig(**config))

    def canary(self, config: CanaryConfig = QUICK) -> ArtifactRef:
        return self.local.run(try_live, self.shadow(), config=config)


def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **bundle: Any) -> World:
    """Make one; the candidate's bundle does what it is told."""
    faulty(tmp_path / "bundle", **bundle)
    monkeypatch.syspath_prepend(install_faulty(tmp_path / "site"))
    server, slept = ToyServer({1: Toy(), 2: Toy()}), list[float]()

    def fetch(_: Any, name: str, version: int | str, folder: Path) -> FetchedModel:
        shutil.copytree(tmp_path / "bundle", folder)
        return FetchedModel(name, 2 if version == "champion" else int(version), folder)

    monkeypatch.setattr(NoModels, "fetch", fetch)
    monkeypatch.setattr("operators.stage.context.HttpModelServer", lambda _: server)
    monkeypatch.setattr("time.sleep", slept.append)
    return World(LocalRun(tmp_path / "store"), server, slept)
