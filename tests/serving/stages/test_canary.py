from __future__ import annotations

import itertools
import time

import pytest

from tasks.core.errors import ConfigError, TransientError
from tasks.serving.release.manifests import Canaried
from tasks.serving.release.record import Asked
from tasks.serving.stages.canary import try_live
from tests.support.serving.released import QUICK, world


def test_a_good_candidate_passes_all_steps(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    found = made.local.read(made.canary(), Canaried)
    assert found.reasons == ()
    assert found.canary is not None
    assert found.canary.total[0].num >= 600
    shares = [each["share"] for each in made.server.puts]
    assert sorted(set(shares)) == [0, 200, 500]
    assert shares == sorted(shares)
    assert made.slept.count(QUICK.poll_s) == len(found.canary.points)


@pytest.mark.parametrize(("worse", "guard"), [({"failed": 0.2}, "failed"), ({"slow": 0.4}, "slow")])
def test_a_bad_one_is_taken_back_soon(worse, guard, tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    shadowed = made.shadow()
    for name, value in worse.items():
        setattr(made.server.versions[2], name, value)
    found = made.local.read(made.local.run(try_live, shadowed, config=QUICK), Canaried)
    assert found.reasons[0].startswith(f"canary: {guard}: ")
    assert made.server.release.share == 0, "at once, before anybody has decided"
    assert found.canary.step == 0
    assert found.canary.total[0].num < 300


def test_one_that_disagrees_is_taken_back(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    shadowed = made.shadow()
    made.server.disagreeing = 0.4
    found = made.local.read(made.local.run(try_live, shadowed, config=QUICK), Canaried)
    assert found.reasons[0].startswith("canary: disagreeing: ")


def test_a_stage_that_is_killed_goes_on_where_it_was(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    shadowed = made.shadow()
    made.server.dies_at = made.server.num_calls + 9
    with pytest.raises(TransientError):
        made.local.run(try_live, shadowed, config=QUICK)
    kept = made.server.release.note["canary"]
    answers = kept["total"][0]["num_answered"]
    assert answers > 0
    made.server.forget()
    found = made.local.read(made.local.run(try_live, shadowed, config=QUICK), Canaried)
    assert found.canary.total[0].num_answered > answers
    assert found.reasons == ()


def test_who_ends_a_release_by_hand_is_not_overruled(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    shadowed = made.shadow()

    def end(_: float) -> None:
        release = made.server.release
        made.server.release = release.take(Asked(holder=release.holder), made.server.stable)

    monkeypatch.setattr("time.sleep", end)
    found = made.local.read(made.local.run(try_live, shadowed, config=QUICK), Canaried)
    assert found.reasons == ("canary: ended: somebody let go of the model",)
    assert (made.server.release.candidate, made.server.release.share) == (None, 0)


def test_a_clock_that_is_set_while_it_runs_decides_nothing(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    shadowed = made.shadow()
    clock = itertools.count(time.time(), QUICK.max_step_s + 1)
    monkeypatch.setattr("time.time", lambda: next(clock))
    found = made.local.read(made.local.run(try_live, shadowed, config=QUICK), Canaried)
    assert found.reasons == ()


def test_what_was_refused_before_sees_no_live_request(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch, factor=3.0, golden_factor=2.0)
    found = made.local.read(made.canary(), Canaried)
    assert found.canary is None
    assert found.reasons[0].startswith("check: ")
    assert {each["share"] for each in made.server.puts} == {0}


def test_a_model_that_another_release_took_meanwhile_is_left_alone(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    shadowed = made.shadow()
    made.server.release = made.server.release.model_copy(update={"holder": "other"})
    with pytest.raises(ConfigError, match="the release 'other' holds this model"):
        made.local.run(try_live, shadowed, config=QUICK)
