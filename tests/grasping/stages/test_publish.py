from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from operators.compute.serial import SerialExecutor
from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.core import folder_lock
from tasks.core.errors import ConfigError, TransientError
from tasks.core.export_note import NOTE
from tasks.core.folder_lock import locked
from tasks.core.ports import Skipped
from tasks.core.records import ArtifactRef
from tasks.grasping.config import CheckConfig, PublishConfig
from tasks.grasping.data.schema import SCHEMA, read_shard
from tasks.grasping.manifests import GraspDataset, ObjectRemark, Publication
from tasks.grasping.stages.check import check_dataset
from tasks.grasping.stages.publish import publish_dataset
from tests.support.browser import chromium
from tests.support.grasping.toy_stages import ToyCollectConfig, collect_toys, toy_plans
from tests.support.kernel.folder_tracker import FolderTracker


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalRun, ArtifactRef]:
    local = LocalRun(tmp_path_factory.mktemp("toys"), seed=5)
    config = ToyCollectConfig(broken=(7,), max_skipped_fraction=0.5)
    said = {
        "left_out": (Skipped(item_id="folder/copy", reason="it is the same as folder/a"),),
        "remarks": (ObjectRemark(object_id="folder/bowl", remark="hollows are closed"),),
    }
    plan = local.put(toy_plans(80)[0].model_copy(update=said))
    shards = local.run(collect_toys, plan, config=config)
    return local, local.run(check_dataset, [shards], config=CheckConfig())


def publish(checked: tuple[LocalRun, ArtifactRef], config: PublishConfig) -> Publication:
    local, ref = checked
    return local.read(local.run(publish_dataset, ref, config=config), Publication)


def test_the_result_is_what_training_reads(checked: tuple[LocalRun, ArtifactRef]) -> None:
    local, _ = checked
    found = publish(checked, PublishConfig())
    assert sum(len(read_shard(local.fetch(s.file))) for s in found.dataset.shards) == 76
    assert (found.exported_to, found.exports) == ("", ())


def test_the_card_says_what_is_in_the_data(checked: tuple[LocalRun, ArtifactRef]) -> None:
    local, _ = checked
    found = publish(checked, PublishConfig())
    text = local.fetch(found.card_text).read_text("utf-8")
    page = local.fetch(found.card).read_text("utf-8")
    for expected in (
        "| attempts | 76 |",
        "| scenes | 19 |",
        "| scenes that could not be simulated | 1 |",
        "| objects left out of a scene, outside of the bin | 1 |",
        "grasping.attempts/2",
        "| near_object |",
        "| uniform |",
        "| split (by object) | train |",
        "| train-5-0000007 | ",
        "| folder/copy | it is the same as folder/a |",
        "object folder/bowl: hollows are closed",
        "world.physics.rate_hz | 240",
        "focal length, px | 76.8 |",
        "## What poses alone predict",
        "| command | 76 | ",
        "| motion | 76 | ",
    ):
        assert expected in text
    for column in SCHEMA.names:
        assert f"| {column} |" in text
        assert f"<td>{column}</td>" in page
    assert page.count("data:image/png;base64,") == len(found.pictures) > 0


def test_a_browser_shows_the_card(checked: tuple[LocalRun, ArtifactRef], tmp_path: Path) -> None:
    local, _ = checked
    card = local.fetch(publish(checked, PublishConfig()).card)
    with chromium(tmp_path / "profile") as browser:
        assert "Grasp attempts" in browser.open_everywhere(card).text


def test_contact_sheets_are_pictures(checked: tuple[LocalRun, ArtifactRef]) -> None:
    local, _ = checked
    for name, file in publish(checked, PublishConfig()).pictures.items():
        image = cv2.imread(str(local.fetch(file)))
        assert image is not None, name
        assert min(image.shape[:2]) > 50
        assert image.std() > 5


def test_figures_and_pictures_go_to_the_tracker(
    checked: tuple[LocalRun, ArtifactRef], tmp_path: Path
) -> None:
    local, ref = checked
    request = local.request(
        publish_dataset, ref, config=PublishConfig(export_to=str(tmp_path / "o"))
    )
    run_stage(request, SerialExecutor(), FolderTracker(tmp_path / "track"))
    events = (tmp_path / "track/events.jsonl").read_text()
    for name in (
        *("success_rate", "attempts_uniform", "success_rate_near_object", "megabytes"),
        *("pose_only_auc_command", "pose_only_auc_motion"),
    ):
        assert f'"{name}"' in events
    names = {path.name for path in (tmp_path / "track").rglob("*")}
    assert {"report.html", "data_card.html", "data_card.md", "success.png"} <= names
    assert "Grasp attempts" in (tmp_path / "track/report.html").read_text("utf-8")
    noted = [json.loads(line) for line in events.splitlines()]
    (table,) = (each["json"] for each in noted if each.get("name") == "success.json")
    counted = {(each["kind"], each["group"]): each for each in table}
    assert counted["all", ""]["num_attempts"] == 76
    for policy, tally in local.read(ref, GraspDataset).report.by_policy.items():
        found = counted["policy", policy]
        assert (found["num_attempts"], found["num_successes"]) == (tally.attempts, tally.successes)


def test_a_copy_holds_shards_card_and_pictures(
    checked: tuple[LocalRun, ArtifactRef], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = publish(checked, PublishConfig(export_to=str(out)))
    note = json.loads((out / "dataset.json").read_text())
    assert note["row_schema"] == "grasping.attempts/2"
    assert note["num_attempts"] == 76
    left_out = (note["num_scenes"], note["num_scenes_skipped"], note["num_objects_lost"])
    assert left_out == (19, 1, 1)
    copied = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert copied == {*note["files"], "dataset.json", NOTE}
    assert {f"shards/{s.item_id}.parquet" for s in found.dataset.shards} < copied
    assert set(found.pictures) < copied
    assert sum(len(read_shard(path)) for path in out.glob("shards/*.parquet")) == 76


def test_exports_stand_beside_the_copy(
    checked: tuple[LocalRun, ArtifactRef], tmp_path: Path
) -> None:
    config = PublishConfig(export_to=str(tmp_path), lerobot=True, webdataset=True, rlds=True)
    found = publish(checked, config)
    assert [each.partition("/")[0] for each in found.exports] == ["lerobot", "webdataset", "rlds"]
    for name in ("lerobot", "webdataset", "rlds"):
        assert any((tmp_path / name).rglob("*"))


def test_an_export_without_a_folder_is_refused(checked: tuple[LocalRun, ArtifactRef]) -> None:
    with pytest.raises(ConfigError, match=r"publish\.webdataset is on, but publish\.export_to"):
        publish(checked, PublishConfig(webdataset=True))
    config = PublishConfig(webdataset=True, export_to="s3://bucket/grasps")
    with pytest.raises(ConfigError, match=r"publish\.webdataset is on, .*'s3://bucket/grasps'"):
        publish(checked, config)


def test_a_folder_that_another_run_writes_is_tried_again_later(
    checked: tuple[LocalRun, ArtifactRef], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_lock, "LEASE_S", 1.5)
    out = tmp_path / "out"
    with locked(out, "another", ""), pytest.raises(TransientError, match="another run is writing"):
        publish(checked, PublishConfig(export_to=str(out)))
    assert list(out.iterdir()) == []


def test_a_folder_with_another_data_set_is_refused(
    checked: tuple[LocalRun, ArtifactRef], tmp_path: Path
) -> None:
    publish(checked, PublishConfig(export_to=str(tmp_path)))
    note = json.loads((tmp_path / NOTE).read_text())
    for name, value in (
        ("row_schema", "grasping.attempts/0"),
        ("recipe_digest", "r0"),
        ("root_seed", 1),
    ):
        other = note | {"same": note["same"] | {name: value}}
        (tmp_path / NOTE).write_text(json.dumps(other))
        found = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
        with pytest.raises(ConfigError, match=rf"whose {name} is {value!r}, this one's is"):
            publish(checked, PublishConfig(export_to=str(tmp_path), rlds=True))
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == found


def test_a_smaller_state_of_a_data_set_leaves_no_rows_of_a_larger_one_behind(
    checked: tuple[LocalRun, ArtifactRef], tmp_path: Path
) -> None:
    config = PublishConfig(export_to=str(tmp_path / "out"))
    publish(checked, config)
    smaller = LocalRun(tmp_path / "store", seed=5)
    shards = smaller.run(collect_toys, smaller.put(toy_plans(12)[0]), config=ToyCollectConfig())
    publish((smaller, smaller.run(check_dataset, [shards], config=CheckConfig())), config)
    copied = list((tmp_path / "out").glob("shards/*.parquet"))
    assert sum(len(read_shard(path)) for path in copied) == 12
