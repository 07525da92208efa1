from __future__ import annotations

import pytest

from tasks.core.errors import ConfigError
from tasks.serving.release.manifests import Candidate
from tests.support.serving.released import world


def test_a_registered_version_is_fetched_and_the_model_held_for_it(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    found = made.local.read(made.fetch(version="champion"), Candidate)
    assert (found.model, found.version, found.served, found.stable) == ("cells-toy", 2, "cells", 1)
    assert set(found.bundle) == {"bundle.json", "golden.safetensors", "told.json"}
    assert made.server.release.candidate == 2
    assert made.server.release.holder == found.holder
    assert made.server.release.share == 0


def test_two_releases_of_one_model_exclude_each_other(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    made.fetch()
    with pytest.raises(
        ConfigError, match=r"the release 'local-.*' holds this model, for version 2"
    ):
        made.fetch()


def test_a_version_that_answers_already_needs_no_release(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    with pytest.raises(ConfigError, match="expected another one than 1, which answers for cells"):
        made.fetch(version="1")


def test_a_model_must_be_named(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    with pytest.raises(ConfigError, match="expected the name of a registered model, got none"):
        made.fetch(model="")
