from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.grasping.surrogate_scenes import needs_renderer

ROOT = Path(__file__).parents[4]
START = """
from tasks.core.errors import ResourceError
from tasks.grasping.worlds.surrogate.engine import mujoco, rendering_context, renderer_version
mujoco.mj_step(*[(m, mujoco.MjData(m)) for m in [mujoco.MjSpec().compile()]][0])
try:
    print("started", renderer_version())
except ResourceError as error:
    print("refused", error)
"""


def start(**settings: str) -> str:
    """Start the renderer in a process of its own; return what it says."""
    plain = {k: v for k, v in os.environ.items() if k not in ("MUJOCO_GL", "PYOPENGL_PLATFORM")}
    return subprocess.run(
        [sys.executable, "-c", START],
        env=plain | {"PYTHONPATH": str(ROOT)} | settings,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_renderer_starts_and_names_its_version() -> None:
    needs_renderer()
    assert start().startswith("started")


@pytest.mark.parametrize(
    ("settings", "named", "unnamed"),
    [
        ({"MUJOCO_GL": "egl", "MUJOCO_EGL_DEVICE_ID": "99"}, "libgl1-mesa-dri", "libosmesa6"),
        ({"MUJOCO_GL": "egl", "PYOPENGL_PLATFORM": "glx"}, "libegl1", "libosmesa6"),
        ({"MUJOCO_GL": "osmesa", "PYOPENGL_PLATFORM": "glx"}, "libosmesa6", "libegl1"),
    ],
)
def test_a_renderer_that_cannot_start_names_its_packages(
    settings: dict[str, str], named: str, unnamed: str
) -> None:
    said = start(**settings)
    assert said.startswith("refused")
    assert named in said
    assert unnamed not in said
    assert "make system-deps" in said


def test_torch_and_its_compiler_can_be_loaded_after_the_renderer() -> None:
    needs_renderer()
    script = START + "import torchvision\nprint('loaded')\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("loaded\n")
