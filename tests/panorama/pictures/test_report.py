from __future__ import annotations

import numpy as np
import pytest

from tasks.core.ports import Skipped
from tasks.core.records import FileRef
from tasks.panorama.manifests import PublishedCapture
from tasks.panorama.pictures.report import figures_in_use, report_sections
from tasks.report.page import Link, Picture, html
from tasks.report.picture import encode
from tests.support.browser import chromium

FILE = FileRef(uri="x", sha256="0" * 64, num_bytes=1)
BEFORE = {"held_out_mean_px": 4.0, "overlap_ssim": 0.9, "seam_step": 1.2}
AFTER = {"held_out_mean_px": 0.5, "overlap_ssim": 0.8, "seam_step": 1.2}


def capture(item_id: str, before: dict[str, float], after: dict[str, float]) -> PublishedCapture:
    return PublishedCapture(
        item_id=item_id,
        verdict="good",
        doubts=(),
        published="warped",
        is_repaired=True,
        reasons=("recalibrated: <reason>",),
        warnings=("strain 0.060",),
        before=before,
        after=after,
        panorama=FILE,
        before_after=FILE,
        quality=FILE,
    )


def test_figures_are_marked_as_better_or_worse():
    page = html(report_sections([capture("one", BEFORE, AFTER)], [], {}, {}, []))

    assert '<td class="number good">4.00 → 0.50</td>' in page
    assert '<td class="number bad">0.900 → 0.800</td>' in page
    assert '<td class="number">1.20 → 1.20</td>' in page
    assert "dB" not in page


def test_means_of_several_captures_have_intervals():
    other = {"held_out_mean_px": 3.0}
    captures = [capture("a", BEFORE, AFTER), capture("b", other, {"held_out_mean_px": 0.5})]

    _, means = report_sections(captures, [], {}, {}, [])[1].tables

    # -3.5 and -2.5: their mean's t interval reaches 12.706 standard errors of 0.5
    change = "-3.00 (-9.35 to +3.35)"
    assert means.rows == (("held-out error, px", "2", "3.50", "0.50", change),)
    assert len(report_sections(captures[:1], [], {}, {}, [])[1].tables) == 1


def test_text_is_escaped_and_pictures_are_inside():
    page = html(
        report_sections(
            [capture("a<b", {}, {})],
            [Skipped(item_id="bad", reason="1 < 2")],
            {"a<b": [Picture("x.jpg", "it's", b"jpeg")]},
            {"match": {"scale": 0.5}},
            [Link("sheet", "contact_sheet.jpg")],
        )
    )

    assert "a<b" not in page
    assert "a&lt;b" in page
    assert "&lt;reason&gt;" in page
    assert "1 &lt; 2" in page
    assert 'src="data:image/jpeg;base64,anBlZw=="' in page
    assert "<td>match.scale</td>" in page
    assert '<a href="contact_sheet.jpg">sheet</a>' in page
    assert page.count("<html") == page.count("</html>") == 1
    assert "http" not in page


@pytest.mark.parametrize("names", [(), ("hall", "<script>console.error(1)</script>")])
def test_browser_shows_the_report(tmp_path, names):
    picture = encode(np.full((80, 400, 3), 120, np.uint8), "x.jpg")
    pictures = {name: [Picture("x.jpg", f"{name}: panorama", picture)] for name in names}
    captures = [capture(name, BEFORE, AFTER) for name in names]
    skipped = [Skipped(item_id=f"{name} 2", reason="no <photos>") for name in names]
    sections = report_sections(captures, skipped, pictures, {"match": {"scale": 0.5}}, [])
    (tmp_path / "report.html").write_text(html(sections), encoding="utf-8")

    with chromium(tmp_path / "profile") as browser:
        shown = browser.open_everywhere(tmp_path / "report.html")

    for expected in (f"{len(names)} captures", *names, "no <photos>" if names else "Nothing was"):
        assert expected in shown.text


def test_columns_without_figures_are_left_out():
    captures = [capture("one", {"psnr_db": 20.0}, {"psnr_db": 21.0})]

    assert [name for name, *_ in figures_in_use(captures)] == ["psnr_db"]
    assert figures_in_use([]) == []
