"""Who becomes champion, without a server; `test_model_registry` asks a real one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from operators.record import champions
from operators.record.champions import compete, read_answers
from tasks.core.errors import DataError
from tasks.core.models import ModelPackage
from tests.support.hostile.arrays import npy
from tests.support.hostile.refusals import check_sentence, refused
from tests.support.kernel.model_packages import package_in, right_on, write_answers


class Registry:
    """Tags and the alias, as MLflow's client shows them."""

    def __init__(self, **champion_tags: str) -> None:
        self.tags: dict[str, dict[str, str]] = {"1": champion_tags, "2": {}}
        self.aliases = {"champion": "1"}

    def get_registered_model(self, _name: str) -> SimpleNamespace:
        return SimpleNamespace(aliases=self.aliases)

    def get_model_version(self, _name: str, version: str) -> SimpleNamespace:
        return SimpleNamespace(tags=self.tags[version])

    def set_model_version_tag(self, _name: str, version: str, key: str, value: str) -> None:
        self.tags[version][key] = value

    def set_registered_model_alias(self, _name: str, alias: str, version: str) -> None:
        self.aliases[alias] = version


@pytest.fixture
def registry() -> Registry:
    """With a champion that was measured as the package is."""
    return Registry(
        **{"orrery.metric": "accuracy", "orrery.test": "test", "orrery.reason": "the first"}
    )


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    """A version that has the first 60 of 100 items right."""
    write_answers(tmp_path / "answers.npz", right_on(range(60)))
    return package_in(tmp_path, metrics={"accuracy": 0.6})


def keep(monkeypatch: pytest.MonkeyPatch, folder: Path, right: Sequence[bool], **more: int) -> None:
    """Let the champion have these answers."""
    theirs = read_answers(write_answers(folder / "theirs.npz", right, **more))
    monkeypatch.setattr(champions, "_kept_answers", lambda *_: theirs)


@pytest.mark.parametrize(
    ("theirs", "is_due", "told"),
    [
        (
            (range(60),),
            False,
            "60 right and that one 60; it alone is right on 0, that one alone on",
        ),
        ((range(5, 60),), False, "on 5, that one alone on 0 (exact McNemar test, p = 0.062)"),
        ((range(6, 60),), True, "on 6, that one alone on 0 (exact McNemar test, p = 0.031)"),
        ((range(20, 70),), False, "on 20, that one alone on 10 (exact McNemar test, p = 0.099)"),
        ((range(70),), False, "on 0, that one alone on 10 (exact McNemar test, p = 0.002)"),
    ],
    ids=["equal", "five more", "six more", "ten more of thirty", "fewer"],
)
def test_only_a_significant_difference_moves_the_alias(
    registry: Registry,
    package: ModelPackage,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    theirs: tuple[range, ...],
    is_due: bool,
    told: str,
) -> None:
    keep(monkeypatch, tmp_path, right_on(*theirs))
    is_champion, reason = compete(registry, 2, package)
    assert is_champion is is_due
    assert told in reason
    assert f"{'is' if is_due else 'is not'} significantly better than version 1" in reason
    assert registry.aliases["champion"] == ("2" if is_due else "1")
    assert registry.tags["2"]["orrery.reason"] == reason
    if is_due:
        assert compete(registry, 2, package) == (True, f"it is the champion: {reason}")


def test_answers_to_other_items_are_not_compared(
    registry: Registry, package: ModelPackage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keep(monkeypatch, tmp_path, right_on(num=100), first_item=1)
    is_champion, reason = compete(registry, 2, package)
    assert not is_champion
    assert "version 1, the champion, answered other items: they can't be compared" in reason


@pytest.mark.hostile
@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"orrery.metric": "accuracy", "orrery.value": "0.1", "orrery.test": "9f" * 32},
        {"orrery.metric": "loss", "orrery.test": "test"},
    ],
    ids=["by hand", "before", "other figure"],
)
def test_a_champion_of_an_earlier_release_stays_and_that_is_said(
    package: ModelPackage, tags: dict[str, str]
) -> None:
    registry = Registry(**tags)
    is_champion, reason = compete(registry, 2, package)
    assert not is_champion
    assert registry.aliases["champion"] == "1"
    check_sentence(reason, "version 1", "by hand or by an earlier release", "move the alias")


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["80 GB", "numbers", "short", "flat", "empty", "none"])
def test_answers_that_are_none_are_refused(tmp_path: Path, kind: str) -> None:
    item, right = np.zeros((3, 32), np.uint8), np.ones(3, bool)
    arrays = {
        "numbers": (item, np.ones(3)),
        "short": (item[:2], right),
        "flat": (item, np.array(True)),
        "empty": (item[:0], right[:0]),
    }
    path = tmp_path / "answers.npz"
    if kind in arrays:
        np.savez(path, item=arrays[kind][0], is_right=arrays[kind][1])
    elif kind == "80 GB":
        path.write_bytes(npy("<f8", "(10000000000,)"))
    with refused("answers.npz"):
        read_answers(path)


def test_a_damaged_file_of_the_champion_is_not_compared(
    registry: Registry, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: str) -> None:
        raise DataError("no file is kept with it")

    monkeypatch.setattr(champions, "_kept_answers", damaged)
    is_champion, reason = compete(registry, 2, package)
    assert not is_champion
    assert "has no answers (no file is kept with it): they can't be compared" in reason
