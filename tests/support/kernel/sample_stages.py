"""A tiny system for tests of the kernel: stages over numbers, with every kind of mishap.

Items leave append-only marks in ``marks``, so that a test can count how often each was made.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core import seeds
from tasks.core.config import SETTINGS, setting
from tasks.core.errors import DataError
from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec, stage

NUM_CLIMBED = 12
NUM_EPOCHS = 6


@dataclass(frozen=True, config=SETTINGS)
class DoubleConfig:
    """How numbers are doubled, and what goes wrong."""

    factor: float = setting(2.0, ge=0.0, le=100.0, unit="times", help="What to multiply by.")
    marks: str = setting("", help="File that counts the items made.")
    wait_s: float = setting(0.0, ge=0.0, unit="s", help="Time an item takes.")
    max_skipped_fraction: float = setting(0.5, ge=0.0, le=1.0, help="Part that may be skipped.")


@dataclass(frozen=True, config=SETTINGS)
class ListConfig:
    """Which numbers there are."""

    count: int = setting(5, ge=0, param="count", help="How many numbers.")
    bad: tuple[str, ...] = setting((), help="Names of numbers that go wrong.")


@dataclass(frozen=True, config=SETTINGS)
class SampleConfig:
    """All settings of the sample pipeline."""

    seed: int = setting(0, ge=0, help="Root seed.")
    listing: ListConfig = Field(default_factory=ListConfig)
    double: DoubleConfig = Field(default_factory=DoubleConfig)


class Number(Record):
    """One number; its id says what goes wrong with it, such as ``bad-3``."""

    schema_id = "sample.number/1"

    item_id: str
    value: float


class NumberList(Record):
    """All numbers."""

    schema_id = "sample.numbers/1"

    numbers: tuple[Number, ...]


class Doubled(Record):
    """A number made twice as large, with a file that says so."""

    schema_id = "sample.doubled/1"

    item_id: str
    value: float
    draw: float
    file: FileRef


class DoubledList(Record):
    """All that were doubled, and those that were not."""

    schema_id = "sample.doubled_list/1"

    doubled: tuple[Doubled, ...]
    skipped: tuple[Skipped, ...]


@stage(StageSpec(name="sample.list", section="listing", reads_outside=True))
def list_numbers(config: ListConfig, ctx: StageContext) -> ArtifactRef:
    """Name the numbers."""
    names = [*(f"good-{i}" for i in range(config.count)), *config.bad]
    numbers = (Number(item_id=name, value=float(i)) for i, name in enumerate(names))
    return ctx.store.write(NumberList(numbers=tuple(numbers)))


@stage(StageSpec(name="sample.double", section="double", libraries=("numpy",), draws=True))
def double_numbers(numbers: ArtifactRef, config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Double each number."""
    items = ctx.store.read(numbers, NumberList).numbers
    outcomes = ctx.items.map(double_one, items, config)
    doubled, skipped = split(outcomes, config.max_skipped_fraction)
    return ctx.store.write(DoubledList(doubled=doubled, skipped=skipped))


@stage(StageSpec(name="sample.groups", section="double", fans_out=True))
def group_numbers(
    numbers: ArtifactRef, config: DoubleConfig, ctx: StageContext
) -> list[ArtifactRef]:
    """Deal the numbers out to as many groups as the profile allows."""
    items = ctx.store.read(numbers, NumberList).numbers
    groups = [items[start :: ctx.num_groups] for start in range(ctx.num_groups)]
    return [ctx.store.write(NumberList(numbers=group)) for group in groups if group]


@stage(StageSpec(name="sample.needs_gpu", section="double", device="gpu"))
def need_gpu(config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Run on a GPU only."""
    return ctx.store.write(NumberList(numbers=()))


@stage(StageSpec(name="sample.likes_gpu", section="double", device="any"))
def like_gpu(config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Run on a GPU if there is one."""
    number = Number(item_id=ctx.resources.device, value=ctx.resources.num_gpus)
    return ctx.store.write(NumberList(numbers=(number,)))


@stage(
    StageSpec(
        name="sample.train", section="double", draws=True, tolerances=(("numbers.0.value", 0.1),)
    )
)
def train_number(config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Stand for a training: nearly the same every time; its file goes with the result."""
    value = seeds.rng(ctx.seed, ctx.stage, "train").random() + config.factor * 1e-3
    path = ctx.scratch / "model.txt"
    path.write_text(repr(value))
    ctx.store.add(path, "model.txt")
    return ctx.store.write(NumberList(numbers=(Number(item_id="trained", value=value),)))


@stage(StageSpec(name="sample.climb", section="double", draws=True, replays=True))
def climb_numbers(config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Ask and tell: each next number depends on which doubled number ended last."""
    told: list[Doubled] = []
    skipped: list[Skipped] = []
    num_asked, last = 0, 1.0
    with ctx.items.pool(double_one, config, NUM_CLIMBED) as pool:
        while len(told) + len(skipped) < NUM_CLIMBED:
            while pool.num_free and num_asked < NUM_CLIMBED:
                kind = "bad" if num_asked == NUM_CLIMBED // 2 else "step"
                pool.submit(Number(item_id=f"{kind}-{num_asked}", value=last + num_asked))
                num_asked += 1
            _, outcome = pool.next_ended()
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            else:
                told.append(outcome)
                last = outcome.value
    return ctx.store.write(DoubledList(doubled=tuple(told), skipped=tuple(skipped)))


@stage(StageSpec(name="sample.weigh", section="double", replays=True))
def weigh_numbers(numbers: ArtifactRef, config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Weigh each number with an array that all items read."""
    items = ctx.store.read(numbers, NumberList).numbers
    outcomes = ctx.items.map(weigh_one, items, config, shared={"weights": weights()})
    made, _ = split(outcomes, config.max_skipped_fraction)
    return ctx.store.write(NumberList(numbers=made))


def weights() -> np.ndarray:
    """What numbers are weighed with, shape (300, 400), uint8, with gaps in memory."""
    return np.arange(300 * 800).reshape(300, 800).astype(np.uint8)[:, ::2]


def weigh_one(item: Number, config: DoubleConfig, folder: ItemFolder) -> Number:
    """Weigh one number."""
    if config.marks:
        with Path(config.marks).open("a") as marks:
            marks.write(f"{item.item_id}\n")
    _mishap(item.item_id.partition("-")[0], config)
    found = folder.array("nothing" if item.item_id.startswith("lost") else "weights")
    return Number(item_id=item.item_id, value=item.value * found.sum() + found.flags.writeable)


@stage(StageSpec(name="sample.grow", section="double", libraries=("numpy",), draws=True))
def grow_numbers(numbers: ArtifactRef, config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Stand for long trainings, one an item."""
    items = ctx.store.read(numbers, NumberList).numbers
    made, _ = split(ctx.items.map(grow_one, items, config), config.max_skipped_fraction)
    return ctx.store.write(NumberList(numbers=made))


def grow_one(item: Number, config: DoubleConfig, folder: ItemFolder) -> Number:
    """Grow a number epoch by epoch, and go on from the last one that was saved."""
    rng, epoch, value = folder.rng(), 0, item.value
    kept = folder.checkpoint()
    if kept is not None:
        rng.bit_generator.state, epoch, value = json.loads(kept.read_text())
    for done in range(epoch, NUM_EPOCHS):
        if config.marks:
            with Path(config.marks).open("a") as marks:
                marks.write(f"{item.item_id}:{done}\n")
            if done == NUM_EPOCHS // 2 and kept is None:
                _cut_off(item.item_id.partition("-")[0])
        time.sleep(config.wait_s)
        value = value * config.factor + rng.random()
        folder.report({"value": value}, done)
        path = folder.path / "state.json"
        path.write_text(json.dumps([rng.bit_generator.state, done + 1, value]))
        folder.save_checkpoint(path)
    return Number(item_id=item.item_id, value=value)


def _cut_off(kind: str) -> None:
    """End the try as the item's name asks for."""
    if kind == "cut":
        raise KeyboardInterrupt
    if kind == "bad":
        raise DataError("expected a number that grows, got one that does not")
    if kind == "stumbles":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "sleeps":
        time.sleep(100)


@stage(
    StageSpec(
        name="sample.share", section="double", draws=True, tolerances=(("numbers.0.value", 1e-9),)
    )
)
def share_numbers(numbers: ArtifactRef, config: DoubleConfig, ctx: StageContext) -> ArtifactRef:
    """Stand for trainings of several processes, one an item."""
    items = ctx.store.read(numbers, NumberList).numbers
    shared = {"weights": weights()}
    outcomes = ctx.items.map(share_one, items, config, shared=shared, spread=True)
    made, skipped = split(outcomes, config.max_skipped_fraction)
    return ctx.store.write(DoubledList(doubled=made, skipped=skipped))


def share_one(item: Number, config: DoubleConfig, folder: ItemFolder) -> Doubled:
    """Grow a number by what its processes hold together, and go on from the last epoch.

    What is drawn says how many processes there were.
    """
    import torch
    from torch import distributed

    joined = distributed.is_initialized()
    rank, num = (distributed.get_rank(), distributed.get_world_size()) if joined else (0, 1)
    epoch, value = 0, item.value
    kept = folder.checkpoint()
    if kept is not None:
        epoch, value = json.loads(kept.read_text())
    for done in range(epoch, NUM_EPOCHS):
        with Path(config.marks).open("a") as marks:
            marks.write(f"{item.item_id}:{rank}:{done}\n")
        if rank and done == NUM_EPOCHS // 2:
            kind = item.item_id.partition("-")[0]
            if kind in ("dies", "sleeps") or kept is None:
                _cut_off("stumbles" if kind == "dies" else kind)
        time.sleep(config.wait_s)
        held = torch.tensor(float(folder.array("weights")[rank::num].sum()), dtype=torch.float64)
        if joined:
            distributed.all_reduce(held)
        value = value * config.factor + float(held)
        folder.report({"value": value, "rank": rank}, done)
        path = folder.path / "state.json"
        path.write_text(json.dumps([done + 1, value]))
        folder.save_checkpoint(path)
    (folder.path / "rank.txt").write_text(f"{rank}\n")
    return Doubled(item_id=item.item_id, value=value, draw=num, file=folder.add("rank.txt"))


def wait_until_shown(item: Number, config: DoubleConfig, folder: ItemFolder) -> Number:
    """Report, and end when the file of marks says that it was shown."""
    folder.report({"loss": item.value}, 3, grid=np.zeros((2, 2, 3), np.uint8))
    shown = Path(config.marks)
    ends_s = time.monotonic() + 100
    while not (shown.exists() and f"{item.item_id}/grid.png" in shown.read_text()):
        if time.monotonic() > ends_s:
            raise DataError("nobody looked")
        time.sleep(0.02)
    return item


def double_one(item: Number, config: DoubleConfig, folder: ItemFolder) -> Doubled:
    """Double one number."""
    time.sleep(config.wait_s)
    if config.marks:
        with Path(config.marks).open("a") as marks:
            marks.write(f"{item.item_id}\n")
    _mishap(item.item_id.partition("-")[0], config)
    name = f"out/{item.item_id}.txt"
    (folder.path / "out").mkdir()
    (folder.path / name).write_text(f"{item.value * config.factor}\n")
    return Doubled(
        item_id=item.item_id,
        value=item.value * config.factor,
        draw=folder.rng().random(),
        file=folder.add(name),
    )


def _mishap(kind: str, config: DoubleConfig) -> None:
    """Do what the item's name asks for."""
    if kind == "bad":
        raise DataError("expected a good number, got a bad one; remove it")
    if kind == "bug":
        raise ValueError("a bug")
    if kind == "full":
        raise OSError(28, "No space left on device")
    if kind == "blames":  # as a reader does that takes every error for one of the file
        raise DataError("no picture") from OSError(28, "No space left on device")
    if kind == "hang":
        time.sleep(60)
    if kind == "hoard":
        np.ones(2_000_000_000, np.uint8)
    first = Path(config.marks).read_text().count(kind) == 1 if config.marks else False
    if kind == "dies" or (kind == "stumbles" and first):
        os.kill(os.getpid(), signal.SIGKILL)
