"""Plots of outcomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.grasping.data.png import decode_rgb
from tasks.grasping.pictures import plots as pictures_plots
from tasks.grasping.pictures.plots import attempts_map, success_plot
from tasks.grasping.pictures.sheets import read_attempts
from tasks.grasping.readers.statistics import count_shard, success_table
from tests.support.grasping.grasp_rows import write_shards


def test_places_show_successes_and_failures(tmp_path: Path) -> None:
    attempts = read_attempts(write_shards(tmp_path))
    picture = decode_rgb(attempts_map(attempts))
    greens = (picture[..., 1] > picture[..., 0].astype(int) + 40).sum()
    reds = (picture[..., 0] > picture[..., 1].astype(int) + 40).sum()
    assert min(greens, reds) > 20
    failures = decode_rgb(attempts_map([{**each, "is_success": False} for each in attempts]))
    assert (failures[..., 1] > failures[..., 0].astype(int) + 40).sum() < greens / 2


def test_distance_is_to_the_nearest_object() -> None:
    attempt = {
        "steps": [{"reached": [0.6, 0.0, -0.17, 0.0]}],
        "object_centres_m": [[0.6, 0.10, 0.0], [0.63, 0.04, 0.3]],
    }
    assert np.isclose(pictures_plots._nearest_cm(attempt), 5.0)
    assert pictures_plots._nearest_cm({**attempt, "object_centres_m": []}) == np.inf


def test_plots_of_few_attempts_are_drawn_too(tmp_path: Path) -> None:
    (path,) = write_shards(tmp_path, num_shards=1, scenes_per_shard=1, attempts_per_scene=1)
    attempts = read_attempts([path])
    assert decode_rgb(attempts_map(attempts)).std() > 5
    assert decode_rgb(attempts_map([{**attempts[0], "object_centres_m": []}])).std() > 5


def test_success_is_drawn_by_policy_and_object(tmp_path: Path) -> None:
    (path,) = write_shards(tmp_path, num_shards=1, scenes_per_shard=8)
    counts = count_shard(str(path)).groupby(["kind", "group"]).sum()
    picture = decode_rgb(success_plot(success_table(counts)))
    assert picture.shape[1] > 1000
    bars = (picture == (0x56, 0xB4, 0xE9)).all(-1).sum()
    assert bars > 1000
