"""Assets of models; `test_stage_operator` emits them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from operators.schedule.assets import model_asset, params_of


def test_a_model_has_an_asset_of_its_own() -> None:
    one, other = model_asset("cells-photos"), model_asset("cells-cifar10")
    assert one.uri == "orrery://models/cells-photos"
    assert one.name != other.name
    assert one.uri != other.uri


def event(version: int, name: str = "cells") -> SimpleNamespace:
    return SimpleNamespace(extra={"name": name, "version": version, "is_champion": False})


def test_a_run_that_a_model_started_is_told_the_newest_version() -> None:
    where: Any = {"params": {"steps": [50], "model": "cells", "version": "champion"}}
    assert params_of(where) == where["params"]
    where["triggering_asset_events"] = {model_asset("cells"): [event(9), event(10)]}
    assert params_of(where) == {"steps": [50], "model": "cells", "version": "10"}


def test_events_of_other_assets_change_no_params() -> None:
    other = SimpleNamespace(extra={"ref": {"uri": "x"}})
    where: Any = {"params": {"a": 1}, "triggering_asset_events": {"restitch": [other]}}
    assert params_of(where) == {"a": 1}
