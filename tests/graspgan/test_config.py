from __future__ import annotations

from pathlib import Path

from tasks.core.params import load_config
from tasks.graspgan.config import TrainGraspganConfig

EXAMPLE = Path(__file__).parents[2] / "configs" / "examples" / "train_graspgan.yaml"


def test_the_example_has_the_papers_sizes() -> None:
    config = load_config(TrainGraspganConfig, EXAMPLE)
    assert (config.prepare.network, config.prepare.side_px) == ("picture", 472)
    assert config.collect.size_px >= config.prepare.side_px
    assert config.collect.num_train >= 1_000_000
    assert config.train.arithmetic.precision == "bfloat16"
