"""The page for people: models, versions, who answers whom, times, and what was decided last."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from tasks.report.page import Cell, Link, Section, Table, html
from tasks.serving.release.record import origin_of
from tasks.serving.status.standing import Standing, VersionStanding
from tasks.serving.types import State

_MB = 1e6
_HEAD = (
    "version", "state", "called", "share %", "answered", "failed", "p50 ms", "p99 ms", "batch",
    "waiting", "MB",
)  # fmt: skip
_NOTE = (
    "Share: of the requests that name no version. Times and counts: since the server began. Batch: "
    "items of the batch that a request was in, in the mean. MB: memory of the version's process."
)


def status_page(standings: Sequence[Standing], is_ready: bool, links: Mapping[str, str]) -> bytes:
    """The page, which asks for nothing else.

    Args:
        standings: The models.
        is_ready: Whether each has a version that answers.
        links: Other servers' addresses, by name.
    """
    ready = Cell("yes", "good") if is_ready else Cell("no", "bad")
    answered = sum(e.summary.num_answered for each in standings for e in each.versions)
    facts = (
        ("ready", ready),
        ("models", f"{len(standings):,}"),
        ("answered", f"{answered:,} requests"),
    )
    text = () if standings else ("No model yet: name some in configs/serving.yaml.",)
    own = (Link("Metrics", "/metrics"), Link("Settings", "/v1/config"))
    others = tuple(Link(name, address) for name, address in links.items())
    first = Section("Models in traffic", text, tables=(Table((), facts),), links=(*own, *others))
    return html([first, *(each for one in standings for each in _model(one))]).encode()


def _model(standing: Standing) -> Iterator[Section]:
    kind = "the registry's" if standing.settings.registry else "the folder"
    text = [f"Versions of {kind} {origin_of(standing.settings)}."]
    if standing.away:
        text.append(f"It can't be looked at, what is loaded answers on: {standing.away}")
    rows = tuple(tuple(_row(standing, each)) for each in standing.versions)
    reasons = tuple(
        (f"version {each.status.version}", each.status.message)
        for each in standing.versions
        if each.status.message
    )
    tables = [Table(_HEAD, rows, _NOTE)] if rows else []
    tables += [Table(("not loaded", "why"), reasons)] if reasons else []
    tables += [Table((), tuple(_release(standing)))]
    yield Section(standing.model, tuple(text), tables=tuple(tables))


def _row(standing: Standing, one: VersionStanding) -> Iterator[str | Cell]:
    status, summary, figures = one.status, one.summary, one.figures
    marks = {State.AVAILABLE: "good", State.END: "bad" if status.message else ""}
    yield str(status.version)
    yield Cell(status.state.name.lower(), marks.get(status.state, ""))  # type: ignore[arg-type]
    called = [name for name, version in standing.labels.items() if version == status.version]
    yield ", ".join(sorted(called)) or "–"
    yield f"{standing.share(status.version) / 10:g}"
    yield f"{summary.num_answered:,}"
    yield f"{summary.num_failed:,}"
    for seconds in (summary.p50_s, summary.p99_s):
        yield _number(1000 * seconds)
    yield _number(summary.batch_size)
    yield f"{figures.num_waiting:,}"
    yield f"{figures.resident_bytes / _MB:,.0f}" if figures.resident_bytes else "–"


def _release(standing: Standing) -> Iterator[tuple[str, str | Cell]]:
    release = standing.release
    if release.candidate is not None:
        told = f"version {release.candidate}, {release.share / 10:g} % of the requests"
        yield "release", f"{release.holder}: {told}"
    verdict = release.note.get("verdict")
    if isinstance(verdict, str):
        version, reasons = release.note.get("version"), release.note.get("reasons") or ["none"]
        mark = "good" if verdict == "promoted" else "bad"
        yield "last decision", Cell(f"version {version} was {verdict}", mark)  # type: ignore[arg-type]
        yield "by", release.holder
        yield "reasons", "; ".join(map(str, reasons))
    if release.candidate is None and verdict is None:
        yield "last decision", "none yet"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"
