"""The work that all ways do: three stages, one after the other, of two items each.

An item is a fixed amount of arithmetic. The stages below are those of the pipeline `three`; the
other ways call `burn` themselves.
"""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting
from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import ArtifactRef, Record
from tasks.core.stages import StageSpec, stage

NUM_STAGES: Final = 3
NUM_ITEMS: Final = 2
_ROUNDS: Final = 800_000  # half a second of one core


@dataclass(frozen=True, config=SETTINGS)
class WorkConfig:
    """What is worked at."""

    number: int = setting(0, ge=0, help="Another number shares no result.")


@dataclass(frozen=True, config=SETTINGS)
class ThreeConfig:
    """All settings of the pipeline."""

    seed: int = setting(0, ge=0, help="Root seed.")
    work: WorkConfig = Field(default_factory=WorkConfig)


class Piece(Record):
    """One item of work, done or to do."""

    schema_id = "platform.piece/1"

    item_id: str
    value: str


class Pieces(Record):
    """What a stage did."""

    schema_id = "platform.pieces/1"

    pieces: tuple[Piece, ...]


def burn(value: str) -> str:
    """Do the work of one item."""
    digest = value.encode()
    for _ in range(_ROUNDS):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


def burn_one(item: Piece, config: WorkConfig, folder: ItemFolder) -> Piece:  # noqa: ARG001
    """Do one item."""
    return Piece(item_id=item.item_id, value=burn(f"{item.value}{config.number}"))


@stage(StageSpec(name="platform.first", section="work"))
def first_stage(config: WorkConfig, ctx: StageContext) -> ArtifactRef:
    """Do what nothing stands before."""
    items = tuple(Piece(item_id=f"item-{index}", value=f"{index}") for index in range(NUM_ITEMS))
    return _done(items, config, ctx)


@stage(StageSpec(name="platform.next", section="work"))
def next_stage(before: ArtifactRef, config: WorkConfig, ctx: StageContext) -> ArtifactRef:
    """Go on with what the stage before did."""
    return _done(ctx.store.read(before, Pieces).pieces, config, ctx)


def _done(items: tuple[Piece, ...], config: WorkConfig, ctx: StageContext) -> ArtifactRef:
    pieces, _ = split(ctx.items.map(burn_one, items, config), 0.0)
    return ctx.store.write(Pieces(pieces=pieces))
