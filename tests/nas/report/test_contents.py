from __future__ import annotations

import pytest

from tasks.core.ports import Skipped
from tasks.nas.report import plots
from tasks.nas.report.contents import agreements, report_sections
from tasks.report.page import html, write_page
from tests.support.browser import chromium
from tests.support.nas.search_runs import retrained_cells, search_log


@pytest.fixture(scope="module")
def retrained():
    return retrained_cells(search_log(30, ("control", "evolution-0")), num_seeds=2)


@pytest.fixture(scope="module")
def sections(retrained):
    return report_sections(retrained)


@pytest.fixture
def log_is_drawn(sections, monkeypatch):
    """Draws the search no more, which `sections` did: only what was retrained differs."""
    for name in ("progress_plot", "progress_by_time_plot", "cost_plot", "operations_plot"):
        monkeypatch.setattr(plots, name, lambda *_: b"png")


def test_ranking_is_also_measured_on_random_cells_that_no_rung_selected(retrained):
    found = agreements(retrained)
    assert [(each.lower, each.higher) for each in found.rungs] == [(0, 1), (1, 2)]
    assert len(found.retrained.pairs) == 20


def test_report_says_what_it_is_about(retrained, sections):
    page = html(sections)
    for words in ("JPEG copies", retrained.winner, "top minus random", "nasnet_a", "CPU hours"):
        assert words in page


def test_a_browser_shows_the_report(sections, tmp_path):
    write_page(sections, tmp_path)
    with chromium(tmp_path / "profile") as browser:
        assert "Cells searched on" in browser.open_everywhere(tmp_path / "report.html").text


@pytest.mark.usefixtures("log_is_drawn")
def test_missing_parts_are_said_to_be_missing(retrained):
    bare = retrained.model_copy(update={"networks": ()})
    sections = report_sections(bare)
    page = html(sections)
    assert "No final comparison was made" in page
    assert "were not retrained" in page
    assert "was not compared with known networks" in page


@pytest.mark.usefixtures("log_is_drawn")
def test_what_failed_or_was_left_out_is_said_to_have(retrained):
    alive = tuple(n for n in retrained.networks if "final-winner" not in n.item_id)
    odd = Skipped(item_id="train/a/b.png", reason="it is damaged")
    images = retrained.search.images.model_copy(update={"skipped": (odd,)})
    log = retrained.search.model_copy(update={"images": images})
    sections = report_sections(retrained.model_copy(update={"networks": alive, "search": log}))
    assert "could not be trained here" in html(sections)
    (skipped,) = (section for section in sections if section.title == "Skipped")
    assert skipped.text == (f"1 of the data {images.name} can't be used; left out.",)
    assert skipped.tables[0].rows == (("train/a/b.png", "it is damaged"),)


def test_pictures_have_names_of_their_own(sections):
    names = [picture.name for section in sections for picture in section.pictures]
    assert len(names) == len({*names})
