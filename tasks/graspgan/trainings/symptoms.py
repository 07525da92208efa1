"""Signs that a generator is not well, in words.

They are read off the figures of a point of its curve: losses, and what
`tasks.graspgan.trainings.health` measures. They don't tell a good generator, but some bad ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

MIN_DISCRIMINATOR_LOSS: Final = 0.1
"""Guessing gives 0.5; generators of trials came to 0.44 and 0.5. Below this discriminators say
about 0.8 or more of real pictures and 0.2 or less of adapted ones."""
MIN_DIVERSITY_RATIO: Final = 0.5
"""Real pictures have 1, and in trials adapted ones had it, too; where all are alike it is 0."""
MAX_OWN_OVER_OTHER: Final = 1.5
"""About 1 where stations look alike, or adapted pictures like none of them; far above where they
look like another station's."""
MAX_HIDDEN: Final = 0.9
"""Share of what raw pictures tell of success. A target's camouflage hides much of it, and shall:
in a trial C's loss was .38 on plain crops, .57 in the target's own textures, and .6 of a guess."""
MIN_HARDER: Final = 0.05
"""A generator from plain simulation whose objects stayed plain bright blobs had 0.03, while all of
its statistics by station fitted (.41 beside .38)."""
STATION: Final = "_station_"
"""Stands between a figure's name and the station's number."""


def symptoms(figures: Mapping[str, float], name: str) -> dict[str, str]:
    """What is wrong with a generator.

    Args:
        figures: Losses and health.
        name: Of the generator, `tasks.graspgan.methods.GeneratorName`. Objects of plain simulation
            are easier to see than a target's.

    Returns:
        Texts, by name of the figure that passed its limit; empty if none did.
    """
    return dict([*_of_losses(figures, name), *_by_station(figures)])


def _of_losses(figures: Mapping[str, float], name: str) -> Iterator[tuple[str, str]]:
    told = figures["discriminator_loss"]
    if told < MIN_DISCRIMINATOR_LOSS:
        yield (
            "discriminator_loss",
            f"discriminators tell adapted pictures from real ones too well to teach: their loss is "
            f"{told:.2f}, that of guessing 0.5",
        )
    raw, adapted = figures["task_loss_raw"], figures["task_loss_adapted"]
    beside = f"C's loss is {adapted:.2f} on adapted pictures and {raw:.2f} on raw ones"
    blind = figures["blind_loss"]
    if adapted - raw > MAX_HIDDEN * (blind - raw) > 0:
        says = f"adapted pictures hide what tells success: {beside}, {blind:.2f} without any"
        yield "task_loss_adapted", says
    if name == "from_plain" and adapted - raw < MIN_HARDER:
        yield "task_loss_raw", f"objects may be as easy to see as before: {beside}"


def _by_station(figures: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        figure, _, station = name.rpartition(STATION)
        if figure == "diversity_ratio" and value < MIN_DIVERSITY_RATIO:
            yield (
                name,
                f"adapted pictures of station {station} vary {value:.2f} times as much as real "
                "ones",
            )
        if figure == "own_over_other" and value > MAX_OWN_OVER_OTHER:
            yield (
                name,
                f"adapted pictures of station {station} are {value:.1f} times as far from real "
                "ones of it as from those of another station",
            )
