"""Assets of models; `test_stage_operator` emits them."""

from __future__ import annotations

from operators.schedule.assets import model_asset


def test_a_model_has_an_asset_of_its_own() -> None:
    one, other = model_asset("cells-photos"), model_asset("cells-cifar10")
    assert one.uri == "orrery://models/cells-photos"
    assert one.name != other.name
    assert one.uri != other.uri
