from __future__ import annotations

from tasks.report.page import markdown
from tasks.serving.release.canary import Canary
from tasks.serving.release.config import CanaryConfig
from tasks.serving.release.counts import Counts
from tasks.serving.release.manifests import (
    Canaried,
    Candidate,
    CheckedBundle,
    CheckedNetwork,
    Shadowed,
)
from tasks.serving.release.report import figures_of, plot, sections_of

CONFIG = CanaryConfig(steps=(100,), min_answers=50)


def found(canary=None, reasons=(), greatest=0.25):
    candidate = Candidate(model="cells", version=7, served="c", stable=6, holder="run", bundle={})
    network = CheckedNetwork(
        item_id="onnx",
        runtime="onnx",
        num_signatures=1,
        difference=1e-6,
        curve=((1, 900), (8, 450)),
    )
    checked = CheckedBundle(candidate=candidate, num_signatures=1, networks=(network,), reasons=())
    shadowed = Shadowed(
        checked=checked,
        source="/log",
        num_asked=1200,
        num_failed=2,
        num_compared=1198,
        num_disagreeing=30,
        num_differing=900,
        greatest=greatest,
        reasons=(),
    )
    return Canaried(shadowed=shadowed, canary=canary, reasons=reasons)


def canary():
    begun = Canary.begin(0.05, (Counts(), Counts()), CONFIG)
    seen = Counts(num_answered=20), Counts(num_answered=180, num_failed=1, num_compared=90)
    return begun.look(seen, 1.0, CONFIG)


def test_the_page_says_what_was_decided_and_by_which_numbers():
    text = markdown(sections_of(found(canary()), "promoted", ()))
    for told in (
        "cells version 7: promoted",
        "| answered before | version 6 |",
        "| answers now | version 7 |",
        "| onnx | onnx | 1 | 1e-06 | 900 | 450 at 8 |",
        "1,200, of /log",
        "longer than 0.05 s",
    ):
        assert told in text, text
    assert "| other | 180 | 1 | 0 | 90 | 0 |" in text


def test_reasons_stand_first_and_what_did_not_happen_is_said():
    sections = sections_of(found(reasons=("x",), greatest=None), "rolled back", ("shadow: no",))
    text = markdown(sections)
    assert "Shadow: no." in text
    assert "| answers now | version 6 |" in text
    assert "names or shapes" in text
    assert "There was none" in text


def test_figures_are_numbers_of_all_stages():
    figures = figures_of(found(canary()))
    assert figures["shadow_disagreeing"] == 30
    assert figures["candidate_answered"] == 20
    assert figures["other_failed"] == 1
    assert figures["evidence_failed"] == 1
    assert "evidence_failed" not in figures_of(found())


def test_the_picture_is_the_same_for_the_same_canary():
    assert plot(canary()) == plot(canary())
    assert plot(canary()).startswith(b"\x89PNG")
