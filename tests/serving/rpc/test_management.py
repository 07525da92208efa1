"""Status is told, and settings are changed, over gRPC."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.serving.config import Batching, ModelConfig, Policy, ServingConfig
from tasks.serving.rpc.management import read_reload, write_reloaded, write_status
from tasks.serving.rpc.messages import MESSAGES
from tasks.serving.types import Code, RequestError, State, VersionStatus

NOW = ServingConfig(
    models={
        "kept": ModelConfig(folder="/a", labels={"old": 1}, batching=Batching(max_batch_size=7)),
        "gone": ModelConfig(folder="/b"),
    }
)


def reload(**models: Any) -> bytes:
    told = MESSAGES["ReloadConfigRequest"]()
    told.config.model_config_list.SetInParent()
    for name, fields in models.items():
        one = told.config.model_config_list.config.add(name=name, model_platform="tensorflow")
        one.base_path = fields.pop("base_path", "")
        for label, version in fields.pop("labels", {}).items():
            one.version_labels[label] = version
        for kind, values in fields.items():
            policy = getattr(one.model_version_policy, kind)
            policy.SetInParent()
            for field, value in values.items():
                if isinstance(value, list):
                    getattr(policy, field).extend(value)
                else:
                    setattr(policy, field, value)
    return told.SerializeToString()


def test_status_says_state_and_error() -> None:
    raw = write_status(
        [
            VersionStatus(2, State.AVAILABLE),
            VersionStatus(1, State.END, Code.DATA_LOSS, "a digest is off"),
        ]
    )
    assert raw[:8] == bytes.fromhex("0a06080210 1e1a00"), "version 2, state 30, status"
    first, second = MESSAGES["GetModelStatusResponse"].FromString(raw).model_version_status
    assert (first.version, first.state, first.status.error_code) == (2, 30, 0)
    assert first.HasField("status")
    assert (second.state, second.status.error_message) == (50, "a digest is off")
    assert MESSAGES["ReloadConfigResponse"].FromString(write_reloaded()).HasField("status")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, Policy()),
        ({"latest": {}}, Policy(latest=1)),
        ({"latest": {"num_versions": 3}}, Policy(latest=3)),
        ({"all": {}}, Policy(all=True)),
        ({"specific": {"versions": [1, 5]}}, Policy(specific=(1, 5))),
    ],
)
def test_policies(policy: Any, expected: Policy) -> None:
    found = read_reload(reload(new={"base_path": "/c", **policy}), NOW).models
    assert found == {"new": ModelConfig(folder="/c", policy=expected)}


def test_what_the_message_does_not_know_stays() -> None:
    found = read_reload(reload(kept={"labels": {"new": 2}, "base_path": "/d"}), NOW)
    (kept,) = found.models.values()
    assert (kept.folder, kept.labels, kept.batching.max_batch_size) == ("/d", {"new": 2}, 7)
    assert read_reload(reload(kept={}), NOW).models["kept"].folder == "/a"
    assert found.limits == NOW.limits


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "expected a model_config_list"),
        (b"\xff", "got 1 bytes of no such"),
        (reload(new={}), "model 'new': .*expected either a folder"),
        (reload(**{"a/b": {"base_path": "/a"}}), "model_config_list: models"),
        (reload(new={"base_path": "/a", "labels": {"7": 7}}), "model 'new': labels.7"),
        (reload(new={"base_path": "/a", "latest": {"num_versions": 999}}), "less than or equal"),
        (
            reload(new={"base_path": "/a"}) + reload(new={"base_path": "/b"}),
            "Illegal to list model new multiple times",
        ),
    ],
)
def test_odd_settings_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read_reload(raw, NOW)
    assert caught.value.code is Code.INVALID_ARGUMENT
