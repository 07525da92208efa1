"""CPU seconds of a step of our trainings beside those of plain loops, turn by turn.

``step_time_ratio_c``, ``step_time_ratio_generator``: a step of a plain PyTorch loop of the same
networks over one of ours, as `tasks.learning.loop` runs it and with the state kept after the last
step of each turn; ``step_time_ratio`` is the smaller. ``…_careful``: the same over a loop in
channels_last that makes no needless gradients. ``loader_share_…``: time in which a step waits for
its samples, over all of it; ``loader_share`` is the larger. ``step_ms_…``: ours. All in one process
of one thread; medians over turns, with the range. See `benchmarks.graspgan.plain_loops`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.graspgan.plain_loops import PLAIN
from benchmarks.graspgan.trainings import OURS
from benchmarks.results_file import Figure
from benchmarks.speedup import median
from tasks.graspgan.samples import pools
from tasks.graspgan.samples.pools import draw
from tasks.graspgan.trainings import adapting

_WARM_STEPS = 3


@dataclass(frozen=True)
class Turns:
    """How much is measured.

    Attributes:
        num: Turns, each with all loops.
        steps: Of a turn, by training: what the pipeline does between two points of a curve.
    """

    num: int
    steps: Mapping[str, int]


FULL: Final = Turns(5, {"c": 70, "generator": 40})
QUICK: Final = Turns(2, {"c": 8, "generator": 4})


@dataclass
class Spent:
    """CPU seconds of the loops of a training, turn by turn.

    Attributes:
        ours: Of a step of ours.
        waiting: Of these, for samples.
        plain: Of a step of the plain loop.
        careful: Of a step of the careful one.
    """

    ours: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    careful: list[float] = field(default_factory=list)


def measure(turns: Turns) -> dict[str, Figure]:
    """Measure both trainings; in a process of its own."""
    torch.set_num_threads(1)
    return figures({name: _spent(name, turns) for name in OURS})


def figures(spent: Mapping[str, Spent]) -> dict[str, Figure]:
    """Ratios and shares."""
    found: dict[str, Figure] = {}
    for name, each in spent.items():
        found[f"step_time_ratio_{name}"] = _ratio(each.plain, each.ours)
        found[f"step_time_ratio_{name}_careful"] = _ratio(each.careful, each.ours)
        found[f"loader_share_{name}"] = _ratio(each.waiting, each.ours)
        millis = median([1e3 * seconds for seconds in each.ours])
        found[f"step_ms_{name}"] = millis.model_copy(update={"unit": "ms"})
    by_value: Callable[[Figure], float] = lambda figure: figure.value  # noqa: E731
    ratios = [found[f"step_time_ratio_{name}"] for name in spent]
    shares = [found[f"loader_share_{name}"] for name in spent]
    headline = {
        "step_time_ratio": min(ratios, key=by_value),
        "loader_share": max(shares, key=by_value),
    }
    return headline | found


def _ratio(over: list[float], under: list[float]) -> Figure:
    return median([a / b for a, b in zip(over, under, strict=True)])


def _spent(name: str, turns: Turns) -> Spent:
    ours, plain, careful = OURS[name](), PLAIN[name](careful=False), PLAIN[name](careful=True)
    num, spent = turns.steps[name], Spent()
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        keeper = _Keeper(Path(folder))
        for loop in (lambda n: ours(n, keeper), plain, careful):
            loop(_WARM_STEPS)
        for _ in range(turns.num):
            keeper.forget()
            with _timed_draws() as waited_s:
                spent.ours.append(_seconds(lambda: ours(num, keeper)) / num)
            spent.waiting.append(sum(waited_s) / num)
            spent.plain.append(_seconds(lambda: plain(num)) / num)
            spent.careful.append(_seconds(lambda: careful(num)) / num)
            print(f"{name}: ours {1e3 * spent.ours[-1]:.1f} ms a step", flush=True)
    return spent


def _seconds(call: Callable[[], object]) -> float:
    begun_s = time.process_time()
    call()
    return time.process_time() - begun_s


@contextmanager
def _timed_draws() -> Iterator[list[float]]:
    """Note CPU seconds of each draw of samples of our trainings meanwhile."""
    waited_s: list[float] = []

    def timed(*given: Any) -> Any:
        begun_s = time.process_time()
        batch = draw(*given)
        waited_s.append(time.process_time() - begun_s)
        return batch

    modules: tuple[Any, ...] = (pools, adapting)
    for module in modules:
        module.draw = timed
    try:
        yield waited_s
    finally:
        for module in modules:
            module.draw = draw


class _Keeper:
    """Keeps a checkpoint in a folder, as an item's does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def checkpoint(self) -> Path | None:
        kept = self.path / "kept.pt"
        return kept if kept.exists() else None

    def save_checkpoint(self, path: Path) -> None:
        shutil.move(path, self.path / "kept.pt")

    def report(self, metrics: Mapping[str, float], step: int) -> None:
        """Nobody looks."""

    def forget(self) -> None:
        """Let the next training begin at its beginning."""
        (self.path / "kept.pt").unlink(missing_ok=True)
