from __future__ import annotations

import pytest

from tasks.serving.config import ModelConfig
from tasks.serving.release.record import (
    Asked,
    Release,
    origin_of,
    read_asked,
    read_kept,
    settings_of,
)
from tasks.serving.types import Code, RequestError

FRESH = Release(source="cells")


def held(share=50, **more):
    return FRESH.take(Asked(holder="a", candidate=2, share=share, **more), usual=1)


def test_a_release_takes_a_model_and_the_version_that_answers_stays():
    found = held(note={"step": 1})
    assert (found.stable, found.candidate, found.share) == (1, 2, 50)
    assert found.note == {"step": 1}
    assert found.versions == {1, 2}


def test_another_release_is_refused_and_told_who_holds_it():
    with pytest.raises(
        RequestError, match=r"the release 'a' holds this model.*\"holder\": \"a\""
    ) as e:
        held().take(Asked(holder="b", candidate=3), usual=1)
    assert e.value.code == Code.ABORTED
    with pytest.raises(RequestError):
        held().take(Asked(holder="b"), usual=1)


def test_the_end_promotes_or_not_and_may_be_said_twice():
    promoted = held().take(Asked(holder="a", stable=2), usual=1)
    assert (promoted.stable, promoted.candidate, promoted.share) == (2, None, 0)
    assert promoted.take(Asked(holder="a", stable=2), usual=2) == promoted
    assert held().take(Asked(holder="a"), usual=1).stable == 1


def test_the_next_release_stands_on_the_last_one_which_has_no_say_any_more():
    after = held().take(Asked(holder="a", stable=2), usual=1)
    following = after.take(Asked(holder="b", candidate=3), usual=2)
    assert (following.stable, following.candidate, following.holder) == (2, 3, "b")
    ended = following.take(Asked(holder="b", stable=3), usual=2)
    with pytest.raises(RequestError, match="holds nothing"):
        ended.take(Asked(holder="a", stable=2), usual=3)


def test_a_version_that_was_never_tried_is_not_promoted():
    with pytest.raises(RequestError, match="expected the version that answers, 1") as error:
        held().take(Asked(holder="a", stable=7), usual=1)
    assert error.value.code == Code.FAILED_PRECONDITION


def test_settings_route_as_the_release_says():
    settings = ModelConfig(registry="cells", split={"champion": 900, "candidate": 100})
    assert settings_of(settings, FRESH) is settings
    found = settings_of(settings, held())
    assert found.split == {"stable": 950, "candidate": 50}
    assert found.labels == {"stable": 1, "candidate": 2}
    assert found.shadow == "candidate"
    waiting = settings_of(settings, held(share=0))
    assert (waiting.split, waiting.default) == ({}, "stable")
    ended = settings_of(settings, held().take(Asked(holder="a", stable=2), usual=1))
    assert (ended.labels, ended.split, ended.default) == ({"stable": 2}, {}, "stable")
    assert ended.shadow == ""


def test_where_nothing_answered_the_candidate_is_loaded_and_named():
    found = FRESH.take(Asked(holder="a", candidate=2), usual=None)
    settings = settings_of(ModelConfig(registry="cells", aliases=()), found)
    assert (settings.labels, settings.default) == ({"candidate": 2}, "")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "Invalid JSON"),
        (b'{"candidate": 2}', "holder"),
        (b'{"holder": "a b"}', "holder"),
        (b'{"holder": "a", "candidate": "2"}', "candidate"),
        (b'{"holder": "a", "candidate": 2, "share": 1000}', "share"),
        (b'{"holder": "a", "share": 10}', "no candidate"),
        (b'{"holder": "a", "extra": 1}', "extra"),
        (b'{"holder": "a", "note": {"x": "%s"}}' % (b"x" * 70_000), "64000"),
    ],
)
def test_what_is_no_release_is_refused(body, told):
    with pytest.raises(RequestError, match=told) as error:
        read_asked(body)
    assert error.value.code == Code.INVALID_ARGUMENT


def test_what_was_kept_of_another_source_says_nothing():
    kept, settings = held().model_dump_json().encode(), ModelConfig(registry="cells")
    assert read_kept(kept, settings) == held()
    other = ModelConfig(folder="/data/cells")
    assert read_kept(kept, other) == Release(source=origin_of(other))
