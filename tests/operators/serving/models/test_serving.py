"""All models of a server: swapped under load, configured anew while they answer, closed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from operators.serving.models.serving import Serving
from tasks.core.config import config_json
from tasks.serving.config import Limits, ModelConfig, Policy, ServingConfig
from tasks.serving.release.record import Asked
from tasks.serving.types import Code, Question, RequestError, State
from tests.support.serving.faulty_bundles import faulty

LIMITS = Limits(poll_s=0.05, drain_s=0.2)


def config_of(folder: Path, *names: str, **more: object) -> ServingConfig:
    models = {name: ModelConfig(folder=str(folder / name), **more) for name in names}
    return ServingConfig(models=models, limits=LIMITS)


@asynccontextmanager
async def serving_of(
    config: ServingConfig, file: Path | None = None, kept: Path = Path("/nowhere")
) -> AsyncIterator[Serving]:
    serving = Serving(config, "", kept)
    await serving.start(file)
    try:
        await until(serving.is_ready)
        yield serving
    finally:
        await serving.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.01)


async def answer(serving: Serving, model: str, value: float = 1.0) -> tuple[int, float]:
    """Version that answered, and by what it multiplied."""
    target = serving.model(model).target(None, "", b"")
    x = np.full((1, 2), value, np.float32)
    answered = await serving.model(model).ask(Question(model, target.version, "predict", {"x": x}))
    return answered.version, float(answered.arrays["y"][0, 0]) / value


async def swapped(folder: Path, num_swaps: int) -> tuple[Counter[tuple[int, float]], int]:
    """Answers while versions are swapped, and how many of them it took versions to leave."""
    faulty(folder / "m" / "1", factor=1)
    found: Counter[tuple[int, float]] = Counter()
    patient = replace(config_of(folder, "m", keep_previous=0), limits=Limits(poll_s=0.05))
    async with serving_of(patient) as serving:
        is_over = False

        async def ask() -> None:
            while not is_over:
                found[await answer(serving, "m", 3.0)] += 1
                await asyncio.sleep(0.005)

        clients = [asyncio.ensure_future(ask()) for _ in range(8)]
        for version in range(2, num_swaps + 2):
            faulty(folder / "m" / f".{version}", factor=version)
            (folder / "m" / f".{version}").rename(folder / "m" / str(version))
            await until(lambda version=version: any(each == version for each, _ in found))
        is_over = True
        await asyncio.gather(*clients)
        left = sum(each.state == State.END for each in serving.model("m").status(None, ""))
    return found, left


def test_swaps_under_load_fail_nobody_and_each_answer_is_its_version_s(tmp_path):
    found, _ = asyncio.run(swapped(tmp_path, 3))
    assert {version for version, _ in found} == {1, 2, 3, 4}
    assert all(version == factor for version, factor in found)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_swaps_leave_nothing(tmp_path):
    found, _ = asyncio.run(swapped(tmp_path, 100))
    assert len(found) == 101
    assert all(version == factor for version, factor in found)


def test_models_are_loaded_together_and_asked_by_name(tmp_path):
    for number, name in enumerate(("a", "b", "c"), start=1):
        faulty(tmp_path / name / "1", factor=number)

    async def run() -> None:
        async with serving_of(config_of(tmp_path, "a", "b", "c")) as serving:
            assert serving.models() == ("a", "b", "c")
            answers = await asyncio.gather(*(answer(serving, name) for name in "abc"))
            assert answers == [(1, 1), (1, 2), (1, 3)]
            assert {each.model for each in serving.figures()} == {"a", "b", "c"}
            assert serving.model("a").is_idle(1)
            with pytest.raises(RequestError, match="any versions of model d") as refused:
                serving.model("d")
            assert refused.value.code == Code.NOT_FOUND

    asyncio.run(run())


def test_a_reload_adds_and_removes_models_and_a_bad_one_changes_nothing(tmp_path):
    for name in ("a", "b"):
        faulty(tmp_path / name / "1")

    async def run() -> None:
        async with serving_of(config_of(tmp_path, "a")) as serving:
            bad = config_of(tmp_path, "a", "b", labels={"stable": 9})
            with pytest.raises(RequestError, match="stable to version 9"):
                await serving.reload(bad)
            away = ServingConfig(models={"c": ModelConfig(registry="c")})
            with pytest.raises(RequestError, match="tracking_uri") as refused:
                await serving.reload(away)
            assert refused.value.code == Code.INVALID_ARGUMENT
            assert serving.models() == ("a",)
            await serving.reload(config_of(tmp_path, "b"))
            await until(serving.is_ready)
            assert serving.models() == ("b",)
            assert await answer(serving, "b") == (1, 2)
            await until(lambda: not serving._retiring)

    asyncio.run(run())


def test_the_file_is_taken_when_it_changes_unless_it_is_bad(tmp_path, caplog):
    for name in ("a", "b"):
        faulty(tmp_path / name / "1")
    file = tmp_path / "serving.yaml"
    file.write_text("models: {}")

    async def run() -> None:
        async with serving_of(config_of(tmp_path, "a"), file) as serving:
            file.write_text("models: {a: {flavour: 1}}")
            await until(lambda: "nothing was changed" in caplog.text)
            assert serving.models() == ("a",)
            both = config_of(tmp_path, "a", "b")
            file.write_text(yaml.safe_dump(config_json(both)))
            await until(lambda: serving.models() == ("a", "b"))
            await until(serving.is_ready)
            assert await answer(serving, "b") == (1, 2)
            file.unlink()
            await until(lambda: caplog.text.count("nothing was changed") == 2)
            assert serving.config.models == both.models

    asyncio.run(run())


def three(folder: Path) -> ServingConfig:
    """A model whose versions multiply by their numbers; version 1 answers."""
    for number in (1, 2, 3):
        faulty(folder / "m" / str(number), factor=number)
    return config_of(folder, "m", policy=Policy(specific=(1,)))


def test_a_release_shares_requests_and_promotes_and_is_kept(tmp_path):
    async def run():
        config = three(tmp_path)
        async with serving_of(config, kept=tmp_path / "kept") as serving:
            model = serving.model("m")
            await serving.take_release("m", Asked(holder="a", candidate=3, share=500))
            await until(lambda: "candidate" in model.labels)
            keys = [str(each).encode() for each in range(200)]
            found = Counter(model.target(None, "", key).version for key in keys)
            assert set(found) == {1, 3}
            assert 60 < found[3] < 140
            assert {model.target(None, "", key).shadow for key in keys} == {None, 3}
            with pytest.raises(RequestError, match="the release 'a' holds this model"):
                await serving.take_release("m", Asked(holder="b", candidate=2))
        async with serving_of(config, kept=tmp_path / "kept") as serving:
            model = serving.model("m")
            await until(lambda: "candidate" in model.labels)
            assert model.release.share == 500, "as before the server was started again"
            await serving.take_release("m", Asked(holder="a", stable=3))
            assert await answer(serving, "m") == (3, 3)
            assert model.target(None, "", b"x").shadow is None
            await serving.reload(replace(config, limits=Limits(poll_s=0.5)))
            assert await answer(serving, "m") == (3, 3), "settings don't undo a release"
        async with serving_of(config, kept=tmp_path / "kept") as serving:
            assert await answer(serving, "m") == (3, 3)

    asyncio.run(run())


def test_a_release_that_ends_badly_leaves_what_was(tmp_path):
    async def run():
        async with serving_of(three(tmp_path), kept=tmp_path / "kept") as serving:
            await serving.take_release("m", Asked(holder="a", candidate=9))
            model = serving.model("m")
            await until(lambda: any(each.version == 9 for each in model.status(None, "")))
            await until(lambda: model.status(9, "")[0].state == State.END)
            assert await answer(serving, "m") == (1, 1)
            await serving.take_release("m", Asked(holder="a"))
            assert await answer(serving, "m") == (1, 1)
            with pytest.raises(RequestError) as error:
                await serving.take_release("none", Asked(holder="a"))
            assert error.value.code == Code.NOT_FOUND

    asyncio.run(run())


def test_a_release_that_can_t_be_kept_is_refused(tmp_path):
    async def run():
        (tmp_path / "kept").write_text("no folder")
        async with serving_of(three(tmp_path), kept=tmp_path / "kept") as serving:
            with pytest.raises(RequestError, match="can't be kept"):
                await serving.take_release("m", Asked(holder="a", candidate=3))
            assert serving.model("m").release.candidate is None

    asyncio.run(run())


def test_a_model_is_unloaded_and_loaded_again(tmp_path):
    async def run():
        async with serving_of(three(tmp_path)) as serving:
            await serving.unload("m")
            with pytest.raises(RequestError):
                serving.model("m")
            with pytest.raises(RequestError):
                await serving.load("never")
            await serving.load("m")
            assert await answer(serving, "m") == (1, 1)
            await serving.load("m")

    asyncio.run(run())
