"""A model whose versions come and go, with real workers; its source says what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from operators.serving.models.model import Model
from operators.serving.models.sources import Source
from operators.serving.workers.spare import Spare
from tasks.core.errors import TransientError
from tasks.serving.config import Batching, Limits, ModelConfig, Policy
from tasks.serving.turns import Turns
from tasks.serving.types import Code, Question, RequestError, State
from tasks.serving.versions.folder import Folder, Listing
from tests.support.serving.faulty_bundles import faulty
from tests.support.serving.regional import regional

LIMITS = Limits(retry_s=0.05, drain_s=0.1)


class Told(Folder):
    """A folder that may be away, and has the aliases that it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_away, self.aliases = False, dict[str, int]()
        self.reason: Exception = TransientError("the registry is away")

    def look(self) -> Listing:
        if self.is_away:
            raise self.reason
        return replace(super().look(), aliases=dict(self.aliases))


@asynccontextmanager
async def model_of(
    place: Path, source: Source | None = None, limits: Limits = LIMITS, **told: object
) -> AsyncIterator[Model]:
    settings = ModelConfig(**{"folder": str(place), **told})
    spare = Spare()
    spare.fill()
    model = Model("m", settings, limits, spare, Turns(2), lambda _: source or Folder(place))
    try:
        yield model
    finally:
        await spare.close()
        await model.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


def states(model: Model) -> dict[int, State]:
    return {each.version: each.state for each in model.status(None, "")}


async def answer(model: Model, version: int | None = None, label: str = "") -> float:
    target = model.target(version, label, b"key")
    x = np.ones((1, 2), np.float32)
    answered = await model.ask(Question("m", target.version, "predict", {"x": x}))
    assert answered.version == target.version
    return float(answered.arrays["y"][0, 0])


def test_a_new_version_takes_over_the_old_one_stays_warm_and_going_back_loads_nothing(tmp_path):
    faulty(tmp_path / "1", factor=1)

    async def run() -> None:
        async with model_of(tmp_path) as model:
            await model.look()
            with pytest.raises(RequestError, match="1 LOADING") as refused:
                model.target(None, "", b"")
            assert refused.value.code == Code.UNAVAILABLE
            await until(lambda: model.usual is not None)
            assert await answer(model) == 1
            faulty(tmp_path / "2", factor=2)
            await model.look()
            assert await answer(model) == 1, "while the new one loads"
            await until(lambda: model.target(None, "", b"").version == 2)
            assert await answer(model) == 2
            assert await answer(model, version=1) == 1
            (tmp_path / "2").rename(tmp_path / "other")
            await model.look()
            assert await answer(model) == 1
            assert states(model) == {1: State.AVAILABLE, 2: State.AVAILABLE}
            assert {each.version: each.num_loads for each in model.figures()} == {1: 1, 2: 1}

    asyncio.run(run())


def test_settings_that_come_while_a_version_loads_are_its_own(tmp_path):
    faulty(tmp_path / "1", sleep_s=0.2)

    async def run() -> None:
        async with model_of(tmp_path) as model:
            await model.look()
            await asyncio.sleep(0.05)  # its load begins, and takes longer
            assert states(model) == {1: State.LOADING}
            settings = ModelConfig(folder=str(tmp_path), batching=Batching(max_items=1))
            model.configure(settings, LIMITS)
            await until(lambda: model.usual is not None)
            question = Question("m", 1, "predict", {"x": np.ones((2, 2), np.float32)})
            with pytest.raises(RequestError, match="at most 1 items"):
                model.ask(question)

    asyncio.run(run())


def test_what_is_not_kept_is_unloaded_and_its_number_unknown(tmp_path):
    for version in (1, 2):
        faulty(tmp_path / str(version), factor=version)

    async def run() -> None:
        async with model_of(tmp_path, policy=Policy(specific=(1,)), keep_previous=0) as model:
            await model.look()
            await until(lambda: model.usual is not None)
            settings = ModelConfig(folder=str(tmp_path), policy=Policy(latest=1), keep_previous=0)
            model.configure(settings, LIMITS)
            await model.look()
            await until(lambda: states(model).get(1) == State.END)
            assert await answer(model) == 2
            with pytest.raises(RequestError, match=r"Specific\(m, 1\)") as refused:
                model.target(1, "", b"")
            assert refused.value.code == Code.NOT_FOUND
            with pytest.raises(RequestError, match="version 1 has left"):
                model.ask(Question("m", 1, "predict", {}))

    asyncio.run(run())


def test_a_version_that_fails_says_why_is_tried_again_and_the_old_one_serves(tmp_path):
    faulty(tmp_path / "1", factor=1)
    faulty(tmp_path / "2", factor=2, golden_factor=3.0)

    async def run() -> None:
        async with model_of(tmp_path, policy=Policy(latest=2)) as model:
            await model.look()
            await until(lambda: states(model) == {1: State.AVAILABLE, 2: State.END})
            (status,) = model.status(2, "")
            assert status.code == Code.INVALID_ARGUMENT
            assert "expected y within 0.0001" in status.message
            assert await answer(model) == 1
            (tmp_path / "2").rename(tmp_path / "bad")
            faulty(tmp_path / "2", factor=2)
            again = dict.fromkeys((1, 2), State.AVAILABLE)
            await until(lambda: model.step() is None and states(model) == again)
            (figures,) = (each for each in model.figures() if each.version == 2)
            assert figures.num_loads == 1
            assert figures.num_failed_loads >= 1
            assert figures.resident_bytes > 10e6

    asyncio.run(run())


def rewritten(manifest: Path, old: str, new: str) -> None:
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))


def digest_off(folder: Path) -> None:
    faulty(folder)
    (folder / "told.json").write_text("[]")


def file_missing(folder: Path) -> None:
    faulty(folder)
    (folder / "golden.safetensors").unlink()


def other_schema(folder: Path) -> None:
    faulty(folder)
    rewritten(folder / "bundle.json", "orrery.bundle/1", "orrery.bundle/99")


def other_runtime(folder: Path) -> None:
    faulty(folder)
    rewritten(folder / "bundle.json", '"runtime": "faulty"', '"runtime": "cuda"')


def later_opset(folder: Path) -> None:
    regional(folder, opset=999)


# How a bundle may be unfit, and what the version that has it says.
UNFIT: dict[Callable[[Path], object], str] = {
    digest_off: "told.json is not what bundle.json says",
    file_missing: "its file golden.safetensors is missing",
    other_schema: "orrery.bundle/99",
    other_runtime: "got 'cuda'; install the package",
    later_opset: "got 999",
    lambda folder: faulty(folder, is_nan=True): "a difference of nan",
    lambda folder: faulty(folder, memory_mb=600): "more memory than its limit, 100 MB",
}


@pytest.mark.hostile
def test_versions_that_are_unfit_end_with_their_reasons_while_another_answers(tmp_path):
    faulty(tmp_path / "1", factor=1)
    for number, make in enumerate(UNFIT, 2):
        make(tmp_path / str(number))
    ends = dict.fromkeys(range(2, 2 + len(UNFIT)), State.END)

    async def run() -> None:
        limits, policy = Limits(retry_s=600, max_retry_s=600), Policy(all=True)
        async with model_of(tmp_path, limits=limits, policy=policy, memory_mb=100) as model:
            await model.look()
            await until(lambda: states(model) == {1: State.AVAILABLE, **ends})
            told = [model.status(number, "")[0] for number in ends]
            for status, reason in zip(told, UNFIT.values(), strict=True):
                assert status.code is not Code.OK
                assert reason in status.message
            assert await answer(model) == 1

    asyncio.run(run())


def test_labels_splits_and_shadows_find_their_versions(tmp_path):
    for version in (1, 2):
        faulty(tmp_path / str(version), factor=version)
    told = {
        "policy": Policy(all=True),
        "labels": {"stable": 1, "canary": 2},
        "split": {"stable": 900, "canary": 100},
        "shadow": "canary",
        "shadow_share": 500,
    }

    async def run() -> None:
        async with model_of(tmp_path, **told) as model:
            await model.look()
            await until(lambda: set(model.labels) == {"stable", "canary"})
            assert await answer(model, label="canary") == 2
            with pytest.raises(RequestError, match="label: nightly; m has canary, stable"):
                model.target(None, "nightly", b"")
            targets = [model.target(None, "", str(each).encode()) for each in range(2000)]
            assert 140 < sum(each.version == 2 for each in targets) < 260
            assert {each.label for each in targets} == {"stable", "canary"}
            assert model.target(None, "", b"17") == targets[17], "the same client, the same version"
            shadowed = [each for each in targets if each.shadow is not None]
            assert 780 < len(shadowed) < 1020
            assert all(each.version == 1 and each.shadow == 2 for each in shadowed)

    asyncio.run(run())


def test_settings_are_refused_whose_labels_name_what_does_not_answer(tmp_path):
    faulty(tmp_path / "1")

    async def run() -> None:
        async with model_of(tmp_path) as model:
            await model.look()
            await until(lambda: model.usual is not None)
            model.check(ModelConfig(folder=str(tmp_path), labels={"stable": 1}))
            with pytest.raises(RequestError, match="stable to version 2") as refused:
                model.check(ModelConfig(folder=str(tmp_path), labels={"stable": 2}))
            assert refused.value.code == Code.FAILED_PRECONDITION

    asyncio.run(run())


@pytest.mark.parametrize(
    "reason", [TransientError("the registry is away"), KeyError("registered_model")]
)
def test_while_the_source_is_away_all_goes_on_and_says_so_once(reason, tmp_path, caplog):
    source = Told(tmp_path)
    source.reason = reason
    faulty(tmp_path / "1", factor=1)

    async def run() -> None:
        async with model_of(tmp_path, source) as model:
            await model.look()
            await until(lambda: model.usual is not None)
            source.is_away = True
            for _ in range(3):
                await model.look()
            assert model.away == str(reason)
            assert await answer(model) == 1
            source.is_away = False
            await model.look()
            assert model.away == ""

    asyncio.run(run())
    assert caplog.text.count("goes on with what it has") == 1


def test_an_alias_that_flips_fifty_times_loads_each_version_once_and_ends_where_it_ends(tmp_path):
    source = Told(tmp_path)
    for version in (1, 2):
        faulty(tmp_path / str(version), factor=version)
    source.aliases = {"champion": 1}

    async def run() -> None:
        async with model_of(tmp_path, source, folder="", registry="m") as model:
            await model.look()
            await until(lambda: model.usual is not None)
            for flip in range(51):
                source.aliases = {"champion": 1 + (flip + 1) % 2}
                await model.look()
                assert await answer(model) in (1, 2)
                await asyncio.sleep(0.02)
            await until(lambda: model.labels == {"champion": 2})
            assert await answer(model) == 2
            assert {each.version: each.num_loads for each in model.figures()} == {1: 1, 2: 1}

    asyncio.run(run())


def test_a_model_that_is_not_served_any_more_ends_all_its_versions(tmp_path):
    faulty(tmp_path / "1")

    async def run() -> None:
        async with model_of(tmp_path) as model:
            await model.look()
            await until(lambda: model.usual is not None)
            await model.retire()
            assert states(model) == {1: State.END}
            assert model.usual is None

    asyncio.run(run())


def test_a_version_whose_worker_is_given_up_is_loaded_anew(tmp_path):
    faulty(tmp_path / "1")

    async def run() -> None:
        async with model_of(tmp_path) as model:
            await model.look()
            await until(lambda: model.usual is not None)
            version = model._versions[1]
            version._give_up("was lost")
            (status,) = model.status(1, "")
            assert (status.state, status.message) == (State.END, "was lost")
            await until(lambda: model.step() is None and model.usual is not None)
            assert await answer(model) == 2
            await version.end()

    asyncio.run(run())
