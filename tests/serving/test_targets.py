"""Who answers whom, of versions that answer."""

from __future__ import annotations

import pytest

from tasks.serving.config import Batching, ModelConfig
from tasks.serving.routing import pick
from tasks.serving.targets import Targets
from tasks.serving.types import Code, RequestError, State, VersionStatus
from tests.support.serving.bundles import TAGS, bundle

STANDS = (
    VersionStatus(3, State.END, Code.UNAVAILABLE, "its file is away"),
    VersionStatus(2, State.AVAILABLE),
)
BUNDLE = bundle(tags=TAGS)


def targets_of(settings: ModelConfig, *versions: int, aliases: dict[str, int] | None = None):
    targets = Targets("m", settings)
    targets.bundles = dict.fromkeys(versions, BUNDLE)
    targets.update(settings, aliases or {}, max(versions, default=None), STANDS)
    return targets


def test_without_a_word_the_greatest_answers_and_others_by_number():
    targets = targets_of(ModelConfig(folder="f", batching=Batching(max_items=7)), 1, 2)
    found = targets.find(None, "", b"")
    assert (found.version, found.label, found.shadow, found.max_items) == (2, "", None, 7)
    assert targets.find(None, "", b"other") is found
    assert targets.find(1, "", b"").version == 1


@pytest.mark.parametrize(
    ("version", "code", "what"),
    [(None, Code.UNAVAILABLE, r"Latest\(m\)"), (9, Code.NOT_FOUND, r"Specific\(m, 9\)")],
)
def test_where_nobody_answers_it_says_how_versions_stand(version, code, what):
    targets = targets_of(ModelConfig(folder="f"))
    told = what + r"; versions: 3 END \(its file is away\), 2 AVAILABLE"
    with pytest.raises(RequestError, match=told) as refused:
        targets.find(version, "", b"")
    assert refused.value.code == code


def test_one_is_told_how_all_stand_or_one_by_number_or_label():
    targets = targets_of(ModelConfig(folder="f", labels={"stable": 2}), 2)
    assert targets.status(None, "") == STANDS
    assert targets.status(3, "") == STANDS[:1]
    assert targets.status(None, "stable") == STANDS[1:]
    with pytest.raises(RequestError, match="version 9 of model m") as refused:
        targets.status(9, "")
    assert refused.value.code == Code.NOT_FOUND


def test_labels_are_those_of_settings_and_of_aliases_that_settings_name():
    settings = ModelConfig(registry="m", labels={"next": 2, "later": 9})
    targets = targets_of(settings, 1, 2, aliases={"champion": 1, "oldest": 1})
    assert targets.labels == {"champion": 1, "next": 2}
    assert targets.find(None, "", b"").version == 1, "the first alias is the default"
    assert targets.find(None, "next", b"").label == "next"
    with pytest.raises(RequestError, match="label: oldest; m has champion, next") as refused:
        targets.find(None, "oldest", b"")
    assert refused.value.code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "told", [{"default_label": "stable"}, {"split": {"stable": 500, "next": 500}}]
)
def test_nobody_s_candidate_takes_the_place_of_a_default_that_is_not_there(told):
    settings = ModelConfig(folder="f", labels={"stable": 1, "next": 2}, **told)
    assert targets_of(settings, 1).find(None, "", b"").version == 1
    targets = targets_of(settings, 2)
    assert targets.usual is None
    keys = (str(number).encode() for number in range(99))
    shares = settings.split or {"stable": 1000}
    stable = next(key for key in keys if pick(shares, key, "m") == "stable")
    with pytest.raises(RequestError, match=r"Latest\(m\), labelled stable") as refused:
        targets.find(None, "", stable)
    assert refused.value.code == Code.UNAVAILABLE


def test_a_split_is_sticky_and_a_shadow_is_never_the_one_that_answers():
    settings = ModelConfig(
        folder="f",
        labels={"stable": 1, "canary": 2},
        split={"stable": 800, "canary": 200},
        shadow="canary",
        shadow_share=500,
    )
    targets = targets_of(settings, 1, 2)
    found = [targets.find(None, "", str(each).encode()) for each in range(2000)]
    assert [targets.find(None, "", str(each).encode()) for each in range(2000)] == found
    assert 330 < sum(each.version == 2 for each in found) < 470
    assert all(each.shadow is None for each in found if each.version == 2)
    stable = [each for each in found if each.version == 1]
    assert 0.4 < sum(each.shadow == 2 for each in stable) / len(stable) < 0.6
