from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.core.records import FileRef
from tasks.panorama.manifests import PublishedCapture, RenderRecord
from tasks.panorama.photo_records import Origin, Position
from tasks.panorama.pictures import viewer
from tasks.panorama.pictures.gpano import GPano, write_panorama_jpeg
from tasks.panorama.pictures.imprint import Imprint
from tasks.panorama.pictures.viewer import most_telling, viewed, viewer_page
from tasks.panorama.views import Direction, SphereView
from tasks.report.assets import PANNELLUM, read_assets
from tests.support.browser import Browser, chromium

HOSTILE = "<script>console.error(1)</script> \"q\" 'r' </script>"
# Colours, RGB, of the left and the right half of both panoramas.
BEFORE, AFTER = ((150, 0, 0), (250, 0, 0)), ((0, 0, 150), (0, 0, 250))
OPENED = """
  const id = (name) => document.getElementById(name);
  const until = async (is) => {
    while (!is()) await new Promise((go) => setTimeout(go, 20));
  };
  const drawn = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  await until(() => !id("busy").textContent);"""


def file(path: Path) -> FileRef:
    return FileRef(uri=str(path), sha256="0" * 64, num_bytes=path.stat().st_size)


def halves(path: Path, colours: tuple[tuple[int, int, int], ...], place: GPano) -> FileRef:
    row = np.repeat(np.array([colours], np.uint8), place.full_width_px // 2, axis=1)
    picture = np.repeat(row, place.full_height_px - place.top_px, axis=0)
    write_panorama_jpeg(path, np.ascontiguousarray(picture[..., ::-1]), place)
    return file(path)


def render(folder: Path, name: str, *, is_repaired: bool = True, **changes: Any) -> RenderRecord:
    folder.mkdir(exist_ok=True)
    Image.new("RGBA", (256, 128), (255, 220, 30, 255)).save(folder / "seams.png")
    (folder / "warp.json").write_text("[[128, 64, 4, 2]]")
    place = GPano(256, 128, 0, 8, imprint=Imprint(heading_deg=90.0))
    panorama = halves(folder / "after.jpg", AFTER, place)
    view = SphereView(
        seams=file(folder / "seams.png"),
        warp=file(folder / "warp.json") if is_repaired else None,
        long_shift_px=4.5,
        arrow_factor=2,
        photos=(Direction(title=name, yaw_deg=0.0, pitch_deg=0.0),),
        worst=(Direction(title=f"{name} 2", yaw_deg=90.0, pitch_deg=5.0),),
    )
    values = {
        "item_id": name,
        "verdict": "good",
        "doubts": (),
        "overlaps": (),
        "published": "warped" if is_repaired else "unrepaired",
        "is_repaired": is_repaired,
        "reasons": () if is_repaired else (f"warped: {name}",),
        "warnings": (),
        "figures": {"unrepaired": {}, "warped": {}},
        "published_figures": {},
        "width_px": 256,
        "panorama": panorama,
        "before": halves(folder / "before.jpg", BEFORE, GPano(128, 64, 0, 0)),
        "before_after": panorama,
        "crops": (),
        "quality": panorama,
        "flow": None,
        "view": view,
        "origin": Origin(digest="0" * 64, rig="photos", time=None, position=None),
    }
    return RenderRecord.model_validate(values | changes)


def published(capture: RenderRecord) -> PublishedCapture:
    common = set(PublishedCapture.model_fields) & set(RenderRecord.model_fields) - {"before"}
    values = {name: getattr(capture, name) for name in common}
    return PublishedCapture(**values, before={"seam_step": 1.5}, after={"seam_step": 1.25})


def page(folder: Path, *names: str) -> Path:
    captures = [render(folder / str(k), name, is_repaired=k == 0) for k, name in enumerate(names)]
    shown = [viewed(c, published(c), lambda ref: Path(ref.uri), 4096) for c in captures]
    places = {
        name: Position(latitude_deg=50 + 0.001 * index, longitude_deg=8)
        for index, name in enumerate([*names, "not shown"])
    }
    path = folder / "viewer.html"
    path.write_text(viewer_page(shown, len(places), places if names else {}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def without_assets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "read_assets", lambda _: None)


@pytest.fixture
def with_assets() -> None:
    if read_assets(PANNELLUM) is None:
        pytest.skip("needs the sphere viewer: make assets was not run")


def colours_at(picture: bytes, box: dict[str, float], *shares: float) -> list[tuple[int, ...]]:
    """What the stage shows at shares of its width, a little above its middle."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    y = box["y"] + 0.4 * box["height"]
    return [image.getpixel((int(box["x"] + x * box["width"]), int(y))) for x in shares]


def is_like(found: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 25 for a, b in zip(found, colour, strict=True))


@pytest.mark.parametrize(("is_flat", "is_dark"), [(True, True), (False, False), (False, True)])
def test_before_and_after_are_seen_at_the_same_direction(
    browser, tmp_path, request, is_flat, is_dark
):
    request.getfixturevalue("without_assets" if is_flat else "with_assets")
    script = f"""(async () => {{ {OPENED}
      document.querySelector("input[value=both]").click();
      id("divider").value = 75;
      id("divider").dispatchEvent(new Event("input"));
      await drawn();
      return id("stage").getBoundingClientRect().toJSON(); }})()"""
    width_px = 390 if is_dark else 1200
    path = page(tmp_path, "hall")
    shown = browser.open(path, width_px=width_px, is_dark=is_dark, script=script)

    assert shown.too_wide_px == 0
    assert ("panoramas are shown flat" in shown.text) == is_flat
    found = colours_at(shown.picture, shown.answer, 0.2, 0.7, 0.9)
    assert is_like(found[0], BEFORE[0])
    assert is_like(found[1], BEFORE[1])
    assert is_like(found[2], AFTER[1])


def test_overlays_keys_and_captures(browser, tmp_path, with_assets):
    script = f"""(async () => {{ {OPENED}
      const press = (key) => document.body.dispatchEvent(
        new KeyboardEvent("keydown", {{ key, bubbles: true }}));
      const names = () => [...id("names").children].map((each) => each.textContent);
      const found = [];
      press("s");
      press("w");
      found.push(names(), id("warp-text").textContent.slice(0, 12));
      press("n");
      await until(() => !id("busy").textContent);
      found.push(names(), id("warp").disabled, id("capture").value);
      document.querySelector("#map a").dispatchEvent(
        new MouseEvent("click", {{ bubbles: true, cancelable: true }}));
      await until(() => !id("busy").textContent);
      found.push(id("capture").value);
      document.querySelector(".facts:not([hidden]) .worst button").click();
      await until(() => id("where").textContent.startsWith("Heading 180.0"));
      await drawn();
      found.push(id("stage").getBoundingClientRect().toJSON());
      return found; }})()"""
    shown = browser.open(page(tmp_path, "hall", HOSTILE), script=script)

    *found, box = shown.answer
    assert found == [["hall"], "Arrows lead ", [HOSTILE], True, "1", "0"]
    # seams lie over all of this sample
    assert is_like(colours_at(shown.picture, box, 0.3)[0], (255, 220, 30))


def test_a_frame_that_may_only_run_scripts_shows_it(browser, tmp_path, with_assets):
    # as MLflow shows pages
    text = base64.b64encode(page(tmp_path, "hall").read_bytes()).decode()
    outer = tmp_path / "outer.html"
    outer.write_text(f"""<!doctype html><body><script>
      const bytes = Uint8Array.from(atob("{text}"), (letter) => letter.charCodeAt(0));
      const frame = document.createElement("iframe");
      Object.assign(frame, {{ sandbox: "allow-scripts", width: "100%", height: 800 }});
      frame.src = URL.createObjectURL(new Blob([bytes], {{ type: "text/html" }}));
      document.body.append(frame);</script>""")

    def shows_both_sides(picture: bytes) -> bool:
        image = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
        areas_px = [(np.abs(image - colour).max(axis=2) < 25).sum() for colour in AFTER]
        return min(areas_px) > 20_000

    # nobody outside can look into the frame and wait there
    assert shows_both_sides(browser.open(outer, is_drawn=shows_both_sides).picture)


@pytest.mark.parametrize("names", [(), ("hall", HOSTILE)])
def test_page_shows_everywhere_without_assets(browser, tmp_path, without_assets, names):
    shown = browser.open_everywhere(page(tmp_path, *names))

    assert ("make assets" in shown.text) == bool(names)
    for text in ("hall", "1.50", "1.25") if names else ("no panorama",):
        assert text in shown.text


def test_without_scripts_all_is_there(tmp_path, without_assets):
    text = page(tmp_path, "hall", "<b>").read_text("utf-8")

    assert text.count('src="data:image/jpeg;base64,') == 4
    assert 'alt="hall, before"' in text
    assert "<b>" not in text
    assert "warped: &lt;b&gt;" in text
    assert "3 of 3 captures say where" in text
    assert "http" not in text
    assert 'data-heading="90.0"' in text


def test_a_page_says_where_it_shows_less_than_there_is(tmp_path, without_assets):
    capture = render(tmp_path / "0", "hall")
    shown = viewed(capture, published(capture), lambda ref: Path(ref.uri), 128)
    text = viewer_page([shown], 1, {})
    assert "Shown 128 px wide; the panorama itself is 256 px." in text
    assert 'data-arrows="[[64.0, 32.0, 2.0, 1.0]]"' in text
    assert "Shown" not in page(tmp_path, "hall").read_text("utf-8")


def test_the_licence_of_what_is_inside_stands_in_the_page(tmp_path, with_assets):
    assert "Copyright (c) 2011-" in page(tmp_path, "hall").read_text("utf-8")


def test_captures_in_doubt_come_first_then_refused_repairs_and_the_worst_seams(tmp_path):
    def with_seam(name: str, excess: float, *, is_repaired: bool = True, **more) -> RenderRecord:
        figures = {way: {"seam_excess_worst": excess} for way in ("warped", "unrepaired")}
        return render(tmp_path / name, name, is_repaired=is_repaired, figures=figures, **more)

    captures = [with_seam("a", 1.0), with_seam("b", 2.0), with_seam("c", 0.5, is_repaired=False)]
    captures += [with_seam("d", 0.1, verdict=each) for each in ("suspect", "rejected")]
    found = most_telling(captures)
    assert [each.item_id for each in found] == ["d", "d", "c", "b", "a"]
    assert [each.verdict for each in found[:2]] == ["rejected", "suspect"]


def test_captures_in_doubt_bear_their_mark(tmp_path):
    marks = {}
    for verdict in ("good", "suspect", "rejected"):
        capture = render(tmp_path / verdict, "hall", verdict=verdict, doubts=("<photo> is black",))
        shown = viewed(capture, published(capture), lambda ref: Path(ref.uri), 256)
        marks[shown.verdict.text] = shown.verdict.mark
    assert marks == {"repaired": "good", "suspect, repaired": "bad", "rejected, repaired": "bad"}
    assert "Doubt: &lt;photo&gt; is black" in viewer_page([shown], 1, {})
