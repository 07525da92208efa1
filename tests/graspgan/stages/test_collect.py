from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import ArtifactError, ConfigError, DataError
from tasks.graspgan.config import CollectConfig
from tasks.graspgan.manifests import Attempts
from tasks.graspgan.stages import collect
from tasks.graspgan.stages.collect import collect_attempts
from tests.support.graspgan.chain import Chain
from tests.support.graspgan.user_folders import write_set


@pytest.fixture
def folders(chain: Chain, tmp_path: Path) -> tuple[Path, Path]:
    """What was collected, as a user's published folders: simulation, and the target."""
    for each in chain.run.read(chain.attempts, Attempts).sets:
        kind = "simulation" if each.world == "bullet" else "real"
        folder = tmp_path / kind / each.split / "shards"
        folder.mkdir(parents=True)
        for number, shard in enumerate(each.shards):
            shutil.copy(chain.run.fetch(shard), folder / f"shard-{number:05d}.parquet")
    return tmp_path / "simulation", tmp_path / "real"


def collected(
    tmp_path: Path, simulation: Path | str, real: Path | str, size_px: int = 64
) -> Attempts:
    run = LocalRun(tmp_path / "artifacts", seed=0)
    config = CollectConfig(simulation=str(simulation), real=str(real), size_px=size_px)
    return run.read(run.run(collect_attempts, config=config), Attempts)


def rewrite(path: Path, **columns: object) -> None:
    """Write a shard with other values in some columns."""
    table = pq.read_table(path, partitioning=None)
    for name, value in columns.items():
        index, field = table.schema.get_field_index(name), table.schema.field(name)
        table = table.set_column(index, field, pa.array([value] * len(table), field.type))
    pq.write_table(table, path)


def test_attempts_are_collected_of_all_worlds_and_splits(chain: Chain) -> None:
    found = chain.run.read(chain.attempts, Attempts)
    kinds = {(each.world, each.split): each.num_attempts for each in found.sets}
    worlds, splits = ("bullet", "bullet-structured"), ("train", "validation", "held_out")
    assert kinds == {(world, part): 24 for world in worlds for part in splits}
    assert found.targets == ("bullet-structured",)
    assert [each.world for each in found.worlds] == ["bullet-structured"]
    first, other = (found.of(world, "train") for world in worlds)
    assert first.num_successes != 0
    assert {each.sha256 for each in first.shards}.isdisjoint(each.sha256 for each in other.shards)


def test_objects_and_dynamics_are_the_simulations_own() -> None:
    config = CollectConfig(objects="everyday", dynamics=True)
    simulation, target = (
        collect._plan_of(config, world, "train", 24) for world in ("bullet", "surrogate")
    )
    assert (simulation.objects.family, simulation.randomise.dynamics) == ("everyday", True)
    assert (target.objects.family, target.randomise.dynamics) == ("procedural", False)
    other = CollectConfig(target_objects="everyday")
    assert collect._plan_of(other, "surrogate", "held_out", 24).objects.family == "everyday"


def test_published_folders_are_read_by_world_and_split(
    folders: tuple[Path, Path], chain: Chain, tmp_path: Path
) -> None:
    found = collected(tmp_path, *folders)
    made = chain.run.read(chain.attempts, Attempts)
    for each in made.sets:
        same = found.of(each.world, each.split)
        assert same.num_attempts == each.num_attempts
        assert same.num_successes == each.num_successes
        assert same.picture_px == 64


def test_another_camera_than_that_of_the_settings_is_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Grasps are tried with the settings' camera: a program asks for its own pictures' size."""
    with pytest.raises(DataError, match=r"128 px, got 64 px: give the size_px and view_deg"):
        collected(tmp_path, *folders, size_px=128)


def test_swapped_folders_are_told_apart_by_their_worlds(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    simulation, real = folders
    with pytest.raises(DataError, match=r"collect.simulation: expected attempts of the world bul"):
        collected(tmp_path, real, simulation)
    with pytest.raises(DataError, match="which is the simulation"):
        collected(tmp_path, simulation, simulation)


def test_one_folder_alone_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name both folders, or none"):
        collected(tmp_path, folders[0], "")


def test_a_missing_split_is_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.rmtree(folders[1] / "validation")
    with pytest.raises(DataError, match="got none of validation: collect them"):
        collected(tmp_path, *folders)


def test_one_outcome_alone_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for path in (folders[1] / "train").rglob("*.parquet"):
        rewrite(path, is_success=False)
    with pytest.raises(DataError, match="bullet-structured, train: expected successes and fail"):
        collected(tmp_path, *folders)


def test_a_scene_in_two_splits_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (path,) = (folders[0] / "held_out").rglob("*.parquet")
    taken = pq.read_table(next((folders[0] / "train").rglob("*.parquet")), partitioning=None)
    rewrite(path, scene_id=taken["scene_id"][0].as_py())
    with pytest.raises(DataError, match="stands in two splits"):
        collected(tmp_path, *folders)


def test_other_picture_sizes_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for split in ("train", "validation", "held_out"):
        write_set(tmp_path / "toys", split=split)
    with pytest.raises(DataError, match=r"expected pictures of one size, got \[48, 64\] px"):
        collected(tmp_path, folders[0], tmp_path / "toys")


def test_too_few_attempts_to_split_are_refused_before_any_is_made(tmp_path: Path) -> None:
    config = CollectConfig(num_validation=12, attempts_per_scene=12)
    said = "collect.num_validation: expected attempts in 2 scenes or more, got 12 with"
    with pytest.raises(ConfigError, match=said):
        LocalRun(tmp_path / "artifacts").run(collect_attempts, config=config)
    assert not [*(tmp_path / "artifacts").rglob("manifest.json")]


def test_a_broken_shard_and_an_empty_folder_are_named(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    (path,) = (folders[0] / "train").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ArtifactError, match=r"shard-00000\.parquet is cut short"):
        collected(tmp_path, *folders)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"collect.simulation: expected shards/\*.parquet below"):
        collected(tmp_path, empty, folders[1])
