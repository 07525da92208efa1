"""One version of a model: its worker is loaded, kept alive, and let go once nobody waits.

What a lost worker was computing is answered UNAVAILABLE, since it may be what ended it; what waits
is answered by the next worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from operators.plain_log import plain
from operators.serving.models.pump import Pump, Ticket
from operators.serving.workers.spare import Spare
from operators.serving.workers.worker import Worker
from tasks.bundle.manifest import Bundle, parse_bundle
from tasks.serving.batching.granular import is_granular
from tasks.serving.batching.limits import limits_of
from tasks.serving.config import Limits, ModelConfig
from tasks.serving.frames import Load
from tasks.serving.turns import Turns
from tasks.serving.types import Question, VersionFigures
from tasks.serving.versions.restarts import Restarts

# A request that was on its way when its version left still comes within this time.
_LATE_S, _POLL_S = 1.0, 0.02
_PAGE_BYTES = 4096
logger = logging.getLogger(__name__)


class Version:
    """A version that was told to load; `load` does it."""

    def __init__(
        self,
        model: str,
        number: int,
        settings: ModelConfig,
        limits: Limits,
        spare: Spare,
        turns: Turns,
        on_dead: Callable[[str], None],
    ) -> None:
        """Begin without a worker.

        Args:
            model: The model's name.
            number: The version's number.
            settings: The model's settings.
            limits: Limits of all.
            spare: Gives workers.
            turns: Says whose batch is next.
            on_dead: Is called with the reason when its worker can't be kept alive.
        """
        self.number, self._model = number, model
        self._settings, self._limits = settings, limits
        self._spare, self._turns, self._on_dead = spare, turns, on_dead
        self._where = f"{model} version {number}"
        self._worker: Worker | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._asked_s = self._loaded_s = 0.0
        self._restarts, self._load_s = Restarts(), 0.0

    async def load(self, folder: Path) -> Bundle:
        """Load the bundle into a worker; returns what it says.

        Raises:
            DataError: It can't be served.
            ResourceError: It needs more memory than it may take.
            WorkerLostError: The worker ended.
        """
        self._folder, begun_s = folder, time.monotonic()
        worker, bundle = await self._loaded()
        limits = limits_of(self._settings.batching, self._curve)
        self._pump = Pump(
            self._model, self.number, bundle, limits, self._turns, is_granular=self._is_granular
        )
        self._use(worker)
        self._load_s = time.monotonic() - begun_s
        return bundle

    def ask(self, question: Question) -> Ticket:
        """Ask it; see `Pump.ask`.

        Raises:
            RequestError: It has left, or too many wait, or the question is too large.
        """
        self._asked_s = time.monotonic()
        return self._pump.ask(question)

    def configure(self, settings: ModelConfig, limits: Limits) -> None:
        """Take other settings: of batches at once, of memory and network with the next load."""
        self._settings, self._limits = settings, limits
        self._pump.limit(limits_of(settings.batching, self._curve))

    def watch(self) -> None:
        """End a worker that has computed one batch for longer than anybody waits."""
        worker, limit_s = self._worker, self._limits.answer_s
        asked_s = None if worker is None else worker.asked_s
        if worker is not None and asked_s is not None and time.monotonic() - asked_s > limit_s:
            worker.kill(f"computed one batch for more than {limit_s:g} s")

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or is computed."""
        return self._pump.is_idle

    def figures(self) -> VersionFigures:
        """What it takes and took."""
        return VersionFigures(
            model=self._model,
            version=self.number,
            resident_bytes=0 if self._worker is None else _resident_bytes(self._worker.pid),
            num_waiting=self._pump.num_waiting,
            num_restarts=self._restarts.num,
            load_s=self._load_s,
        )

    async def leave(self) -> None:
        """Answer who waits, and who was on the way, within the limit; then end."""
        begun_s = time.monotonic()
        late_s = min(_LATE_S, self._limits.drain_s)
        while (now_s := time.monotonic()) < begun_s + self._limits.drain_s:
            if self.is_idle and now_s > max(self._asked_s, begun_s) + late_s:
                break
            await asyncio.sleep(_POLL_S)
        await self.end()

    async def end(self) -> None:
        """End at once: who waits is told so."""
        self._is_leaving = True
        self._pump.close("it was unloaded; ask again")
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.gather(self._restarting, return_exceptions=True)
        if self._worker is not None:
            self._worker.end()
            await self._worker.gone()

    async def _loaded(self) -> tuple[Worker, Bundle]:
        settings = self._settings
        memory_bytes = None if settings.memory_mb is None else settings.memory_mb * 1_000_000
        asked = Load(str(self._folder), settings.network, memory_bytes, settings.shards)
        async with self._spare.lend() as worker:
            told = await worker.load(asked, self._limits.load_s)
            bundle = parse_bundle(told.bundle, self._where)
            network = bundle.networks[told.network]
            self._curve, self._is_granular = network.curve, is_granular(network)
            return worker, bundle

    def _use(self, worker: Worker) -> None:
        self._loaded_s, self._worker = time.monotonic(), worker
        worker.ended.add_done_callback(lambda ended: self._lost(ended.result()))
        self._pump.use(worker)

    def _lost(self, reason: str) -> None:
        self._worker = None
        if not self._is_leaving:
            self._restarting = asyncio.get_running_loop().create_task(self._restart(reason))

    async def _restart(self, reason: str) -> None:
        """Load it into another worker, unless it is lost again and again."""
        pause_s = self._restarts.lost(time.monotonic() - self._loaded_s)
        logger.warning("%s: its worker %s; another one is loaded", self._where, plain(reason))
        if pause_s is None:
            self._give_up(f"its worker {reason}, as did those before it")
            return
        try:
            await asyncio.sleep(pause_s)
            worker, _ = await self._loaded()
            self._use(worker)
        except Exception as error:  # whatever it is, nobody must wait for ever
            self._give_up(f"its worker {reason}, and could not be replaced: {error}")

    def _give_up(self, reason: str) -> None:
        self._pump.close(reason)
        self._on_dead(reason)


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
