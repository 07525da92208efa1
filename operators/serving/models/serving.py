"""All models of a server: what the ingress asks, and what changes while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from operators.plain_log import plain
from operators.serving.models.model import Model
from operators.serving.models.sources import Source, source_of
from operators.serving.workers.spare import Spare
from tasks.core.errors import ConfigError, OrreryError
from tasks.core.params import load_config
from tasks.serving.config import ModelConfig, ServingConfig
from tasks.serving.release.kept import keep_release, kept_release
from tasks.serving.release.record import Asked, Release
from tasks.serving.turns import Turns
from tasks.serving.types import Code, RequestError, VersionFigures

_RELEASES, _POLL_S = "releases", 0.05
logger = logging.getLogger(__name__)


class Serving:
    """The models; all calls come from one event loop.

    Attributes:
        config: The settings that are in force.
    """

    def __init__(self, config: ServingConfig, tracking_uri: str, kept: Path) -> None:
        """Load nothing yet; see `start`.

        Args:
            config: Settings.
            tracking_uri: Address of MLflow; empty for none.
            kept: Folder of bundles that were fetched.

        Raises:
            OrreryError: A model's source can't be used.
        """
        self.config = config
        self._tracking_uri, self._kept = tracking_uri, kept
        self._spare, self._turns = Spare(), Turns(1)
        self._share(config)
        self._routing = asyncio.Lock()
        self._unloaded: dict[str, ModelConfig] = {}
        self._models = {name: self._make(name, config) for name in config.models}
        self._retiring: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None

    async def start(self, file: Path | None = None) -> None:
        """Begin to load all models in parallel, and to look for changes.

        Args:
            file: Where the settings stand, which are taken again when they change; None if
                nowhere.
        """
        await self._look()
        if self._models:
            self._spare.fill()
        self._watching = asyncio.get_running_loop().create_task(self._watch(file))

    async def close(self) -> None:
        """End all versions at once; nothing is left."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for each in self._retiring:
            each.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self._spare.close()
        await asyncio.gather(*(each.close() for each in self._models.values()))

    def model(self, name: str) -> Model:
        """The model of a name.

        Raises:
            RequestError: NOT_FOUND, there is none.
        """
        if name not in self._models:
            told = f"Request for unknown model: Could not find any versions of model {name}"
            raise RequestError(Code.NOT_FOUND, told)  # both protocols' clients look for their words
        return self._models[name]

    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        return all(each.usual is not None for each in self._models.values())

    def figures(self) -> Iterator[VersionFigures]:
        """What versions take and took."""
        for each in self._models.values():
            yield from each.figures()

    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(self._models)

    async def take_release(self, name: str, asked: Asked) -> Release:
        """Let a release have its way with a model; it is kept before it is so.

        Raises:
            RequestError: There is no such model, or another release holds it.
        """
        async with self._routing:
            model = self.model(name)
            release = model.release.take(asked, model.usual)
            try:
                await asyncio.to_thread(keep_release, self._kept / _RELEASES, name, release)
            except OSError as error:
                raise RequestError(
                    Code.UNAVAILABLE, f"the release can't be kept: {error}"
                ) from error
            self.model(name).route(release)  # which may be another one by now
        return release

    async def load(self, name: str) -> None:
        """Serve a model that was unloaded, or look for new versions of one; until it answers.

        Raises:
            RequestError: The settings don't know it, or it does not answer in time.
        """
        if name in self._unloaded:
            models = {**self.config.models, name: self._unloaded.pop(name)}
            await self.reload(replace(self.config, models=models))
        await self.model(name).look()
        limit_s = self.config.limits.load_s
        until_s = time.monotonic() + limit_s
        while self.model(name).usual is None:
            if time.monotonic() > until_s:
                raise RequestError(Code.UNAVAILABLE, f"{name} does not answer after {limit_s:g} s")
            await asyncio.sleep(_POLL_S)

    async def unload(self, name: str) -> None:
        """Serve a model no more, until it is loaded again or the settings' file changes.

        Raises:
            RequestError: There is no such model.
        """
        settings = self.model(name).settings
        models = {key: each for key, each in self.config.models.items() if key != name}
        await self.reload(replace(self.config, models=models))
        self._unloaded[name] = settings

    async def reload(self, config: ServingConfig) -> None:
        """Take other settings, all or none; versions that follow from them are loaded afterwards.

        Raises:
            RequestError: They can't be taken now, so nothing has changed.
        """
        fresh = {}
        try:
            for name, settings in config.models.items():
                if name in self._models:
                    self._models[name].check(settings)
                else:
                    fresh[name] = self._make(name, config)
        except RequestError:
            raise
        except OrreryError as error:
            raise RequestError(Code.INVALID_ARGUMENT, str(error)) from error
        self.config = config
        self._share(config)
        for name in set(self._models) - set(config.models):
            task = asyncio.get_running_loop().create_task(self._models.pop(name).retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        for name, model in self._models.items():
            model.configure(config.models[name], config.limits)
        self._models |= fresh
        await self._look()

    def _make(self, name: str, config: ServingConfig) -> Model:
        settings = config.models[name]
        model = Model(name, settings, config.limits, self._spare, self._turns, self._source)
        model.route(kept_release(self._kept / _RELEASES, name, settings))
        return model

    def _share(self, config: ServingConfig) -> None:
        """Share compute as the settings say."""
        num_slots = config.limits.slots or os.cpu_count() or 1
        self._turns.configure(num_slots, {k: each.weight for k, each in config.models.items()})

    def _source(self, settings: ModelConfig) -> Source:
        return source_of(settings, self._tracking_uri, self._kept)

    async def _look(self) -> None:
        await asyncio.gather(*(each.look() for each in self._models.values()))

    async def _watch(self, file: Path | None) -> None:
        """Look at the sources, and at the settings, again and again."""
        seen = None if file is None else _stamp(file)
        while True:
            await asyncio.sleep(self.config.limits.poll_s)
            if file is not None and (stamp := _stamp(file)) != seen:
                seen = stamp
                await self._take(file)
            await self._look()

    async def _take(self, file: Path) -> None:
        try:
            await self.reload(await asyncio.to_thread(load_config, ServingConfig, file))
        except (ConfigError, RequestError) as error:
            logger.error("%s: %s; nothing was changed", file, plain(error))  # noqa: TRY400
        else:
            logger.info("%s was taken", file)


def _stamp(file: Path) -> tuple[int, int, int]:
    """What tells a file from an earlier one of its name; zeros if it is away."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
