from __future__ import annotations

from tasks.core.ports import Skipped
from tasks.core.records import FileRef
from tasks.panorama.manifests import PublishedCapture
from tasks.panorama.pictures.report import ReportPicture, figures_in_use, html_report

FILE = FileRef(uri="x", sha256="0" * 64, num_bytes=1)


def capture(item_id: str, before: dict[str, float], after: dict[str, float]) -> PublishedCapture:
    return PublishedCapture(
        item_id=item_id,
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
    page = html_report(
        [
            capture(
                "one",
                {"held_out_mean_px": 4.0, "overlap_ssim": 0.9, "seam_step": 1.2},
                {"held_out_mean_px": 0.5, "overlap_ssim": 0.8, "seam_step": 1.2},
            )
        ],
        [],
        {},
    )

    assert "<td class='good'>4.00 &rarr; 0.50</td>" in page
    assert "<td class='bad'>0.900 &rarr; 0.800</td>" in page
    assert "<td>1.20 &rarr; 1.20</td>" in page
    assert "dB" not in page


def test_text_is_escaped_and_pictures_are_inside():
    page = html_report(
        [capture("a<b", {}, {})],
        [Skipped(item_id="bad", reason="1 < 2")],
        {"a<b": [ReportPicture("it's", b"jpeg")]},
    )

    assert "a<b" not in page
    assert "a&lt;b" in page
    assert "&lt;reason&gt;" in page
    assert "1 &lt; 2" in page
    assert "src='data:image/jpeg;base64,anBlZw=='" in page
    assert page.count("<html") == page.count("</html>") == 1
    assert "http" not in page


def test_columns_without_figures_are_left_out():
    captures = [capture("one", {"psnr_db": 20.0}, {"psnr_db": 21.0})]

    assert [name for name, *_ in figures_in_use(captures)] == ["psnr_db"]
    assert figures_in_use([]) == []
