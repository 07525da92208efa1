from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from operators.stage.key import Declaration, declaration_of, key_parts, stage_key
from tasks.core.config import config_json
from tasks.core.params import load_config
from tasks.graspgan.config import TrainGraspganConfig

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "configs" / "examples" / "train_graspgan.yaml"
TRAININGS = ("collect:collect_attempts", "prepare:prepare_crops", "pretrain:pretrain",
             "adapt:adapt_looks", "train:train_methods")  # fmt: skip


def test_the_example_has_the_papers_sizes() -> None:
    config = load_config(TrainGraspganConfig, EXAMPLE)
    assert (config.prepare.network, config.prepare.side_px) == ("picture", 472)
    assert config.collect.size_px >= config.prepare.side_px
    assert config.collect.num_train >= 1_000_000
    assert config.train.arithmetic.precision == "bfloat16"


@cache
def trainings() -> list[Declaration]:
    return [declaration_of(f"tasks.graspgan.stages.{name}") for name in TRAININGS]


def key_of_trainings(params: dict[str, object]) -> str:
    """Key of the last training, whose inputs are the results of all stages before it."""
    sections, key = config_json(load_config(TrainGraspganConfig, None, params)), ""
    for declared in trainings():
        parts, config = key_parts(declared, 0, "cpu"), declared.config(sections)
        key = stage_key(parts, declared.spec, config, key, "", 1)
    return key


def test_what_the_page_says_to_try_makes_other_trainings() -> None:
    page = (ROOT / "tasks" / "graspgan" / "README.md").read_text()
    table = page.partition("## What to try")[2].partition("\n## ")[0]
    tried = [json.loads(conf) for conf in re.findall(r"\| `(\{.*?\})` \|", table)]
    assert len(tried) == table.count("\n| ") - 2, "one in each row below the head"
    keys = [key_of_trainings(conf) for conf in ({}, *tried)]
    assert len({*keys}) == len(keys) == 12
    alone = [key_of_trainings({name: conf[name]}) for conf in tried for name in conf]
    assert keys[0] not in alone, "no setting of a row is one already"
