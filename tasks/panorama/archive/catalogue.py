"""The catalogue: what became of each capture, as a table that pandas, DuckDB and others read.

It has a row for each version of a panorama that is kept, and one for what failed. `state` is the
pointer that publishing moves:

- ``published``: what stands in the capture's folder;
- ``former``: what stood there before, kept in its folder ``former``;
- ``withdrawn``: so too, but rolled back: no run publishes that version again by itself;
- ``failed``: the capture can't be used now; what was published of it stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.digests import digest
from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.core.records import FileRef
from tasks.panorama.manifests import RenderRecord
from tasks.panorama.types import UNREPAIRED

CATALOGUE = "catalogue.parquet"
PUBLISHED, FORMER, WITHDRAWN, FAILED = "published", "former", "withdrawn", "failed"
_VERSION_CHARS = 16
_SCHEMA = pa.schema(
    {
        "capture": pa.string(),
        "state": pa.string(),
        "verdict": pa.string(),
        "way": pa.string(),
        "reason": pa.string(),
        "may_pass": pa.bool_(),
        "quality": pa.float64(),
        "held_out_before_px": pa.float64(),
        "held_out_after_px": pa.float64(),
        "latitude": pa.float64(),
        "longitude": pa.float64(),
        "time": pa.timestamp("s"),
        "rig": pa.string(),
        "digest": pa.string(),
        "version": pa.string(),
        "run": pa.string(),
        "written": pa.timestamp("s", "UTC"),
        "files": pa.map_(pa.string(), pa.string()),
    }
)


@dataclass(frozen=True)
class Row:
    """One version of a capture's panorama, or why there is none.

    Attributes:
        capture: The capture's id.
        state: See above.
        verdict: What the capture is worth: ``good``, ``suspect`` or ``rejected``.
        way: What the gate chose: ``unrepaired``, ``recalibrated``, ``warped`` or ``refitted``.
        reason: Why repairs were refused, or the capture can't be used.
        may_pass: Whether a later run tries it again though nothing has changed.
        quality: How alike overlapping photos are in the published picture (SSIM, at most 1).
        held_out_before_px: Mean misalignment on held-out matches, px of a panorama 4096 wide.
        held_out_after_px: The same of what is published, without overlaps that are held.
        latitude: Where it was taken, degrees (WGS 84).
        longitude: So too.
        time: When, by the first photo; local.
        rig: Where its rig came from, and which it is.
        digest: Of the photos, masks and rig that it was made from.
        version: Changes with the pictures or with any figure.
        run: The run that published it.
        written: When that was.
        files: Digests of its files by their names.
    """

    capture: str
    state: str
    verdict: str = ""
    way: str = ""
    reason: str = ""
    may_pass: bool = False
    quality: float | None = None
    held_out_before_px: float | None = None
    held_out_after_px: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    time: datetime | None = None
    rig: str = ""
    digest: str = ""
    version: str = ""
    run: str = ""
    written: datetime | None = None
    files: tuple[tuple[str, str], ...] = ()


def rows_of(captures: Iterable[RenderRecord], skipped: Iterable[Skipped]) -> list[Row]:
    """What a run has to say of its captures."""
    return [
        *map(_row, captures),
        *(
            Row(each.item_id, FAILED, reason=each.reason, may_pass=each.may_pass)
            for each in skipped
        ),
    ]


def _row(capture: RenderRecord) -> Row:
    before, after = capture.figures[UNREPAIRED], capture.figures[capture.published]
    origin, position = capture.origin, capture.origin.position
    return Row(
        capture=capture.item_id,
        state=PUBLISHED,
        verdict=capture.verdict,
        way=capture.published,
        reason="; ".join(capture.reasons),
        quality=after.get("overlap_ssim"),
        held_out_before_px=before.get("held_out_mean_px"),
        held_out_after_px=after.get("held_out_mean_px"),
        latitude=position.latitude_deg if position else None,
        longitude=position.longitude_deg if position else None,
        time=datetime.fromisoformat(origin.time) if origin.time else None,
        rig=origin.rig,
        digest=origin.digest,
        version=digest(capture)[:_VERSION_CHARS],
        files=tuple((name, file.sha256) for name, file in files_of(capture).items()),
    )


def files_of(capture: RenderRecord) -> dict[str, FileRef]:
    """What people look at of a capture, by its name in their folder."""
    return {
        "panorama.jpg": capture.panorama,
        "before.jpg": capture.before,
        "before_after.jpg": capture.before_after,
        "quality.json": capture.quality,
    }


@dataclass(frozen=True)
class Turn:
    """A catalogue after a run, and what the run is to do with the files.

    Attributes:
        rows: The whole catalogue.
        replaced: What was published until now, of captures that get another version.
        held: Captures whose new version was withdrawn: what is published stays.
    """

    rows: tuple[Row, ...]
    replaced: tuple[Row, ...]
    held: frozenset[str]


def publish(earlier: Iterable[Row], now: Iterable[Row], run: str, written: datetime) -> Turn:
    """Move the pointers to what a run has made.

    Args:
        earlier: The catalogue before.
        now: What the run has to say; see `rows_of`. Other captures stay as they are.
        run: The run's name.
        written: The time.
    """
    found = {(row.capture, row.state): row for row in earlier}
    replaced, held = [], set()
    for row in now:
        name, failed = row.capture, found.pop((row.capture, FAILED), None)
        same = failed if row.state == FAILED else found.get((name, PUBLISHED))
        withdrawn = found.get((name, WITHDRAWN))
        is_same = same is not None and (same.version, same.reason) == (row.version, row.reason)
        if withdrawn is not None and row.version == withdrawn.version:
            held.add(name)
            continue
        if same is not None and not is_same and row.state == PUBLISHED:
            found.pop((name, WITHDRAWN), None)
            found[name, FORMER] = replace(same, state=FORMER)
            replaced.append(same)
        stamp = (same.run, same.written) if same is not None and is_same else (run, written)
        found[name, row.state] = replace(row, run=stamp[0], written=stamp[1])
    return Turn(_ordered(found.values()), tuple(replaced), frozenset(held))


def roll_back(
    rows: Iterable[Row], captures: Collection[str], run: str
) -> tuple[tuple[Row, ...], list[tuple[Row, Row]]]:
    """Move pointers back to the former versions; once more, and it is undone.

    Args:
        rows: The catalogue.
        captures: Captures to roll back.
        run: A run, all of whose versions are rolled back; where all of them are, this is undone;
            empty for none.

    Returns:
        The catalogue after it; and of each capture what is published from now on, and what was.
    """
    found = {(row.capture, row.state): row for row in rows}
    swapped = []
    chosen = {*captures, *(_names_by(found, run) if run else ())}
    for (name, state), row in [*found.items()]:
        if state != PUBLISHED or name not in chosen:
            continue
        former = found.pop((name, FORMER), None)
        other = former or found.pop((name, WITHDRAWN), None)
        if other is None:
            continue
        found[name, PUBLISHED] = replace(other, state=PUBLISHED)
        back = WITHDRAWN if former is not None else FORMER
        found[name, back] = replace(row, state=back)
        swapped.append((other, row))
    return _ordered(found.values()), swapped


def _names_by(found: Mapping[tuple[str, str], Row], run: str) -> set[str]:
    """Captures whose published version is a run's and has a former one; else those withdrawn."""
    of_run = {
        state: {n for (n, s), row in found.items() if s == state and row.run == run}
        for state in (PUBLISHED, WITHDRAWN)
    }
    return {n for n in of_run[PUBLISHED] if (n, FORMER) in found} or of_run[WITHDRAWN]


def _ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row.capture, row.state)))


def write_catalogue(path: Path, rows: Sequence[Row]) -> None:
    """Write a catalogue as Parquet; the same rows give the same bytes."""
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], _SCHEMA), path)


def read_catalogue(data: bytes | None) -> list[Row]:
    """Read the bytes of a catalogue; there are no rows in None. Columns it lacks are empty.

    Raises:
        ConfigError: It is none.
    """
    if data is None:
        return []
    names = [field.name for field in fields(Row)]
    try:
        table = pq.read_table(pa.BufferReader(data)).to_pylist()
        rows = [{name: each[name] for name in names if name in each} for each in table]
        return [Row(**row | {"files": tuple(row.get("files") or ())}) for row in rows]
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ConfigError(
            f"{CATALOGUE}, where panoramas are exported, is no catalogue of them: {error}; put the "
            "right one back, or move it away: then a run begins another, and knows no former ones"
        ) from error
