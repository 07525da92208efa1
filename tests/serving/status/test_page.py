from __future__ import annotations

from pathlib import Path

from tasks.serving.config import ModelConfig
from tasks.serving.figures.summary import Summary
from tasks.serving.release.record import Release
from tasks.serving.status.page import status_page
from tasks.serving.status.standing import Standing, VersionStanding
from tasks.serving.types import Code, State, VersionFigures, VersionStatus
from tests.support.browser import chromium

BUSY = Summary(120_000, 3, 0.0021, 0.0184, 7.25, 300.0, 20.0, 250.0)
LINKS = {"MLflow": "http://127.0.0.1:5000", "Airflow": "http://127.0.0.1:8080"}


def version(model, number, state, summary=BUSY, message="", **figures):
    code = Code.FAILED_PRECONDITION if message else Code.OK
    status = VersionStatus(number, state, code, message)
    return VersionStanding(status, VersionFigures(model, number, **figures), summary)


def standings():
    released = Release(
        source="cells-cifar10",
        stable=3,
        candidate=4,
        share=200,
        holder="manual__2026-11-30T22:00:00",
    )
    decided = Release(
        stable=7,
        holder="scheduled__2026-11-29",
        note={
            "verdict": "rolled back",
            "version": 8,
            "reasons": ["canary: failed: 12 of 340 <b>"],
        },
    )
    cells = (
        version("cells", 4, State.AVAILABLE, num_waiting=2, resident_bytes=61_000_000),
        version("cells", 3, State.AVAILABLE, resident_bytes=60_000_000),
        version("cells", 2, State.END, Summary(), "golden outputs differ by 0.3"),
    )
    words = (version("words", 7, State.LOADING, Summary()),)
    folder = ModelConfig(folder="/data/models/words")
    labels = {"stable": 3, "candidate": 4}
    registry = ModelConfig(registry="cells-cifar10")
    return [
        Standing("cells", registry, released, labels, 3, "", cells),
        Standing("words", folder, decided, {}, None, "it is away", words),
    ]


def test_the_page_tells_all_and_works_by_itself(tmp_path: Path):
    path = tmp_path / "status.html"
    path.write_bytes(status_page(standings(), False, LINKS))
    with chromium(tmp_path / "chromium") as browser:
        shown = browser.open_everywhere(path)
    for told in (
        "Models in traffic",
        "240,000 requests",
        "stable",
        "20",
        "2.1",
        "18.4",
        "7.25",
        "61",
        "golden outputs differ by 0.3",
        "manual__2026-11-30T22:00:00: version 4, 20 % of the requests",
        "version 8 was rolled back",
        "canary: failed: 12 of 340 <b>",
        "it is away",
        "MLflow",
    ):
        assert told in shown.text, told


def test_a_server_without_models_says_what_to_do():
    assert b"name some in configs/serving.yaml" in status_page([], True, {})
