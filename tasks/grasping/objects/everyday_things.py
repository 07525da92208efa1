"""Shapes, materials and colours of things in daily use.

Sizes are those of common things, rounded, and narrow enough somewhere for the gripper. The rest
are meshes that ship with pybullet_data at a graspable size: mug, duck, brick, bear, rabbit, stone
and toy blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pybullet_data

from tasks.grasping.objects.solids import (
    Parts,
    at,
    ball,
    bow,
    box,
    hull,
    lathe,
    prism,
    read_parts,
    shell,
    slabs,
)

# Mean densities over the hull, kg/m^3: things are hollow, filled or solid.
_HOLLOW, _LIGHT, _PLASTIC, _WOOD, _FILLED, _METAL = 250.0, 120.0, 500.0, 650.0, 1000.0, 3000.0

_WHITE, _BLACK, _GREY = (0.92, 0.92, 0.9), (0.12, 0.12, 0.13), (0.6, 0.62, 0.65)
_RED, _ORANGE, _YELLOW = (0.8, 0.13, 0.12), (0.92, 0.5, 0.1), (0.95, 0.82, 0.2)
_GREEN, _BLUE, _CYAN = (0.15, 0.55, 0.25), (0.12, 0.27, 0.7), (0.35, 0.7, 0.8)
_PURPLE, _PINK, _BROWN, _BEIGE = (
    (0.45, 0.2, 0.55),
    (0.93, 0.6, 0.68),
    (0.45, 0.28, 0.15),
    (0.85, 0.72, 0.53),
)


@dataclass(frozen=True)
class Thing:
    """A thing before it is weighed.

    Attributes:
        parts: Its convex parts, metres.
        density: Mean density over the parts, kg/m^3.
        rgb: Colour where no look is painted, in [0, 1].
    """

    parts: Parts
    density: float
    rgb: tuple[float, float, float]


def things() -> dict[str, Thing]:
    """Return all things by name."""
    return _PACKETS | _CONTAINERS | _TOOLS | _TOYS | _FOOD | _meshes()


def _meshes() -> dict[str, Thing]:
    root = Path(pybullet_data.getDataPath())
    (bunny,) = read_parts(root / "bunny.obj", 0.04)
    # The mesh to collide with has a handle of convex parts, but a full cylinder for the cup.
    _, *handle = read_parts(root / "objects" / "mug_col.obj", 0.72)
    cup = shell([(0.0295, 0.0), (0.0295, 0.072)], 0.003) + at(prism(0.028, 0.004), 0, 0, 0.002)
    return {
        "mug": Thing(cup + handle, _FILLED, _BLUE),
        "duck": Thing(read_parts(root / "duck_vhacd.obj", 0.05), _HOLLOW, _YELLOW),
        "toy_brick": Thing(read_parts(root / "lego" / "lego_vhacd.obj", 0.15), _FILLED, _RED),
        "bear": Thing(read_parts(root / "teddy2_VHACD_CHs.obj", 0.09), _LIGHT, _BROWN),
        "rabbit": Thing(slabs(bunny, 2, 8), _HOLLOW, _WHITE),
        "stone": Thing(read_parts(root / "stone.obj", 0.13), 2000.0, _GREY),
        "toy_cylinder": Thing(read_parts(root / "toys" / "cylinder.obj", 0.6), _WOOD, _CYAN),
        "toy_prism": Thing(read_parts(root / "toys" / "prism.obj", 0.7), _WOOD, _PINK),
    }


_PACKETS = {
    "matchbox": Thing(box(0.053, 0.036, 0.015), _HOLLOW, _ORANGE),
    "soap": Thing(box(0.08, 0.05, 0.025), _FILLED, _PINK),
    "eraser": Thing(box(0.06, 0.022, 0.013), _FILLED, _WHITE),
    "card_deck": Thing(box(0.089, 0.05, 0.018), _FILLED, _RED),
    "sponge": Thing(box(0.09, 0.05, 0.03), _LIGHT, _YELLOW),
    "tea_box": Thing(box(0.12, 0.055, 0.045), _HOLLOW, _GREEN),
    "juice_carton": Thing(
        box(0.045, 0.035, 0.1) + at(prism(0.003, 0.03, 8), 0.012, 0, 0.063), _PLASTIC, _BLUE
    ),
    "chocolate_bar": Thing(box(0.11, 0.045, 0.009), _FILLED, _BROWN),
    "telephone": Thing(box(0.125, 0.055, 0.009), 1500.0, _BLACK),
    "memory_stick": Thing(
        box(0.04, 0.018, 0.009) + at(box(0.014, 0.012, 0.005), 0.027), _FILLED, _GREY
    ),
    "folded_cloth": Thing(
        box(0.1, 0.055, 0.012) + at(box(0.09, 0.05, 0.012), 0.004, 0, 0.011), _HOLLOW, _CYAN
    ),
    "book": Thing(
        box(0.14, 0.1, 0.002)
        + at(box(0.14, 0.1, 0.002), 0, 0, 0.022)
        + at(box(0.136, 0.096, 0.02), 0, 0, 0.011),
        _PLASTIC,
        _PURPLE,
    ),
}

_BOTTLE = [(0.022, -0.06), (0.024, -0.05), (0.024, 0.02), (0.011, 0.05), (0.011, 0.07)]
_VASE = [(0.016, -0.05), (0.025, -0.02), (0.014, 0.025), (0.02, 0.05)]
_SQUEEZED = hull(
    at(box(0.002, 0.044, 0.002), -0.055) + at(prism(0.016, 0.002), 0.045, axis="y", turn_deg=90)
)
_CONTAINERS = {
    "can": Thing(prism(0.026, 0.09), _PLASTIC, _RED),
    "flat_tin": Thing(prism(0.035, 0.022), _FILLED, _GREY),
    "bottle": Thing(lathe(_BOTTLE), _PLASTIC, _GREEN),
    "jar": Thing(
        lathe([(0.025, -0.035), (0.025, 0.025)]) + at(prism(0.027, 0.014), 0, 0, 0.032),
        _PLASTIC,
        _BEIGE,
    ),
    "vase": Thing(shell(_VASE, 0.003), _FILLED, _BLUE),
    "cup": Thing(
        shell([(0.02, -0.03), (0.027, 0.03)], 0.003) + at(prism(0.019, 0.004), 0, 0, -0.028),
        _PLASTIC,
        _WHITE,
    ),
    "bowl": Thing(
        shell([(0.025, -0.02), (0.045, 0.0), (0.052, 0.02)], 0.004)
        + at(prism(0.025, 0.004), 0, 0, -0.019),
        _FILLED,
        _CYAN,
    ),
    "saucer": Thing(
        shell([(0.03, -0.005), (0.055, 0.006)], 0.012) + at(prism(0.03, 0.005), 0, 0, -0.003),
        _FILLED,
        _WHITE,
    ),
    "tube": Thing(
        _SQUEEZED + at(prism(0.009, 0.014), 0.053, axis="y", turn_deg=90), _FILLED, _ORANGE
    ),
    "basket": Thing(
        shell([(0.022, -0.02), (0.027, 0.02)], 0.003)
        + at(prism(0.022, 0.003), 0, 0, -0.02)
        + at(bow(0.025, 0.004, 0.008, 0, 180), 0, 0, 0.018, axis="x", turn_deg=90),
        _PLASTIC,
        _BEIGE,
    ),
    "spray_can": Thing(
        lathe([(0.02, -0.065), (0.02, 0.04), (0.011, 0.052)])
        + at(prism(0.008, 0.014), 0, 0, 0.059),
        _PLASTIC,
        _PURPLE,
    ),
    "light_bulb": Thing(
        lathe([(0.011, -0.05), (0.012, -0.025), (0.028, 0.008), (0.027, 0.022), (0.015, 0.036)]),
        _HOLLOW,
        _YELLOW,
    ),
}

_SHAFT = at(prism(0.003, 0.06, 8), 0.055, axis="y", turn_deg=90)
_TOOLS = {
    "pen": Thing(lathe([(0.0005, -0.075), (0.005, -0.06), (0.005, 0.07)], 8), _FILLED, _BLUE),
    "marker": Thing(lathe([(0.003, -0.07), (0.009, -0.055), (0.009, 0.06)], 12), _PLASTIC, _BLACK),
    "battery": Thing(
        prism(0.0085, 0.055, 12) + at(prism(0.003, 0.006, 8), 0, 0, 0.03), 2000.0, _GREY
    ),
    "screwdriver": Thing(at(prism(0.012, 0.06, 8), axis="y", turn_deg=90) + _SHAFT, _FILLED, _RED),
    "hammer": Thing(box(0.11, 0.014, 0.012) + at(box(0.02, 0.055, 0.02), 0.06), _FILLED, _BROWN),
    "spanner": Thing(
        box(0.09, 0.013, 0.006) + at(bow(0.012, 0.008, 0.007, 60, 300, 6), 0.058, turn_deg=180),
        _METAL,
        _GREY,
    ),
    "spoon": Thing(box(0.1, 0.01, 0.004) + at(ball(0.02, (1.2, 0.8, 0.3)), 0.068), _METAL, _GREY),
    "fork": Thing(
        box(0.09, 0.01, 0.004)
        + at(box(0.015, 0.026, 0.004), 0.05)
        + [part for y in (-0.011, 0.0, 0.011) for part in at(box(0.035, 0.004, 0.004), 0.07, y)],
        _METAL,
        _GREY,
    ),
    "brush": Thing(
        box(0.1, 0.012, 0.008) + at(box(0.035, 0.012, 0.014), 0.032, 0, 0.011), _FILLED, _CYAN
    ),
    "comb": Thing(
        box(0.12, 0.012, 0.004)
        + [
            part
            for x in np.linspace(-0.054, 0.054, 7)
            for part in at(box(0.006, 0.02, 0.003), x, 0.016)
        ],
        _FILLED,
        _PINK,
    ),
    "key": Thing(
        box(0.04, 0.008, 0.004)
        + at(bow(0.012, 0.006, 0.004, 0, 360), -0.032)
        + at(box(0.006, 0.008, 0.004), 0.016, 0.007),
        _METAL,
        _YELLOW,
    ),
    "bolt": Thing(prism(0.006, 0.05, 10) + at(prism(0.013, 0.01, 6), 0, 0, 0.03), _METAL, _GREY),
    "nut": Thing(bow(0.015, 0.012, 0.014, 0, 360, 6), _METAL, _GREY),
    "spool": Thing(
        prism(0.012, 0.05)
        + at(prism(0.023, 0.005), 0, 0, -0.025)
        + at(prism(0.023, 0.005), 0, 0, 0.025),
        _WOOD,
        _RED,
    ),
    "bracket": Thing(
        box(0.07, 0.02, 0.006) + at(box(0.006, 0.02, 0.06), 0.032, 0, 0.027), _METAL, _GREY
    ),
    "clothes_peg": Thing(
        at(box(0.07, 0.01, 0.006), 0, 0, 0.006, axis="y", turn_deg=6)
        + at(box(0.07, 0.01, 0.006), 0, 0, -0.006, axis="y", turn_deg=-6),
        _WOOD,
        _BEIGE,
    ),
    "tape_roll": Thing(bow(0.033, 0.014, 0.02, 0, 360, 12), _FILLED, _BEIGE),
    "candle": Thing(prism(0.011, 0.1, 12) + at(prism(0.0015, 0.01, 6), 0, 0, 0.055), 900.0, _WHITE),
    "stamp": Thing(
        box(0.05, 0.025, 0.012) + at(lathe([(0.007, 0.006), (0.013, 0.045)], 12)), _WOOD, _BROWN
    ),
}

_PAWN = [(0.014, -0.028), (0.014, -0.02), (0.006, -0.01), (0.006, 0.01)]
_TOYS = {
    "die": Thing(box(0.02, 0.02, 0.02), _FILLED, _WHITE),
    "wooden_cube": Thing(box(0.04, 0.04, 0.04), _WOOD, _BEIGE),
    "plank": Thing(box(0.075, 0.025, 0.015), _WOOD, _BEIGE),
    "domino": Thing(box(0.05, 0.025, 0.009), _FILLED, _BLACK),
    "ball": Thing(ball(0.024), _PLASTIC, _RED),
    "chess_pawn": Thing(lathe(_PAWN, 12) + at(ball(0.011), 0, 0, 0.018), _WOOD, _BLACK),
    "spinning_top": Thing(
        lathe([(0.001, -0.03), (0.025, 0.0), (0.02, 0.01), (0.004, 0.014), (0.004, 0.035)]),
        _WOOD,
        _GREEN,
    ),
    "dumbbell": Thing(
        prism(0.008, 0.07, 10) + at(ball(0.02), 0, 0, -0.035) + at(ball(0.02), 0, 0, 0.035),
        _FILLED,
        _PURPLE,
    ),
    "ring": Thing(bow(0.03, 0.014, 0.014, 0, 360, 12), _PLASTIC, _ORANGE),
    "arch": Thing(bow(0.03, 0.018, 0.03, 0, 180), _WOOD, _RED),
    "pyramid": Thing(lathe([(0.035, -0.02), (0.001, 0.035)], 4), _WOOD, _YELLOW),
    "roof_block": Thing(at(prism(0.03, 0.06, 3), axis="y", turn_deg=90), _WOOD, _GREEN),
    "cross": Thing(box(0.08, 0.02, 0.018) + box(0.02, 0.08, 0.018), _WOOD, _BLUE),
    "star": Thing(
        [p for k in range(5) for p in at(at(prism(0.02, 0.016, 3), 0.02), turn_deg=72 * k)],
        _WOOD,
        _YELLOW,
    ),
    "steps": Thing(
        box(0.06, 0.03, 0.015)
        + at(box(0.04, 0.03, 0.015), 0.01, 0, 0.015)
        + at(box(0.02, 0.03, 0.015), 0.02, 0, 0.03),
        _WOOD,
        _PURPLE,
    ),
    "car": Thing(
        box(0.07, 0.03, 0.015)
        + at(box(0.035, 0.028, 0.014), -0.004, 0, 0.014)
        + [
            part
            for x in (-0.022, 0.022)
            for y in (-0.017, 0.017)
            for part in at(prism(0.01, 0.006, 12), x, y, -0.007, axis="x", turn_deg=90)
        ],
        _PLASTIC,
        _BLUE,
    ),
}

_WEDGE = hull(box(0.001, 0.001, 0.03) + at(box(0.001, 0.06, 0.03), 0.09))
_FOOD = {
    "egg": Thing(ball(0.021, (1, 1, 1.3)), _FILLED, _BEIGE),
    "lemon": Thing(ball(0.024, (1, 1, 1.25)) + at(prism(0.006, 0.07, 8)), 800.0, _YELLOW),
    "pear": Thing(
        hull(ball(0.026) + at(ball(0.014), 0, 0, 0.03)) + at(prism(0.002, 0.02, 6), 0, 0, 0.05),
        800.0,
        _GREEN,
    ),
    "banana": Thing(bow(0.07, 0.026, 0.026, 20, 130), 800.0, _YELLOW),
    "carrot": Thing(lathe([(0.001, -0.07), (0.015, 0.06), (0.008, 0.068)], 10), 800.0, _ORANGE),
    "mushroom": Thing(
        prism(0.01, 0.03, 10)
        + at(lathe([(0.027, 0.0), (0.022, 0.012), (0.006, 0.022)]), 0, 0, 0.012),
        _PLASTIC,
        _BEIGE,
    ),
    "biscuit": Thing(prism(0.03, 0.01), _PLASTIC, _BROWN),
    "bread_roll": Thing(ball(0.028, (1.5, 0.9, 0.7)), _HOLLOW, _BROWN),
    "cheese": Thing(_WEDGE, _FILLED, _YELLOW),
    "sausage": Thing(hull(at(ball(0.013), -0.04) + at(ball(0.013), 0.04)), _FILLED, _RED),
}
