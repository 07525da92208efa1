"""Stages without any service, as tests, examples and notebooks run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operators.stage.local import LocalRun
from tests.support.hostile.refusals import refused
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    DoubledList,
    ListConfig,
    Number,
    NumberList,
    double_numbers,
    group_numbers,
    list_numbers,
    train_number,
)


@pytest.fixture
def local(tmp_path: Path) -> LocalRun:
    return LocalRun(tmp_path / "store")


def test_stages_follow_each_other_by_their_references(local: LocalRun) -> None:
    numbers = local.run(list_numbers, config=ListConfig(count=3))
    groups = local.run(group_numbers, numbers, config=DoubleConfig())
    assert isinstance(groups, list), "a stage that fans out returns its groups"
    doubled = local.run(double_numbers, groups[0], config=DoubleConfig(factor=3.0))
    values = {each.item_id: each.value for each in local.read(groups[0], NumberList).numbers}
    for each in local.read(doubled, DoubledList).doubled:
        assert each.value == 3.0 * values[each.item_id]


def test_a_stage_function_can_be_called_directly(local: LocalRun) -> None:
    numbers = local.run(list_numbers, config=ListConfig(count=1))
    ctx = local.context(double_numbers, numbers, config=DoubleConfig())
    result = double_numbers(numbers, DoubleConfig(), ctx)
    assert local.read(result, DoubledList).doubled[0].item_id == "good-0"


def test_a_record_that_is_put_serves_as_an_input(local: LocalRun) -> None:
    ref = local.put(NumberList(numbers=(Number(item_id="one", value=1.5),)))
    assert local.put(local.read(ref, NumberList)) == ref
    doubled = local.read(local.run(double_numbers, ref, config=DoubleConfig()), DoubledList)
    assert doubled.doubled[0].value == 3.0


def test_the_seed_enters_what_draws(tmp_path: Path) -> None:
    refs = [
        LocalRun(tmp_path, seed=seed).run(train_number, config=DoubleConfig()) for seed in (0, 1)
    ]
    assert refs[0].uri != refs[1].uri


@pytest.mark.hostile
@pytest.mark.parametrize(
    "seed", [2**200, -1, 1.5, "7", True, None, float("nan"), 10**5000], ids=range(8)
)
def test_a_seed_that_is_no_whole_number_of_ordinary_size_is_refused(
    seed: Any, tmp_path: Path
) -> None:
    local = LocalRun(tmp_path, seed=seed)
    with refused("seed"):
        local.run(list_numbers, config=ListConfig(count=2))
