from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.policy_model import check_model, load_model
from tasks.grasping.types import Camera, GripperPose
from tests.support.grasping.grasp_models import save_model, save_program
from tests.support.hostile.refusals import refused


def pictures(size_px=16):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (2, size_px, size_px, 3), np.uint8)


# What a robot knows of itself.
KNOWN = (
    GripperPose(0.55, -0.1, 0.02, 0.3),
    Camera(16, 16, 30.0, 31.0, 7.0, 8.0, np.eye(4) + np.eye(4, k=1), (0.1, -0.2)),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "model.pt2", size_px=16)


def test_it_scores_each_motion_by_itself(model):
    predictor = load_model(model)
    before, now = pictures()
    motions = np.random.default_rng(2).normal(0, 0.1, (7, 5)).astype(np.float32)
    together = predictor(before, now, motions, *KNOWN)
    assert together.shape == (7,)
    assert together.dtype == np.float64
    assert together.std() > 1e-4
    alone = [predictor(before, now, each[None], *KNOWN)[0] for each in motions]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_it_sees_both_pictures(model):
    predictor = load_model(model)
    before, now = pictures()
    motions = np.zeros((1, 5), np.float32)
    seen = predictor(before, now, motions, *KNOWN)
    assert predictor(255 - before, now, motions, *KNOWN) != seen
    assert predictor(before, 255 - now, motions, *KNOWN) != seen


def test_a_good_model_passes_the_check(model):
    check_model(model, 16, 64)


def test_pictures_of_another_size_are_refused(model):
    with pytest.raises(DataError, match=r"size_px"):
        check_model(model, 32, 64)


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "weights"])
def test_what_is_no_program_is_refused(model, tmp_path, damage):
    import torch

    path = tmp_path / "model.pt2"
    if damage == "text":
        path.write_text("not a model")
    elif damage == "cut":
        path.write_bytes(model.read_bytes()[:3000])
    elif damage == "weights":
        torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(DataError, match=r"policy\.model.*model\.pt2"):
        load_model(path)


def test_wrong_inputs_are_named(tmp_path):
    import torch

    class OnePicture(torch.nn.Module):
        def forward(self, now, motions):
            return motions[:, 0] + now.float().mean()

    class FloatPictures(torch.nn.Module):
        def forward(self, before, now, motions):
            return motions[:, 0] + now.mean() + before.mean()

    picture, motions = torch.zeros(1, 16, 16, 3, dtype=torch.uint8), torch.zeros(4, 5)
    one = save_program(tmp_path / "one.pt2", OnePicture(), (picture, motions))
    with pytest.raises(DataError, match="takes 2 inputs: expected"):
        load_model(one)
    floats = save_program(
        tmp_path / "floats.pt2", FloatPictures(), (picture.float(), picture.float(), motions)
    )
    with pytest.raises(DataError, match=r"before is torch\.float32: expected"):
        load_model(floats)
    long = save_program(
        tmp_path / "long.pt2",
        FloatPictures(),
        (picture, picture, torch.zeros(4, 7)),
        in_floats=True,
    )
    with pytest.raises(DataError, match=r"commands is \(.*, 7\): expected"):
        load_model(long)


def test_what_is_no_probability_is_refused(tmp_path):
    import torch

    class Logits(torch.nn.Module):
        def forward(self, before, now, motions):
            return 3 + motions.sum(1) + before.float().mean() + now.float().mean()

    class Pairs(torch.nn.Module):
        def forward(self, before, now, motions):
            return torch.sigmoid(motions[:, :2] + before.float().mean() + now.float().mean())

    picture, motions = torch.zeros(1, 16, 16, 3, dtype=torch.uint8), torch.zeros(4, 5)
    logits = save_program(tmp_path / "logits.pt2", Logits(), (picture, picture, motions))
    with pytest.raises(DataError, match="between 0 and 1"):
        check_model(logits, 16, 64)
    pairs = save_program(tmp_path / "pairs.pt2", Pairs(), (picture, picture, motions))
    with pytest.raises(DataError, match=r"probabilities \(64,\), got \(64, 2\)"):
        check_model(pairs, 16, 64)


def test_a_fixed_number_of_motions_must_be_the_one_that_is_asked(tmp_path):
    fixed = save_model(tmp_path / "fixed.pt2", size_px=16, num_motions=8)
    check_model(fixed, 16, 8)
    with pytest.raises(DataError, match="dynamic number of commands"):
        check_model(fixed, 16, 64)


def test_a_picture_that_is_not_looked_at_is_mentioned(tmp_path, caplog):
    import torch

    class Half(torch.nn.Module):
        def forward(self, before, now, motions):
            return torch.sigmoid(motions[:, 0] + now.float().mean())

    one = torch.zeros(1, 16, 16, 3, dtype=torch.uint8)
    path = save_program(tmp_path / "half.pt2", Half(), (one, one.clone(), torch.zeros(4, 5)))
    load_model(path)
    assert "doesn't look at before" in caplog.text
    assert "look at now" not in caplog.text


def test_the_number_of_threads_is_left_as_it_was(model):
    import torch

    was = torch.get_num_threads()
    load_model(model)(*pictures(), np.zeros((3, 5), np.float32), *KNOWN)
    assert torch.get_num_threads() == was


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["empty", "noise", "cut", "pipe", "folder", "device", "zeros"])
def test_a_hostile_file_is_refused(model, tmp_path, kind):
    path, data = tmp_path / "model.pt2", model.read_bytes()
    content = {"empty": b"", "noise": np.random.default_rng(0).bytes(999), "cut": data[:-99]}
    if kind in content:
        path.write_bytes(content[kind])
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    else:  # a directory that says that 4 TB are packed in it
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(1000):
                archive.writestr(f"a/{number}", "")
        raw = path.read_bytes()
        path.write_bytes(raw.replace(b"\0" * 12 + b"\5\0", b"\0" * 8 + b"\xfe\xff\xff\xff\5\0"))
    with refused("policy.model"):
        load_model(path)


def test_a_model_is_told_what_it_asks_for_by_name(tmp_path):
    import torch

    class Told(torch.nn.Module):
        """Says, as probabilities, what it was told."""

        def forward(
            self, before, now, commands, distortion, pose, calibrated_matrix, calibrated_from_base
        ):
            told = torch.cat([pose[:2].abs(), calibrated_matrix.diagonal()[:1] / 100])
            told = torch.cat([told, distortion[:1], calibrated_from_base[0, 1:2]])
            seen = before.float().mean() + now.float().mean()
            return told[: commands.shape[0]] + 0 * (seen + commands.sum())

    pictures_ = (torch.zeros(1, 16, 16, 3, dtype=torch.uint8) for _ in range(2))
    example = (*pictures_, torch.zeros(5, 5), torch.zeros(2), torch.zeros(4), torch.eye(3))
    path = tmp_path / "told.pt2"
    torch.export.save(torch.export.export(Told(), (*example, torch.eye(4))), path)
    told = load_model(path)(*pictures(), np.zeros((5, 5), np.float32), *KNOWN)
    np.testing.assert_allclose(told, [0.55, 0.1, 0.3, 0.1, 1.0], rtol=1e-6)


def test_what_no_robot_knows_is_refused_by_name(tmp_path):
    import torch

    class Asks(torch.nn.Module):
        def forward(self, before, now, commands, object_mass):
            seen = before.float().mean() + now.float().mean() + object_mass
            return torch.sigmoid(commands.sum(dim=1) + seen)

    pictures_ = (torch.zeros(1, 16, 16, 3, dtype=torch.uint8) for _ in range(2))
    path = tmp_path / "asks.pt2"
    example = (*pictures_, torch.zeros(5, 5), torch.zeros(1))
    torch.export.save(torch.export.export(Asks(), example), path)
    with pytest.raises(DataError, match="asks for object_mass: expected"):
        load_model(path)
