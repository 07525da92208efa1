from __future__ import annotations

import csv
import json

import pytest

from operators.compute.serial import SerialExecutor
from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.core.errors import DataError, ResourceError
from tasks.core.export_note import NOTE
from tasks.nas.config import ReportConfig
from tasks.nas.manifests import SearchReport
from tasks.nas.report.statistics import figures
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.genotype_file import parse_genotype, read_genotype
from tasks.nas.stages import report as stage
from tasks.nas.stages.report import all_figures, report_search
from tests.support.kernel.folder_tracker import FolderTracker
from tests.support.nas.search_runs import retrained_cells, search_log


@pytest.fixture(scope="module")
def retrained():
    log = search_log(30, ("control", "evolution-0", "evolution-1"))
    return retrained_cells(log, num_top=3, num_random=6, num_seeds=2)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return tmp_path_factory.mktemp("export") / "here"


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return LocalRun(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def report(run, retrained, exported, events):
    config = ReportConfig(export_to=str(exported))
    request = run.request(report_search, run.put(retrained), config=config)
    (ref,) = run_stage(request, SerialExecutor(), tracker=FolderTracker(events))
    return run.read(ref, SearchReport)


def test_report_holds_the_winner_and_the_figures(run, retrained, report):
    assert genotype_hash(report.genotype.genotype()) == report.genotype_hash == retrained.winner
    assert figures(retrained).items() <= report.figures.items()
    assert report.figures["driver_share"] == pytest.approx(
        40 / (40 + retrained.search.children_cpu_s)
    )
    assert {"spearman_rung_0_1", "spearman_rung_0_retrained"} <= report.figures.keys()


def test_page_holds_its_pictures(run, report):
    page = run.fetch(report.files["report.html"]).read_text("utf-8")
    pictures = [name for name in report.files if name.endswith((".png", ".svg"))]

    assert page.count("<img ") == len(pictures) - 1  # the cell is there as SVG alone
    assert page.count('src="data:image/') == page.count("<img ")
    assert "http" not in page.replace("http-equiv", "")
    assert "JPEG copies (lossy) &lt;of CIFAR-10&gt;" in page
    assert "the loss became NaN in epoch 1" in page


def test_text_names_files_that_are_there(run, report):
    text = run.fetch(report.files["report.md"]).read_text("utf-8")
    named = {part.split(")")[0] for part in text.split("](")[1:]}
    assert named
    assert named <= report.files.keys()


def test_copies_appear_where_people_look(run, report, exported, retrained):
    assert {path.name for path in exported.iterdir()} == {*report.files, NOTE}
    assert genotype_hash(read_genotype(exported / "genotype.json")) == retrained.winner
    with (exported / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(retrained.search.trials)
    assert rows[0]["genotype_hash"] == retrained.search.trials[0].genotype_hash


def test_run_is_tracked_with_the_genotype_and_promoted_children(report, events):
    lines = [json.loads(line) for line in (events / "events.jsonl").read_text().splitlines()]
    (document,) = (each["json"] for each in lines if each.get("name") == "genotype.json")
    assert genotype_hash(parse_genotype(json.dumps(document))) == report.genotype_hash
    assert any(report.figures.items() <= each.get("metrics", {}).items() for each in lines)
    assert (events / "best_so_far.png").stat().st_size > 1000
    children = list((events / "children").iterdir())
    assert 0 < len(children) <= 40
    assert all((child / "cell.svg").is_file() for child in children)


def test_report_repeats_exactly(run, report, retrained, tmp_path):
    again = LocalRun(tmp_path)
    ref = again.run(report_search, again.put(retrained), config=ReportConfig())
    assert again.read(ref, SearchReport).files == {
        name: file.model_copy(update={"uri": again_file.uri})
        for (name, file), again_file in zip(
            report.files.items(), again.read(ref, SearchReport).files.values(), strict=True
        )
    }


def test_winner_that_no_search_knows_is_refused(run, retrained):
    other = run.put(retrained.model_copy(update={"winner": "0" * 64}))
    with pytest.raises(DataError, match="not among the cells of the search"):
        run.run(report_search, other, config=ReportConfig())


def test_export_that_cannot_be_written_says_so(run, report, retrained, tmp_path, monkeypatch):
    written = {name: run.fetch(file) for name, file in report.files.items()}
    monkeypatch.setattr(stage, "write_files", lambda *_: written)  # drawn once is enough
    (tmp_path / "file").write_text("in the way")
    config = ReportConfig(export_to=str(tmp_path / "file" / "x"))
    ref = run.put(retrained)
    context = run.context(report_search, ref, config=config)
    with pytest.raises(ResourceError, match=r"could not export.*report\.export_to"):
        report_search(ref, config, context)


def test_nothing_retrained_is_reported_too(retrained):
    empty = retrained.model_copy(update={"networks": (), "skipped": {"final-x-s0": "no memory"}})
    found = all_figures(empty)
    assert "top5_minus_random" not in found
    assert "winner_accuracy" not in found
