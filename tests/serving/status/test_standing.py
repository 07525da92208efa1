from __future__ import annotations

from tasks.serving.config import ModelConfig
from tasks.serving.release.record import Release
from tasks.serving.status.standing import Standing


def standing(settings=None, release=None, labels=None, usual=1):
    settings = settings or ModelConfig(registry="cells")
    return Standing("cells", settings, release or Release(), labels or {}, usual, "", ())


def test_who_answers_all_has_all():
    assert standing().share(1) == 1000
    assert standing().share(2) == 0
    assert standing(usual=None).share(1) == 0


def test_a_release_s_share_is_its_candidate_s():
    release = Release(stable=1, candidate=2, share=50, holder="a")
    found = standing(release=release, labels={"stable": 1, "candidate": 2})
    assert (found.share(1), found.share(2)) == (950, 50)
    waiting = standing(release=release, labels={"stable": 1})
    assert waiting.share(1) == 1000, "until the candidate answers"


def test_labels_of_one_version_add_up():
    settings = ModelConfig(registry="cells", labels={"a": 1, "b": 1}, split={"a": 400, "b": 600})
    assert standing(settings, labels={"a": 1, "b": 1}).share(1) == 1000
