"""Settings that contradict each other are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.core.errors import ConfigError
from tasks.core.params import parse_config
from tasks.serving.config import ServingConfig


def parsed(**model: Any) -> ServingConfig:
    return parse_config(ServingConfig, {"models": {"some": {"folder": "/models/some"} | model}})


def test_a_model_is_a_folder_or_a_name_in_the_registry() -> None:
    (model,) = parsed(labels={"stable": 3}, split={"stable": 1000}).models.values()
    assert (model.folder, model.default) == ("/models/some", "")
    (model,) = parsed(folder="", registry="cells").models.values()
    assert model.default == "champion"
    (model,) = parsed(labels={"stable": 3}, default_label="stable").models.values()
    assert model.default == "stable"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"registry": "cells"}, "models.some: .*either a folder or a name in the registry"),
        ({"folder": ""}, "either a folder or a name"),
        ({"polcy": {}}, "models.some.polcy"),
        ({"policy": {"latest": 1, "all": True}}, "models.some.policy: .*one of latest, all and"),
        ({"policy": {"latest": 0}}, "models.some.policy.latest: .*greater than or equal to 1"),
        ({"labels": {"3": 1}}, "models.some.labels.3"),
        ({"labels": {"a": 1}, "split": {"a": 999}}, "expected 1000 per mille, got 999"),
        ({"labels": {"a": 1}, "split": {"b": 1000}}, "no label 'b'; there are a"),
        ({"shadow": "next"}, "no label 'next'"),
        ({"labels": {"a": 1}, "split": {"a": 1000}, "default_label": "a"}, "either a split or"),
        ({"batching": {"allowed_batch_sizes": [4, 2], "max_batch_size": 2}}, "sizes that grow"),
        ({"batching": {"allowed_batch_sizes": [2, 4]}}, "end with max_batch_size"),
        ({"batching": {"max_batch_size": "8"}}, "max_batch_size: .*valid integer"),
    ],
)
def test_what_contradicts_itself_is_refused(model: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parsed(**model)
