from __future__ import annotations

import re

import cv2
import pandas as pd
import pytest

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, ResourceError
from tasks.core.export_note import NOTE
from tasks.core.outside.stored import StoredFolder
from tasks.panorama.config import IngestConfig, PublishConfig, RestitchConfig
from tasks.panorama.manifests import Publication, RenderSet
from tasks.panorama.stages import publish
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.publish import publish_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures
from tests.support.panorama.captures import write_capture
from tests.support.panorama.sample_renders import SampleRenderConfig, render_samples
from tests.support.s3 import put_folder


@pytest.fixture
def run(tmp_path):
    return LocalRun(tmp_path / "store")


@pytest.fixture
def groups(run):
    return [
        run.run(render_samples, config=SampleRenderConfig(repaired=("b", "a"), skipped=("x",))),
        run.run(render_samples, config=SampleRenderConfig(kept=("c",))),
    ]


def test_all_groups_are_gathered(run, groups):
    publication = run.read(run.run(publish_captures, groups, config=PublishConfig()), Publication)

    assert [capture.item_id for capture in publication.captures] == ["a", "b", "c"]
    assert [each.item_id for each in publication.skipped] == ["x"]
    assert (publication.num_repaired, publication.num_kept) == (2, 1)
    assert publication.figures["held_out_mean_px_before"] == 4.0
    assert publication.figures["held_out_mean_px_after"] == pytest.approx((0.5 + 0.5 + 4.0) / 3)
    assert publication.captures[2].after == publication.captures[2].before
    assert publication.exported_to == ""


def test_captures_that_are_in_doubt_stand_first(run, groups, monkeypatch):
    config = SampleRenderConfig(repaired=("y", "z"), suspect=("z",))
    doubted = run.run(render_samples, config=config)
    tags, metrics = {}, {}
    tracker = type(run.context(publish_captures, config=PublishConfig()).tracker)
    monkeypatch.setattr(tracker, "set_tags", lambda _, given: tags.update(given))
    monkeypatch.setattr(tracker, "log_metrics", lambda _, given, step=0: metrics.update(given))

    ref = run.run(publish_captures, [*groups, doubted], config=PublishConfig())

    publication = run.read(ref, Publication)
    assert (publication.num_suspect, publication.num_rejected) == (1, 0)
    assert [capture.item_id for capture in publication.captures] == ["a", "b", "c", "y", "z"]
    page = run.fetch(publication.report).read_text("utf-8")
    assert "0 are rejected" in page
    assert "1 are suspect" in page
    assert page.index("<h3>z</h3>") < page.index("<h3>a</h3>")
    assert "Doubt: photo &lt;a&gt;: it is black" in page
    assert tags == {"verdict": "suspect", "doubted": "z"}
    assert metrics["captures_suspect"] == 1
    assert metrics["captures_rejected"] == 0


def test_report_and_sheet_show_every_capture(run, groups):
    config = PublishConfig(num_crops=2)
    publication = run.read(run.run(publish_captures, groups, config=config), Publication)

    page = run.fetch(publication.report).read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 3 * (1 + 3)
    assert "no &lt;photos&gt;" in page
    assert "worst seam 2.00, unrepaired 1.50" in page
    sheet = cv2.imread(str(run.fetch(publication.contact_sheet)))
    crops = 6
    assert sheet.shape[0] * sheet.shape[1] >= crops * 60 * 160


def test_viewer_shows_all_refused_ones_first(run, groups):
    publication = run.read(run.run(publish_captures, groups, config=PublishConfig()), Publication)

    page = run.fetch(publication.viewer).read_text("utf-8")
    names = re.findall(r'<option value="\d">(\w) · ([\w ]+)</option>', page)
    assert names == [("c", "as it was"), ("a", "repaired"), ("b", "repaired")]
    assert "3 of 3 captures say where" in page


@pytest.mark.parametrize(
    ("limit", "value", "num_shown"), [("_MAX_VIEWED", 2, 2), ("_MAX_VIEWED_BYTES", 1, 1)]
)
def test_viewer_stays_small(run, groups, monkeypatch, limit, value, num_shown):
    monkeypatch.setattr(publish, limit, value)
    captures = [c for ref in groups for c in run.read(ref, RenderSet).captures]

    page = publish._viewer(captures, run.fetch)

    assert page.count("<option") == num_shown
    assert f"{num_shown} of 3 captures: those in doubt, then refused repairs" in page


def test_copies_appear_where_people_look(run, groups, tmp_path):
    config = PublishConfig(export_to=str(tmp_path / "export"))

    run.run(publish_captures, groups, config=config)

    found = {str(p.relative_to(tmp_path / "export")) for p in (tmp_path / "export").rglob("*.*")}
    names = ("panorama.jpg", "before.jpg", "before_after.jpg", "quality.json")
    expected = {f"{capture}/{name}" for capture in "abc" for name in names}
    beside = {"report.html", "viewer.html", "contact_sheet.jpg", "catalogue.parquet"}
    assert found == expected | beside | {NOTE}


def test_an_archive_knows_what_became_of_its_captures_and_keeps_the_former_panoramas(run, tmp_path):
    config = PublishConfig(export_to=str(tmp_path / "export"))
    nights = [
        SampleRenderConfig(repaired=("a", "b"), skipped=("x",)),
        SampleRenderConfig(repaired=("a", "b"), grey=140),
        SampleRenderConfig(repaired=("a", "b"), suspect=("b",)),
    ]
    for samples in nights:
        renders = run.run(render_samples, config=samples)
        publication = run.read(run.run(publish_captures, [renders], config=config), Publication)
    greys = [
        cv2.imread(str(tmp_path / "export" / "a" / name))[0, 0, 0]
        for name in ("panorama.jpg", "former/panorama.jpg")
    ]
    assert greys == [120, 140], "what was published before is published again"
    table = pd.read_parquet(tmp_path / "export/catalogue.parquet")
    counts = table.groupby("capture").state.apply(sorted).to_dict()
    assert counts == {"a": ["former", "published"], "b": ["former", "published"], "x": ["failed"]}
    own = pd.read_parquet(run.fetch(publication.catalogue))
    assert (own.capture.tolist(), own.way.tolist()) == (["a", "b"], ["warped", "warped"])
    assert own.verdict.tolist() == ["good", "suspect"]
    assert own.quality.tolist() == [0.9, 0.9]


def test_captures_of_an_earlier_run_stay_where_people_look(run, groups, tmp_path):
    config = PublishConfig(export_to=str(tmp_path / "export"))
    later = run.run(render_samples, config=SampleRenderConfig(repaired=("d",)))

    run.run(publish_captures, groups, config=config)
    run.run(publish_captures, [later], config=config)

    folders = {path.parent.name for path in (tmp_path / "export").glob("*/panorama.jpg")}
    assert folders == {"a", "b", "c", "d"}
    assert "1 captures" in (tmp_path / "export/report.html").read_text("utf-8")


def test_a_folder_with_other_things_is_refused(run, groups, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/holiday.jpg").write_text("mine")

    with pytest.raises(ConfigError, match=r"holiday\.jpg was not exported.*publish\.export_to"):
        run.run(publish_captures, groups, config=PublishConfig(export_to=str(tmp_path / "photos")))

    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["holiday.jpg"]


def test_export_that_cannot_be_written_says_so(run, groups, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ResourceError, match=r"could not export.*publish\.export_to"):
        run.run(
            publish_captures, groups, config=PublishConfig(export_to=str(tmp_path / "file" / "x"))
        )


def test_nothing_rendered_gives_an_empty_publication(run):
    empty = run.run(render_samples, config=SampleRenderConfig(skipped=("x",)))

    publication = run.read(run.run(publish_captures, [empty], config=PublishConfig()), Publication)

    assert publication.captures == ()
    assert publication.contact_sheet is None
    assert "0 captures" in run.fetch(publication.report).read_text("utf-8")


def test_captures_of_a_bucket_are_restitched_into_a_bucket(tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    write_capture(tmp_path / "captures" / "first")
    uri = put_folder(tmp_path / "captures", f"{bucket}/captures")
    config = RestitchConfig(
        ingest=IngestConfig(captures=uri), publish=PublishConfig(export_to=f"{bucket}/out")
    )
    run = LocalRun(tmp_path / "store")
    (group,) = run.run(ingest_captures, config=config.ingest)
    matches = run.run(match_captures, group, config=config.match)
    fields = run.run(solve_captures, matches, config=config.solve)
    panoramas = run.run(render_captures, fields, config=config.render)
    publication = run.read(
        run.run(publish_captures, [panoramas], config=config.publish), Publication
    )
    found = StoredFolder(f"{bucket}/out").files(99)
    assert {"report.html", "first/panorama.jpg", "first/quality.json"} <= set(found)
    assert found["first/panorama.jpg"].num_bytes == publication.captures[0].panorama.num_bytes
    assert publication.exported_to == f"{bucket}/out"
