"""MuJoCo without a window system, and its software renderer's context.

MuJoCo chooses its OpenGL library while it is imported, from the variable MUJOCO_GL, and fails to
import at all where that library is missing. Here it is imported without any, so that a machine
which can't render can still simulate and gets one clear error when a picture is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
from functools import lru_cache
from typing import Any, Final

from tasks.core.errors import ResourceError

PACKAGES: Final = {"egl": "libegl1, libgl1 and libgl1-mesa-dri", "osmesa": "libosmesa6"}
"""Debian's names of what each library needs."""

logger = logging.getLogger(__name__)


def _import_engine() -> Any:
    wanted = os.environ.get("MUJOCO_GL")
    os.environ["MUJOCO_GL"] = "disable"
    try:
        return importlib.import_module("mujoco")
    finally:
        del os.environ["MUJOCO_GL"]
        if wanted is not None:
            os.environ["MUJOCO_GL"] = wanted


mujoco: Final = _import_engine()


@lru_cache(maxsize=1)
def rendering_context() -> Any:
    """Make the OpenGL context of this process, once, and return it as the current one.

    EGL is tried first, then OSMesa; MUJOCO_GL set to one of the two leaves no choice.

    Raises:
        ResourceError: Neither starts; the message names the missing packages.
    """
    _load_compiler()
    # Mesa's rasteriser otherwise starts a thread per core, which a 64-pixel picture only waits for.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    failures = []
    for name in [wanted] if wanted in PACKAGES else list(PACKAGES):
        try:
            return _start(name)
        except Exception as error:  # each fails in ways of its own
            failures.append(f"{name} ({PACKAGES[name]}): {type(error).__name__}: {error}")
            _forget_opengl()
    raise ResourceError(
        "the surrogate world needs a software renderer and none starts. On Debian or Ubuntu "
        "`make system-deps` installs one; tried, with the packages that each needs:\n  "
        + "\n  ".join(failures)
    )


def renderer_version() -> str:
    """Name the renderer: two versions of it may differ in a picture's last bit."""
    rendering_context()
    gl = importlib.import_module("OpenGL.GL")
    return " ".join(gl.glGetString(word).decode() for word in (gl.GL_RENDERER, gl.GL_VERSION))


def _load_compiler() -> None:
    """Load triton, which torch brings along, if it is there.

    Mesa makes the symbols of its LLVM global; loaded after it, triton takes them for its own and
    the process dies. Workers serve many tasks, so a later one may well import it.
    """
    if importlib.util.find_spec("triton") is not None:
        importlib.import_module("triton._C.libtriton")


def _start(name: str) -> Any:
    context = importlib.import_module(f"mujoco.{name}").GLContext(64, 64)
    context.make_current()
    logger.info("renderer: %s", name)
    return context


def _forget_opengl() -> None:
    """Let PyOpenGL, which binds itself to one library when imported, start over with another."""
    os.environ.pop("PYOPENGL_PLATFORM", None)
    for module in [m for m in sys.modules if m.split(".")[0] == "OpenGL"]:
        del sys.modules[module]
    for name in PACKAGES:
        sys.modules.pop(f"mujoco.{name}", None)
