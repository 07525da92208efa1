from __future__ import annotations

import pytest

from tasks.core.errors import TransientError
from tasks.serving.release.config import DecideConfig
from tasks.serving.release.manifests import Decision
from tasks.serving.stages.decide import decide_release
from tests.support.browser import chromium
from tests.support.serving.released import world


def test_a_candidate_that_passed_answers_from_now_on(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    canaried = made.canary()
    found = made.local.read(
        made.local.run(decide_release, canaried, config=DecideConfig()), Decision
    )
    assert (found.is_promoted, found.before, found.version, found.reasons) == (True, 1, 2, ())
    release = made.server.release
    assert (release.stable, release.candidate) == (2, None)
    assert release.note["verdict"] == "promoted"
    assert found.figures["candidate_answered"] >= 600
    assert set(found.files) == {"report.html", "report.md", "canary.png"}
    text = made.local.fetch(found.files["report.md"]).read_text()
    assert "cells-toy version 2: promoted" in text
    assert "answers now" in text


def test_one_that_did_not_is_rolled_back_with_the_reasons(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    made = world(tmp_path, monkeypatch, factor=3.0, golden_factor=2.0)
    canaried = made.canary()
    found = made.local.read(
        made.local.run(decide_release, canaried, config=DecideConfig()), Decision
    )
    assert not found.is_promoted
    release = made.server.release
    assert (release.stable, release.candidate) == (1, None)
    assert release.note["reasons"] == [*found.reasons]
    assert f"cells version 2: rolled back; {found.reasons[0]}" in caplog.text
    assert "There was none" in made.local.fetch(found.files["report.md"]).read_text()


def test_a_person_may_keep_the_last_word(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    config = DecideConfig(promotes=False)
    found = made.local.read(made.local.run(decide_release, made.canary(), config=config), Decision)
    assert not found.is_promoted
    assert "left to a person" in found.reasons[0]


def test_a_decision_that_was_cut_off_is_made_once(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    canaried = made.canary()
    whole = made.server.ask

    def lost(method, *args, **kwargs):
        answer = whole(method, *args, **kwargs)
        if method == "PUT":
            raise TransientError("the answer was lost")
        return answer

    monkeypatch.setattr(made.server, "ask", lost)
    with pytest.raises(TransientError):
        made.local.run(decide_release, canaried, config=DecideConfig())
    monkeypatch.setattr(made.server, "ask", whole)
    found = made.local.read(
        made.local.run(decide_release, canaried, config=DecideConfig()), Decision
    )
    assert found.is_promoted
    assert made.server.release.stable == 2


def test_the_report_is_a_page(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    found = made.local.read(
        made.local.run(decide_release, made.canary(), config=DecideConfig()), Decision
    )
    page = tmp_path / "report.html"
    page.write_bytes(made.local.fetch(found.files["report.html"]).read_bytes())
    with chromium(tmp_path / "chromium") as browser:
        shown = browser.open_everywhere(page)
    assert "Evidence against the candidate" in shown.text
