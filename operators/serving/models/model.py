"""A model: its versions brought into the state that they should have, and who answers whom."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any

from operators.plain_log import plain
from operators.serving.models.pump import Ticket
from operators.serving.models.sources import Source
from operators.serving.models.version import Version
from operators.serving.workers.spare import Spare
from tasks.serving.config import Limits, ModelConfig
from tasks.serving.release.record import Release, origin_of, settings_of
from tasks.serving.targets import Targets
from tasks.serving.turns import Turns
from tasks.serving.types import (
    Code,
    Question,
    RequestError,
    Target,
    VersionFigures,
    VersionStatus,
    code_of,
)
from tasks.serving.versions.aspired import aspired_of
from tasks.serving.versions.folder import Listing
from tasks.serving.versions.labels import check_labels
from tasks.serving.versions.machine import Load, Machine

logger = logging.getLogger(__name__)


class Model:
    """One model, under whatever versions.

    Attributes:
        name: Its name.
        settings: Its settings.
        release: What releases made of its routing.
        away: Why its source could not be looked at last time; empty if it could.
    """

    def __init__(
        self,
        name: str,
        settings: ModelConfig,
        limits: Limits,
        spare: Spare,
        turns: Turns,
        make_source: Callable[[ModelConfig], Source],
    ) -> None:
        """Begin without a version.

        Args:
            name: Its name.
            settings: Its settings.
            limits: Limits of all models.
            spare: Gives workers.
            turns: Says whose batch is next.
            make_source: Gives the source that settings name.
        """
        self.name, self.settings, self.release, self.away = name, settings, Release(), ""
        self._spare, self._turns, self._make_source = spare, turns, make_source
        self._machine = Machine()
        self._listing: Listing | None = None
        self._versions: dict[int, Version] = {}  # all that are loaded, also those that leave
        self._targets = Targets(name, settings)  # those that answer
        self._work: set[asyncio.Task[None]] = set()
        self.configure(settings, limits)

    def target(self, version: int | None, label: str, key: bytes) -> Target:
        """Who answers a request; see `Targets.find`."""
        return self._targets.find(version, label, key)

    def ask(self, question: Question) -> Ticket:
        """Ask a version, which may also be one that leaves.

        Raises:
            RequestError: It has left, or can't take the question.
        """
        version = self._versions.get(question.version)
        if version is None:
            raise RequestError(
                Code.UNAVAILABLE, f"{self.name} version {question.version} has left; ask again"
            )
        return version.ask(question)

    def status(self, version: int | None, label: str) -> tuple[VersionStatus, ...]:
        """How versions stand; see `Targets.status`."""
        return self._targets.status(version, label)

    def is_idle(self, version: int) -> bool:
        """Whether nothing waits for a version."""
        return version in self._versions and self._versions[version].is_idle

    @property
    def labels(self) -> Mapping[str, int]:
        """Version of each label, of those that answer."""
        return self._targets.labels

    @property
    def usual(self) -> int | None:
        """The version that answers whoever names none; None if none does."""
        return self._targets.usual

    def route(self, release: Release) -> None:
        """Let a release have its way: load what it needs, and share the requests as it says."""
        self.release = release
        if self._listing is not None:
            self._found(self._listing)
        self.step()

    def figures(self) -> Iterator[VersionFigures]:
        """What its versions take and took."""
        for number, (num_loads, num_failed) in self._machine.loads().items():
            version = self._versions.get(number)
            own = VersionFigures(self.name, number) if version is None else version.figures()
            yield replace(own, num_loads=num_loads, num_failed_loads=num_failed)

    def check(self, settings: ModelConfig) -> None:
        """Refuse settings that can't be taken now.

        Raises:
            RequestError: A label names a version that does not answer.
            OrreryError: They name a source that can't be used.
        """
        moved = {k: v for k, v in settings.labels.items() if self.settings.labels.get(k) != v}
        check_labels(self.name, moved, self._targets.bundles)
        self._make_source(settings)

    def configure(self, settings: ModelConfig, limits: Limits) -> None:
        """Take other settings, which `check` did not refuse."""
        self._source = self._make_source(settings)
        self.settings, self._limits = settings, limits
        if self.release.source != origin_of(settings):
            self.release = Release(source=origin_of(settings))
        self._machine.configure(
            settings.transition, settings.keep_previous, limits.retry_s, limits.max_retry_s
        )
        for each in self._versions.values():
            each.configure(settings, limits)
        self._answer()

    async def look(self) -> None:
        """Look at the source, and do what follows from that; nothing changes while it is away."""
        source = self._source
        try:
            listing = await asyncio.to_thread(source.look)
        except Exception as error:  # whatever it is, it must not end the looking
            if self.away != str(error):
                logger.warning("model %s: %s; goes on with what it has", self.name, plain(error))
            self.away = str(error)
        else:
            if self.away:
                logger.info("model %s: its source is back", self.name)
            self.away = ""
            if source is self._source:
                self._found(listing)
        self.step()

    def step(self) -> None:
        """Load and unload what has to be, and end workers that hang."""
        for each in self._versions.values():
            each.watch()
        for action in self._machine.step(time.monotonic()):
            loads = isinstance(action, Load)
            self._begin(self._load(action.version) if loads else self._unload(action.version))
        self._answer()

    async def retire(self) -> None:
        """Let all versions answer who waits, and end: the model is not served any more."""
        self._machine.aspire(())
        self.step()
        while self._versions:
            await asyncio.wait(self._work)

    async def close(self) -> None:
        """End all versions at once."""
        for each in self._work:
            each.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await asyncio.gather(*(each.end() for each in self._versions.values()))

    def _found(self, listing: Listing) -> None:
        self._listing = listing
        aspired = aspired_of(self.settings, listing) | self.release.versions
        if aspired != self._machine.aspired:
            logger.info("model %s: versions %s are to answer", self.name, sorted(aspired) or "none")
            self._machine.aspire(aspired)

    async def _load(self, number: int) -> None:
        version = Version(
            self.name,
            number,
            self.settings,
            self._limits,
            self._spare,
            self._turns,
            lambda reason: self._dead(version, reason),
        )
        try:
            bundle = await version.load(await self._source.fetch(number))
        except Exception as error:  # whatever it is, the version must not stay LOADING
            code = code_of(error)
            await asyncio.to_thread(self._source.forget, number)  # what is kept may be damaged
            told = f"{self.name} version {number} is not loaded"
            trace = error if code == Code.INTERNAL else None
            logger.error("%s: %s", told, plain(error), exc_info=trace)  # noqa: TRY400
            self._machine.failed(number, code, str(error), time.monotonic())
        else:
            version.configure(self.settings, self._limits)  # which may have changed meanwhile
            self._versions[number], self._targets.bundles[number] = version, bundle
            logger.info("%s version %s answers", self.name, number)
            self._machine.loaded(number)
        self.step()

    async def _unload(self, number: int) -> None:
        self._targets.bundles.pop(number, None)
        self._answer()
        await self._versions[number].leave()
        del self._versions[number]
        await asyncio.to_thread(self._source.forget, number)
        logger.info("%s version %s has left", self.name, number)
        self._machine.unloaded(number)
        self.step()

    def _dead(self, version: Version, reason: str) -> None:
        """A version whose worker can't be kept alive is loaded anew, after the usual wait."""
        number = version.number
        if self._versions.get(number) is version and number in self._targets.bundles:
            logger.error("%s version %s: %s", self.name, number, plain(reason))
            del self._versions[number], self._targets.bundles[number]
            self._machine.failed(number, Code.UNAVAILABLE, reason, time.monotonic())
            self.step()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _answer(self) -> None:
        """Note who answers, after anything has changed."""
        machine, settings = self._machine, settings_of(self.settings, self.release)
        aliases = {} if self._listing is None else self._listing.aliases
        self._targets.update(settings, aliases, machine.greatest(), machine.status())
