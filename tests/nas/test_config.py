"""Settings of `search_cells` load from defaults, YAML and params under the names users know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.errors import ConfigError
from tasks.core.params import load_config
from tasks.nas.config import SearchCellsConfig
from tasks.nas.training.config import TrainingConfig

ROOT = Path(__file__).resolve().parents[2]


def test_params_reach_their_settings() -> None:
    params = {
        "data": "/data",
        "strategy": "ppo",
        "budget": 7,
        "proxy": "tiny",
        "workers": 3,
        "retrain.recipe.num_epochs": 2,
        "retrain.final_recipe.crop_px": 0,
    }
    config = load_config(SearchCellsConfig, ROOT / "configs" / "search_cells.yaml", params)
    assert config.prepare.data == "/data"
    search = config.search
    assert (search.strategy, search.num_children, search.proxy, search.num_workers) == (
        "ppo",
        7,
        "tiny",
        3,
    )
    assert config.retrain.recipe.num_epochs == 2
    assert config.retrain.final_recipe.crop_px == 0


def test_the_longer_trainings_have_defaults_of_their_own() -> None:
    config = SearchCellsConfig().retrain
    assert config.recipe == TrainingConfig(learning_rate=0.15)
    assert config.final_recipe == TrainingConfig(num_epochs=4, learning_rate=0.15, crop_px=2)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"proxy": "64px"}, r"proxy: .*'tiny', '8px', '16px' or '32px'"),
        ({"search.eta": 1}, r"search\.eta: .*greater than or equal to 2"),
        ({"retrain.recipe.momentum": 1.0}, r"retrain\.recipe\.momentum: .*less than 1"),
        ({"retrain.recepie": 1}, r"unknown setting .*did you mean 'retrain\.recipe"),
    ],
)
def test_wrong_params_are_refused_by_name(params: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_config(SearchCellsConfig, None, params)
