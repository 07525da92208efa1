"""A scene tells how long nothing was committed after its fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.chaos.scenes import Scene
from benchmarks.chaos.work import SAMPLE
from benchmarks.full_stack import FullStack
from operators.processes.ports import Ports


@pytest.mark.parametrize(
    ("commits_s", "silent_s"), [((5, 12, 15, 40, 44), 25), ((5, 38), 28), ((5,), -1)]
)
def test_the_longest_silence_counts(
    tmp_path: Path, commits_s: tuple[int, ...], silent_s: int
) -> None:
    for moment in commits_s:
        path = tmp_path / SAMPLE / f"{moment}" / "manifest.json"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (moment, moment))
    scene = Scene(FullStack(Ports(1, 2, 3, ())), tmp_path, limit_s=1.0, fault_s=10.0)
    assert scene.silent_s() == silent_s
