"""Versions found in a folder, in a registry, and nowhere."""

from __future__ import annotations

import asyncio
import gc
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.record.mlflow_tracker import MlflowTracker, open_run
from operators.serving.models.serving import Serving
from operators.serving.models.sources import Registry, source_of
from tasks.bundle.folders import read_bundle
from tasks.core.errors import ResourceError, TransientError
from tasks.serving.config import ModelConfig, ServingConfig
from tasks.serving.types import Question
from tasks.serving.versions.folder import Folder, Listing
from tests.support.bundle.models import scores
from tests.support.kernel.model_packages import package_in, right_on, write_answers


def test_a_model_comes_from_its_folder_or_from_the_profile_s_server(tmp_path):
    assert isinstance(source_of(ModelConfig(folder=str(tmp_path)), "", tmp_path), Folder)
    settings = ModelConfig(registry="cells")
    assert isinstance(source_of(settings, "http://127.0.0.1:1", tmp_path), Registry)
    with pytest.raises(ResourceError, match="tracking_uri"):
        source_of(settings, "", tmp_path)


async def served(uri: str, name: str, kept: Path) -> None:
    """Serve it by its alias, which is its label, too."""
    config = ServingConfig(models={"cells": ModelConfig(registry=name)})
    serving = Serving(config, uri, kept)
    await serving.start()
    try:
        async with asyncio.timeout(30):
            while not serving.is_ready():
                await asyncio.sleep(0.02)
        target = serving.model("cells").target(None, "champion", b"")
        assert (target.version, target.label) == (1, "champion")
        assert serving.model("cells").target(None, "", b"").label == "champion"
        x = np.zeros((3, 6), np.float32)
        answered = await serving.model("cells").ask(Question("cells", 1, "predict", {"images": x}))
        assert answered.arrays["logits"].shape == (3, 2)
    finally:
        await serving.close()


@pytest.mark.integration
@pytest.mark.usefixtures("client")  # imports MLflow, which warns of itself
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_registered_version_is_found_by_its_alias_and_fetched_once(uri: str, tmp_path: Path):
    name = f"served-{uuid.uuid4().hex[:8]}"
    scores(tmp_path / "bundle")
    write_answers(tmp_path / "answers.npz", right_on(range(50)))
    tags = {"airflow.dag_id": "sample", "airflow.run_id": str(uuid.uuid4())}
    parent = open_run(uri, "sample", "run", tags)
    tracker: Any = MlflowTracker.start(uri, parent.run_id, "sample.retrain", {"key": "k"})
    tracker.models.register(package_in(tmp_path, name=name))

    source = Registry(uri, name, tmp_path / "kept")
    assert source.look() == Listing(frozenset({1}), {"champion": 1})
    folder = asyncio.run(source.fetch(1))
    assert folder == tmp_path / "kept" / name / "1"
    assert read_bundle(folder).name == "scores"
    assert asyncio.run(Registry("http://127.0.0.1:1", name, tmp_path / "kept").fetch(1)) == folder
    with pytest.raises(TransientError, match="Model Version"):
        asyncio.run(source.fetch(2))
    asyncio.run(served(uri, name, tmp_path / "kept"))
    source.forget(1)
    assert not folder.exists()
    gc.collect()  # MLflow's client leaves its connections to that
