"""Films of attempts: what a camera sees from the first command to the end of the lift.

A world keeps the pictures at its decisions only. A film takes part in the simulation: between
the engine's steps it lets the same camera see the same state, which changes nothing. It shows
PyBullet's own colours, whatever the scene's look.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tasks.grasping.types import Attempt, ByteImage
from tasks.grasping.worlds.bullet.world import BulletScene
from tasks.grasping.worlds.interface import Controller
from tasks.report.sheet import BAD, GOOD, Row, Tile, sheet

_FRAME_S = 1 / 16
_LAST_S = 1.2  # how long the end of a film is shown
_STRIP_PX = 150
_PALETTE_FRAMES = 6
_COLOURS = 192


@dataclass(frozen=True)
class Film:
    """An attempt and what it looked like.

    Attributes:
        attempt: The attempt.
        frames: Pictures at equal intervals of simulated time, (h, w, 3), RGB.
    """

    attempt: Attempt
    frames: tuple[ByteImage, ...]


def filmed(scene: BulletScene, controller: Controller, frame_s: float = _FRAME_S) -> Film:
    """Make an attempt and film it.

    Args:
        scene: An open scene.
        controller: Decides where the gripper goes.
        frame_s: Simulated time between two pictures.

    Returns:
        The attempt, the same as without a film, and its pictures.
    """
    frames: list[ByteImage] = []
    step = scene._step
    every = max(1, round(frame_s / scene._step_s))
    num_steps = 0

    def watched() -> None:
        nonlocal num_steps
        if num_steps % every == 0:
            frames.append(_picture(scene))
        num_steps += 1
        step()

    scene._step = watched  # type: ignore[method-assign]
    try:
        attempt = scene.attempt(controller)
    finally:
        del scene._step
    return Film(attempt, tuple(frames))


def _picture(scene: BulletScene) -> ByteImage:
    return scene._renderer.with_arm(
        scene._scene.camera,
        scene._client,
        scene._bodies,
        scene._gripper.pose(),
        scene._gripper.angle_rad(),
    ).rgb


def animation(films: Sequence[Film], frame_s: float = _FRAME_S) -> bytes:
    """Show films side by side, again and again.

    Args:
        films: At least one; shorter ones wait at their end for the longest.
        frame_s: Time between two pictures.

    Returns:
        An animated GIF with a green frame around successes and a red one around failures.
    """
    length = max(len(film.frames) for film in films)
    pictures = [
        Image.fromarray(
            np.hstack([_framed(film, min(index, len(film.frames) - 1)) for film in films])
        )
        for index in range(length)
    ]
    # one palette for all pictures, else colours flicker; from some of them, evenly chosen
    some = [pictures[index] for index in np.linspace(0, length - 1, _PALETTE_FRAMES).astype(int)]
    mosaic = Image.fromarray(np.vstack([np.asarray(each) for each in some]))
    palette = mosaic.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    paletted = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    times_ms = [round(frame_s * 1000)] * (length - 1) + [round(_LAST_S * 1000)]
    with io.BytesIO() as file:
        paletted[0].save(
            file, "GIF", save_all=True, append_images=paletted[1:], duration=times_ms, loop=0
        )
        return file.getvalue()


def film_strips(films: Sequence[Film], count: int = 8) -> ByteImage:
    """Show films as rows of pictures at equal intervals, from the first to the last."""
    rows = []
    for film in films:
        chosen = np.linspace(0, len(film.frames) - 1, count).round().astype(int)
        is_success = film.attempt.is_success
        label, mark = ("success", GOOD) if is_success else ("failure", BAD)
        rows.append(Row(tuple(Tile(film.frames[i]) for i in chosen), label, mark))
    return sheet(
        rows,
        "A successful and a failed attempt",
        "From the first command to the end of the lift, at equal intervals.",
        tile_px=_STRIP_PX,
    )


def _framed(film: Film, index: int) -> ByteImage:
    colour = GOOD if film.attempt.is_success else BAD
    frame = film.frames[index]
    edge_px = max(2, frame.shape[0] // 60)
    padded = np.empty((frame.shape[0] + 2 * edge_px, frame.shape[1] + 2 * edge_px, 3), np.uint8)
    padded[:] = colour
    padded[edge_px:-edge_px, edge_px:-edge_px] = frame
    return padded
