from __future__ import annotations

import pytest

from tasks.core.errors import ArtifactError, ConfigError
from tasks.grasping.algorithms.steering import Rate
from tasks.grasping.config import PlanConfig, PolicyConfig
from tasks.grasping.data.shards import write_rows
from tasks.grasping.pilot import is_steered, pilot_figures, read_earlier
from tests.support.grasping.toy_rows import toy_rows


def earlier(folder, kind="mixture"):
    return PlanConfig(policy=PolicyConfig(kind=kind, earlier=str(folder), model="m.pt2"))


def write_shards(folder, num_scenes=20, attempts=6):
    folder.mkdir(parents=True)
    rows = [toy_rows(f"train-7-{i:07d}", num_attempts=attempts) for i in range(num_scenes)]
    for shard in range(2):
        write_rows(folder / f"shard-{shard:05d}.parquet", rows[shard::2])
    return [row for table in rows for row in table.drop(["steps"]).to_pylist()]


@pytest.mark.parametrize("inner", ["", "shards"])
def test_shares_of_an_earlier_data_set_are_counted(tmp_path, inner):
    rows = write_shards(tmp_path / "data" / inner)
    rates = read_earlier(earlier(tmp_path / "data"))
    assert set(rates) == {"uniform", "near_object"}
    for policy, rate in rates.items():
        outcomes = [row["is_success"] for row in rows if row["policy"] == policy]
        assert rate.attempts == len(outcomes) == 60
        assert rate.successes == sum(outcomes)
    assert rates["uniform"].share < rates["near_object"].share


def test_a_policy_that_is_missing_is_named(tmp_path):
    write_shards(tmp_path / "data")
    with pytest.raises(ConfigError, match="holds 0 attempts of the policy model"):
        read_earlier(earlier(tmp_path / "data", "model"))


def test_a_damaged_shard_is_named(tmp_path):
    write_shards(tmp_path / "data")
    path = tmp_path / "data" / "shard-00001.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match=r"shard-00001\.parquet is cut short"):
        read_earlier(earlier(tmp_path / "data"))


def test_figures_have_an_interval():
    figures = pilot_figures({"uniform": Rate(100, 20), "near_object": Rate(100, 0)})
    assert figures["uniform_share"] == 0.2
    assert figures["uniform_low"] < 0.2 < figures["uniform_high"]
    assert figures["near_object_low"] == 0 < figures["near_object_high"]


@pytest.mark.parametrize(
    ("policy", "steered"),
    [
        (PolicyConfig(), True),
        (PolicyConfig(steer=False), False),
        (PolicyConfig(kind="uniform"), False),
        (PolicyConfig(uniform_share=1.0), False),
    ],
)
def test_only_a_mixture_is_steered(policy, steered):
    assert is_steered(policy) == steered
