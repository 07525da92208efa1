"""The report says every figure, every failure and every model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.ports import Skipped
from tasks.nas.transfer import contents
from tasks.nas.transfer.contents import report_sections
from tasks.nas.transfer.manifests import TransferData
from tasks.report.page import html, markdown, write_page
from tests.support.browser import chromium
from tests.support.nas.transfer_results import detecting, model_entry, transferred

ACCURACIES = {
    ("nasnet_a", "small", "scratch"): (0.50, 0.54),
    ("resnet", "small", "scratch"): (0.48, 0.54),
}
MODEL = model_entry("nasnet_a, small, scratch", 0.54)


def lacking(data: TransferData) -> TransferData:
    """Data of which an image, two images with boxes and three small objects were left out."""
    assert data.boxes is not None
    odd = Skipped(item_id="train/a/b.png", reason="it is damaged")
    test = data.boxes.test.model_copy(update={"num_small": 3})
    boxes = data.boxes.model_copy(update={"test": test, "skipped": (odd, odd)})
    images = data.images.model_copy(update={"skipped": (odd,)})
    return data.model_copy(update={"images": images, "boxes": boxes})


def test_everything_is_said(tmp_path: Path) -> None:
    failed = Skipped(item_id="scratch-mobilenet_v2-small-s0", reason="diverged at step 3")
    networks = transferred(ACCURACIES)
    networks = networks.model_copy(update={"skipped": (failed,), "data": lacking(networks.data)})
    detectors = detecting({"nasnet_a": (0.2, 0.3), "resnet": (0.25, 0.25)})
    sections = report_sections(networks, detectors, [MODEL], {"nasnet_a": b"png"})
    page, text = html(sections), markdown(sections)
    for expected in (
        "52.00 ± 2.00",
        "nasnet_a - resnet",
        "+1.00 (-11.71 to +13.71)",
        "25.00 ± 5.00",
        "diverged at step 3",
        "1 of the data larger",
        "2 of the data scenes",
        "3 objects of scenes are too small to be seen at 32 px",
        "it is damaged",
        "transfer_cells-larger",
        "beats version 2",
        "champion",
        "published as nasnet_a",
    ):
        assert expected in page
        assert expected in text
    assert page.count("<img") == 4
    write_page(sections, tmp_path)
    with chromium(tmp_path / "profile") as browser:
        assert "diverged at step 3" in browser.open_everywhere(tmp_path / "report.html").text
    assert "detections_nasnet_a.png" in text


def test_networks_too_narrow_to_compare_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "family_plot", lambda *_: b"png")  # the words alone count
    networks = transferred(ACCURACIES)
    assert "Too narrow" not in html(report_sections(networks, detecting({}), [], {}))
    name = networks.networks[0].item_id
    narrow = [
        each.model_copy(update={"depthwise_share": 0.58}) if each.item_id == name else each
        for each in networks.networks
    ]
    networks = networks.model_copy(update={"networks": tuple(narrow)})
    text = markdown(report_sections(networks, detecting({}), [], {}))
    assert "Too narrow to compare: nasnet_a, small." in text
    assert "| 58 |" in text


def test_what_there_is_not_is_left_out() -> None:
    detectors = detecting({}).model_copy(update={"boxes": None})
    sections = report_sections(transferred(ACCURACIES), detectors, [], {})
    titles = [section.title for section in sections]
    assert "Detection" not in titles
    (skipped,) = (section for section in sections if section.title == "Skipped")
    assert skipped.text == ("Nothing was skipped.",)
    assert "No model was registered." in html(sections)
