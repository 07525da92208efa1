from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import ArtifactError, ConfigError
from tasks.grasping.algorithms.steering import Rate
from tasks.grasping.config import PlanConfig, PolicyConfig
from tasks.grasping.data.shards import write_rows
from tasks.grasping.pilot import is_steered, pilot_figures, read_earlier
from tests.support.grasping.toy_rows import toy_rows
from tests.support.hostile.refusals import refused
from tests.support.hostile.within import run_within


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


def write_bomb(folder, num_rows):
    """Two million rows that share one long name: a file of little more than the name."""
    folder.mkdir(parents=True)
    rows = toy_rows("s").slice(0, 1)
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * num_rows, pa.int32()), ["n" * 10**6])
    arrays = {"policy": texts, "scene_id": texts, "world": texts, "is_success": [True] * num_rows}
    for name in rows.schema.names:
        arrays.setdefault(name, pa.nulls(num_rows, rows.schema.field(name).type))
    kinds = [texts.type if name in arrays and arrays[name] is texts else f.type
             for name, f in zip(rows.schema.names, rows.schema, strict=True)]  # fmt: skip
    schema = pa.schema(list(zip(rows.schema.names, kinds, strict=True)), rows.schema.metadata)
    path = folder / "shard-00000.parquet"
    pq.write_table(pa.table({name: arrays[name] for name in schema.names}, schema), path)
    return path


@pytest.mark.hostile
def test_a_name_that_repeats_without_end_is_refused(tmp_path):
    path = write_bomb(tmp_path / "data", 200_000)
    assert path.stat().st_size < 5_000_000, "it would take 200 GB"
    found = run_within(
        600_000_000,
        "from tasks.core.errors import ArtifactError\n"
        "from tasks.grasping.config import PlanConfig, PolicyConfig\n"
        "from tasks.grasping.pilot import read_earlier\n"
        f"config = PlanConfig(policy=PolicyConfig(kind='mixture', earlier={str(path.parent)!r}))",
        "try:\n    read_earlier(config)\nexcept ArtifactError as error:\n    print(error)",
    )
    assert "expected a policy of at most 500 bytes, got one of 1,000,000" in found


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["device", "long", "nobody", "zero", "file", "pipes", "links"])
def test_an_odd_place_is_refused(tmp_path, kind):
    folder = tmp_path / "data"
    folder.mkdir()
    if kind == "pipes":
        os.mkfifo(folder / "shard.parquet")
    elif kind == "links":
        write_shards(tmp_path / "outside")
        (folder / "shards").mkdir()
        for name in ("a.parquet", "shards/b.parquet"):
            (folder / name).symlink_to(tmp_path / "outside" / "shard-00000.parquet")
    elif kind == "file":
        folder = tmp_path / "file"
        folder.write_text("rows")
    places = {"device": "/dev/zero", "long": "n" * 5000, "nobody": "~nouser/a", "zero": "a\0b"}
    with refused("policy.earlier", outside=tmp_path / "outside"):
        read_earlier(earlier(places.get(kind, folder)))
