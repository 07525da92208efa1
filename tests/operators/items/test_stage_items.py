"""Items, run serially: committed one by one, reused, skipped, or failing the stage."""

from __future__ import annotations

import collections
import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.compute.serial import SerialExecutor
from operators.stage.context import open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan, find_finished
from operators.stage.run import run_stage
from operators.store.storage import DRAFTS, Storage
from tasks.core.errors import (
    ConfigError,
    DataError,
    NotWritableError,
    OrreryError,
    WorkerLostError,
)
from tasks.core.ports import Future, ItemFolder
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.kernel.sample_stages import (
    DoubleConfig,
    Doubled,
    DoubledList,
    Number,
    NumberList,
    double_numbers,
    double_one,
    like_gpu,
    share_numbers,
    weigh_numbers,
    weigh_one,
    weights,
)


@pytest.fixture
def local(tmp_path: Path, profile: str) -> LocalRun:
    return LocalRun(tmp_path / "store", profile=profile)


def numbers(*names: str) -> NumberList:
    return NumberList(numbers=tuple(Number(item_id=name, value=float(len(name))) for name in names))


def run(local: LocalRun, config: DoubleConfig, *names: str) -> DoubledList:
    ref = local.run(double_numbers, local.put(numbers(*names)), config=config)
    return local.read(ref, DoubledList)


def provenance(local: LocalRun, config: DoubleConfig, *names: str) -> dict:
    """Counts of items in the manifest of a finished result."""
    ref = local.run(double_numbers, local.put(numbers(*names)), config=config)
    manifest = Storage(str(local.folder)).read(ref.uri)
    assert manifest is not None
    return manifest.provenance["items"]


def made(config: DoubleConfig) -> collections.Counter[str]:
    return collections.Counter(Path(config.marks).read_text().split())


@pytest.fixture
def config(tmp_path: Path) -> DoubleConfig:
    return DoubleConfig(marks=str(tmp_path / "marks"))


def test_order_values_and_files(local: LocalRun, config: DoubleConfig) -> None:
    result = run(local, config, "a", "bbb", "cc")
    assert [(each.item_id, each.value) for each in result.doubled] == [
        ("a", 2),
        ("bbb", 6),
        ("cc", 4),
    ]
    assert [local.fetch(each.file).read_text() for each in result.doubled] == [
        "2.0\n",
        "6.0\n",
        "4.0\n",
    ]
    assert len({each.draw for each in result.doubled}) == 3


def test_growing_archive_redoes_nothing(local: LocalRun, config: DoubleConfig) -> None:
    first = run(local, config, "a", "b")
    second = run(local, config, "b", "c", "a")
    assert made(config) == {"a": 1, "b": 1, "c": 1}
    assert second.doubled[2] == first.doubled[0]
    assert provenance(local, config, "b", "c", "a") == {"made": 1, "reused": 2, "skipped": 0}


def test_other_settings_or_seed_redo_items(local: LocalRun, config: DoubleConfig) -> None:
    run(local, config, "a")
    run(local, DoubleConfig(marks=config.marks, factor=3.0), "a")
    run(LocalRun(local.folder, seed=1, profile=local.profile), config, "a")
    assert made(config) == {"a": 3}


def test_bad_item_is_listed_and_the_rest_goes_on(
    local: LocalRun, config: DoubleConfig, caplog: pytest.LogCaptureFixture
) -> None:
    result = run(local, config, "a", "bad-1", "c")
    assert [each.item_id for each in result.doubled] == ["a", "c"]
    assert [each.item_id for each in result.skipped] == ["bad-1"]
    assert result.skipped[0].reason == "expected a good number, got a bad one; remove it"
    assert "item bad-1 skipped: expected a good number" in caplog.text


def test_bad_item_is_tried_again_by_another_run(local: LocalRun, config: DoubleConfig) -> None:
    run(local, config, "a", "bad-1", "c")
    run(local, config, "a", "bad-1", "c", "d")
    assert made(config) == {"a": 1, "bad-1": 2, "c": 1, "d": 1}


class LosesTheFirst(SerialExecutor):
    """Loses the worker of an item as often as it is tried."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        self.__dict__.setdefault("lost", args[1])
        key: str = args[1]
        return super().submit(lose if key == self.__dict__["lost"] else function, *args)

    def granted(self, *_: object) -> LosesTheFirst:
        return self


def lose(*_: object) -> None:
    raise WorkerLostError("its worker died")


def test_what_failed_for_a_reason_that_may_pass_is_tried_by_the_next_run(
    local: LocalRun, config: DoubleConfig
) -> None:
    put = local.put(numbers("a", "b", "c", "bad-1"))
    request = local.request(double_numbers, put, config=config)
    (lacking,) = run_stage(request, LosesTheFirst())
    assert [each.may_pass for each in local.read(lacking, DoubledList).skipped] == [True, False]
    assert find_finished(request) == [lacking], "it serves its own run"
    whole = local.run(double_numbers, put, config=config)
    assert [each.item_id for each in local.read(whole, DoubledList).doubled] == ["a", "b", "c"]
    assert made(config) == {"a": 1, "b": 1, "c": 1, "bad-1": 2}
    assert local.run(double_numbers, put, config=config) == whole, "a bad item alone is no reason"
    assert made(config)["bad-1"] == 2


def test_a_stage_is_told_which_items_its_run_made(local: LocalRun, config: DoubleConfig) -> None:
    contexts = [local.context(double_numbers, config=config) for _ in range(2)]
    for names in ("ab", "bc"):
        contexts[0].items.map(double_one, numbers(*names).numbers, config)
    assert contexts[0].items.made == {"a", "b", "c"}
    again = open_context(contexts[0].call, SerialExecutor())
    for ctx in (again, contexts[1]):
        ctx.items.map(double_one, numbers("c", "d").numbers, config)
    assert again.items.made == {"c", "d"}, "a stage that was cut off made the first, too"
    assert contexts[1].items.made == set()


def test_too_many_bad_items_fail_the_stage(local: LocalRun, config: DoubleConfig) -> None:
    with pytest.raises(DataError, match=r"2 of 3 items .* at most 50%.*bad-1: expected a good"):
        run(local, config, "a", "bad-1", "bad-2")
    assert made(config)["a"] == 1


def test_bug_names_the_item_and_fails_the_stage(local: LocalRun, config: DoubleConfig) -> None:
    with pytest.raises(OrreryError, match=r"sample\.double, item bug-1: ValueError: a bug"):
        run(local, config, "a", "bug-1")
    run(local, config, "a", "c")
    assert made(config)["a"] == 1, "what was committed before the bug is reused"


@pytest.mark.parametrize("name", ["full-1", "blames-1"])
def test_full_disk_fails_the_stage_and_leaves_nothing(
    local: LocalRun, config: DoubleConfig, name: str
) -> None:
    said = rf"sample\.double, item {name}: no space left while writing a file"
    with pytest.raises(NotWritableError, match=said):
        run(local, config, "a", name)
    assert list((local.folder / DRAFTS).iterdir()) == []


def test_a_disk_that_fills_up_skips_no_item_and_has_none_made_twice(
    tiny_disk: Path, config: DoubleConfig, profile: str
) -> None:
    local, names = LocalRun(tiny_disk, profile=profile), [f"n-{i}" for i in range(20)]
    with pytest.raises(NotWritableError, match=r"item n-\d+: no space left.*make prune"):
        run(local, config, *names)
    assert len(made(config)) > 1, "some fitted"
    subprocess.run(["mount", "-o", "remount,size=4m", str(tiny_disk)], check=True)
    result = run(local, config, *names)
    assert [each.item_id for each in result.doubled] == names
    assert made(config).total() == len(names) + 1, "but for the one that did not fit"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hang-1", "passed its time limit of 0.3 s"),
        ("hoard-1", "passed its memory limit of 0.5 GB"),
    ],
)
def test_item_past_its_limit_twice_is_skipped(
    tmp_path: Path, config: DoubleConfig, name: str, reason: str
) -> None:
    profile = tmp_path / "strict.yaml"
    profile.write_text("default: {limit_s: 0.3, memory_gb: 0.5}")
    result = run(LocalRun(tmp_path / "store", profile=str(profile)), config, "a", name)
    assert result.skipped[0].reason == f"{reason} (tried 2 times)"
    assert made(config) == {"a": 1, name: 2}


def test_damaged_item_is_made_again(local: LocalRun, config: DoubleConfig) -> None:
    first = run(local, config, "a")
    manifest = next((local.folder / "local/sample.double/items").rglob("manifest.json"))
    manifest.write_bytes(manifest.read_bytes()[:50])
    second = run(local, config, "a", "b")
    assert made(config) == {"a": 2, "b": 1}
    assert second.doubled[0] == first.doubled[0]


def test_draws_must_be_declared(local: LocalRun) -> None:
    ctx = local.context(like_gpu, config=DoubleConfig())
    with pytest.raises(ConfigError, match=r"sample.likes_gpu draws numbers: declare it with draws"):
        ctx.items.map(double_one, numbers("a").numbers, DoubleConfig())
    with pytest.raises(ConfigError, match="declare it with draws=True"):
        _ = ctx.seed
    with pytest.raises(ConfigError, match="declare it with fans_out=True"):
        _ = ctx.num_groups


def test_items_read_shared_arrays(local: LocalRun, config: DoubleConfig) -> None:
    ref = local.run(weigh_numbers, local.put(numbers("a", "bbb")), config=config)
    values = [each.value for each in local.read(ref, NumberList).numbers]
    assert values == [weights().sum(), 3 * weights().sum()], "and none can be written to"


def test_a_pool_shares_arrays_and_keys_leave_them_out(
    local: LocalRun, config: DoubleConfig
) -> None:
    ctx = local.context(weigh_numbers, local.put(numbers("a")), config=config)
    item = numbers("a").numbers[0]
    ctx.items.map(weigh_one, [item], config, shared={"weights": weights()})
    with ctx.items.pool(weigh_one, config, 2, shared={"weights": np.full(4, 2)}) as pool:
        pool.submit(item)
        pool.submit(numbers("bb").numbers[0])
        told = [pool.next_ended()[1].value for _ in range(2)]
    assert told == [weights().sum(), 16.0]


def test_an_unknown_shared_array_is_named(local: LocalRun, config: DoubleConfig) -> None:
    expected = r"item lost-1: expected a shared array out of \['weights'\], got 'nothing': pass it"
    with pytest.raises(ConfigError, match=expected):
        local.run(weigh_numbers, local.put(numbers("lost-1")), config=config)


def test_two_items_with_one_id_are_refused(local: LocalRun, config: DoubleConfig) -> None:
    with pytest.raises(DataError, match="got 'b' twice"):
        run(local, config, "a", "b", "b")


def unannotated(item: Number, config: DoubleConfig, folder: ItemFolder):
    return Doubled.model_construct()


def test_item_function_must_name_its_record(local: LocalRun, config: DoubleConfig) -> None:
    ctx = local.context(double_numbers, local.put(numbers("a")), config=config)
    with pytest.raises(TypeError, match="with the Record that it returns"):
        ctx.items.map(unannotated, numbers("a").numbers, config)


def test_progress_is_logged_and_tracked(
    local: LocalRun, config: DoubleConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    request = local.request(
        double_numbers, local.put(numbers("a", "bad-1", "c", "d")), config=config
    )
    run_stage(request, SerialExecutor(), FolderTracker(tmp_path / "track"))
    said = [each.getMessage() for each in caplog.records if " items, " in each.getMessage()]
    assert len(said) == 2, "first and last, nothing between within the interval"
    assert said[0].startswith("sample.double: 1/4 items, ")
    assert "s left, 1 skipped, 0 reused" in said[1]
    events = (tmp_path / "track/events.jsonl").read_text()
    assert '"items_done": 4' in events
    assert '"items_skipped": 1' in events
    assert events.endswith('{"status": "FINISHED"}\n')


def test_spread_items_are_made_by_one_process_here(local: LocalRun, config: DoubleConfig) -> None:
    ref = local.run(share_numbers, local.put(numbers("a", "bad-1")), config=config)
    result = local.read(ref, DoubledList)
    assert [(each.item_id, each.draw) for each in result.doubled] == [("a", 1), ("bad-1", 1)]
    assert local.context(share_numbers, ref, config=config).resources.num_workers == 1


def test_a_stage_that_spreads_items_says_how_far_they_may_differ(
    local: LocalRun, config: DoubleConfig
) -> None:
    ctx = local.context(double_numbers, local.put(numbers("a")), config=config)
    with pytest.raises(ConfigError, match=r"sample\.double spreads .* declare it with tolerances"):
        ctx.items.map(double_one, numbers("a").numbers, config, spread=True)


def test_no_more_than_a_few_are_in_flight(local: LocalRun, config: DoubleConfig) -> None:
    class Counting(SerialExecutor):
        most = 0

        def as_completed(self, futures):
            futures = list(futures)
            Counting.most = max(Counting.most, len(futures))
            return iter(futures[::-1])

    plan = Plan.of(local.request(double_numbers, local.put(numbers("a")), config=config))
    ctx = open_context(plan.on("cpu"), SerialExecutor())
    ctx.items.executor, ctx.items.max_in_flight = Counting(), 3
    outcomes = ctx.items.map(double_one, numbers(*(f"n{i}" for i in range(20))).numbers, config)
    assert Counting.most == 3
    assert [each.item_id for each in outcomes] == [f"n{i}" for i in range(20)]
