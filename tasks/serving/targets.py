"""Who answers whom: by number, by label, or by a split of those who name neither; and shadows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tasks.bundle.manifest import Bundle
from tasks.serving.config import ModelConfig
from tasks.serving.routing import is_picked, pick
from tasks.serving.types import Code, RequestError, Target, VersionStatus
from tasks.serving.versions.labels import move_labels


class Targets:
    """The versions of one model that answer.

    Attributes:
        labels: Version of each label.
        bundles: What the bundle of each version says.
        greatest: The version that answers where settings name no default; None if none does.
    """

    def __init__(self, model: str, settings: ModelConfig) -> None:
        """Begin with none.

        Args:
            model: Name of the model.
            settings: Its settings.
        """
        self._model, self._settings = model, settings
        self.labels: dict[str, int] = {}
        self.bundles: dict[int, Bundle] = {}
        self.greatest: int | None = None
        self._stands: tuple[VersionStatus, ...] = ()
        self._made: dict[tuple[int, str], Target] = {}

    def update(
        self,
        settings: ModelConfig,
        aliases: Mapping[str, int],
        greatest: int | None,
        stands: tuple[VersionStatus, ...],
    ) -> None:
        """Take what has changed, `bundles` too.

        Args:
            settings: The model's settings.
            aliases: Versions of the registry's aliases, of which the settings name some.
            greatest: See above.
            stands: How versions stand, for the message where none answers.
        """
        wanted = {k: v for k, v in aliases.items() if k in settings.aliases} | settings.labels
        self.labels = move_labels(self.labels, wanted, self.bundles)
        self._settings, self._stands, self._made = settings, stands, {}
        self.greatest = greatest

    def find(self, version: int | None, label: str, key: bytes) -> Target:
        """Who answers a request.

        Args:
            version: The version that it names, if any.
            label: The label that it names; empty if none.
            key: What its client is known by.

        Raises:
            RequestError: Nobody does.
        """
        number = version
        if number is None and label:
            number = self.labelled(label)
        elif number is None:
            split = self._settings.split
            label = pick(split, key, self._model) if split else self._default
            number = self.labels.get(label, self.usual)
        if number is None or number not in self.bundles:
            raise self._missing(version)
        target = self._made.get((number, label))
        if target is None:
            max_items = self._settings.batching.max_items
            target = Target(self._model, number, self.bundles[number], label, None, max_items)
            self._made[number, label] = target
        shadow = self.labels.get(self._settings.shadow)
        if shadow in (None, number):
            return target
        is_asked = is_picked(self._settings.shadow_share, key, f"shadow/{self._model}")
        return replace(target, shadow=shadow) if is_asked else target

    def status(self, version: int | None, label: str) -> tuple[VersionStatus, ...]:
        """How versions stand: one, if it is named, else all.

        Raises:
            RequestError: There is no such label or version.
        """
        number = self.labelled(label) if label else version
        found = tuple(each for each in self._stands if number in (None, each.version))
        if number is None or found:
            return found
        raise RequestError(
            Code.NOT_FOUND, f"Could not find version {number} of model {self._model}"
        )

    @property
    def usual(self) -> int | None:
        """The version that answers whoever names none: nobody's candidate takes its place."""
        return self.labels.get(self._default) if self._default else self.greatest

    @property
    def _default(self) -> str:
        return next(iter(self._settings.split), self._settings.default)

    def labelled(self, label: str) -> int:
        """The version of a label.

        Raises:
            RequestError: There is no such label.
        """
        if label in self.labels:
            return self.labels[label]
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Unrecognized servable version label: {label}; {self._model} has "
            f"{', '.join(sorted(self.labels)) or 'none'}",
        )

    def _missing(self, version: int | None) -> RequestError:
        model = self._model
        what = f"Latest({model})" if version is None else f"Specific({model}, {version})"
        states = ", ".join(
            f"{each.version} {each.state.name}{f' ({each.message})' if each.message else ''}"
            for each in self._stands
        )
        label = "" if version is not None or not self._default else f", labelled {self._default}"
        told = f"Servable not found for request: {what}{label}; versions: {states or 'none'}"
        return RequestError(Code.UNAVAILABLE if version is None else Code.NOT_FOUND, told)
