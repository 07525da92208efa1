from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.panorama.archive.catalogue import (
    FAILED,
    FORMER,
    PUBLISHED,
    WITHDRAWN,
    Row,
    publish,
    read_catalogue,
    roll_back,
    rows_of,
    write_catalogue,
)

NIGHTS = [datetime(2026, 11, day, 3, tzinfo=UTC) for day in range(1, 9)]


def made(version, capture="a"):
    return Row(capture, PUBLISHED, version=version, files=(("panorama.jpg", version * 8),))


def states(rows):
    return {(row.capture, row.state): row.version for row in rows}


def nights(*versions, earlier=()):
    """The catalogue after nights that each made one version of one capture."""
    turn = None
    for night, version in enumerate(versions):
        turn = publish(earlier, [made(version)], f"night-{night}", NIGHTS[night])
        earlier = turn.rows
    return turn


def test_a_catalogue_is_a_table_of_its_rows(tmp_path):
    time = datetime(2026, 5, 1, 12, 30)
    rows = [
        Row(
            "a",
            PUBLISHED,
            quality=0.9,
            latitude=52.5,
            time=time,
            written=NIGHTS[0],
            files=(("x", "1"),),
        ),
        Row("b", FAILED, reason="no photos", may_pass=True),
    ]
    write_catalogue(tmp_path / "one.parquet", rows)
    write_catalogue(tmp_path / "two.parquet", rows)
    data = (tmp_path / "one.parquet").read_bytes()
    assert data == (tmp_path / "two.parquet").read_bytes()
    assert read_catalogue(data) == rows
    assert read_catalogue(None) == []
    table = pd.read_parquet(tmp_path / "one.parquet")
    assert table.query("state == 'published' and quality > 0.5").capture.tolist() == ["a"]
    assert table.time[0] == pd.Timestamp(time)


def test_columns_of_later_versions_don_t_matter(tmp_path):
    pd.DataFrame({"capture": ["a"], "state": ["published"], "mood": ["good"]}).to_parquet(
        tmp_path / "c.parquet"
    )
    assert read_catalogue((tmp_path / "c.parquet").read_bytes()) == [Row("a", PUBLISHED)]
    for data in (b"no table", b""):
        with pytest.raises(ConfigError, match=r"is no catalogue of them.*move it away"):
            read_catalogue(data)


def test_a_night_without_news_changes_nothing():
    first, second = nights("v1"), nights("v1", "v1")
    assert second.rows == first.rows
    assert (second.rows[0].run, second.rows[0].written) == ("night-0", NIGHTS[0])
    assert second.replaced == ()


def test_the_former_version_is_kept_and_no_older_one():
    turn = nights("v1", "v2", "v3")
    assert states(turn.rows) == {("a", PUBLISHED): "v3", ("a", FORMER): "v2"}
    assert [row.version for row in turn.replaced] == ["v2"]


def test_what_is_rolled_back_stays_so_until_there_is_another_version():
    rows, swapped = roll_back(nights("v1", "v2").rows, ["a"], "")
    assert [(now.version, was.version) for now, was in swapped] == [("v1", "v2")]
    assert states(rows) == {("a", PUBLISHED): "v1", ("a", WITHDRAWN): "v2"}
    again = nights("v2", earlier=rows)
    assert (again.rows, again.held) == (rows, {"a"})
    other = nights("v3", earlier=rows)
    assert states(other.rows) == {("a", PUBLISHED): "v3", ("a", FORMER): "v1"}


def test_a_roll_back_is_undone_by_another():
    rows, _ = roll_back(nights("v1", "v2").rows, ["a"], "")
    back, _ = roll_back(rows, ["a"], "")
    assert states(back) == {("a", PUBLISHED): "v2", ("a", FORMER): "v1"}


def test_a_run_is_rolled_back_as_a_whole():
    first = publish([], [made("v1"), made("w1", "b"), made("u1", "c")], "first", NIGHTS[0])
    second = publish(
        first.rows, [made("v2"), made("w2", "b"), made("u1", "c")], "second", NIGHTS[1]
    )
    third = publish(second.rows, [made("w3", "b"), made("n1", "new")], "third", NIGHTS[2])
    rows, swapped = roll_back(third.rows, [], "second")
    assert [now.capture for now, _ in swapped] == ["a"], "b was published by another run since"
    assert states(rows)["b", PUBLISHED] == "w3"
    assert roll_back(third.rows, ["new"], "")[1] == [], "there is nothing to go back to"


def test_a_run_s_roll_back_is_undone_by_another_and_by_no_other_run_s():
    first = nights("v1").rows
    second = publish(first, [made("v2"), made("w2", "b")], "second", NIGHTS[1]).rows
    third = publish(second, [made("w3", "b")], "third", NIGHTS[2]).rows
    rows, _ = roll_back(third, [], "third")
    assert roll_back(rows, [], "second")[1] == roll_back(third, [], "second")[1]
    rows, _ = roll_back(rows, [], "second")
    assert states(rows)["a", WITHDRAWN] == "v2"
    for other in ("night-0", "unknown"):
        assert roll_back(rows, [], other) == (rows, []), "what was withdrawn is not shown by it"
    back, _ = roll_back(rows, [], "second")
    assert states(back)["a", PUBLISHED] == "v2"


def test_what_fails_keeps_its_panorama_and_its_row_goes_when_it_succeeds():
    failed = rows_of([], [Skipped(item_id="a", reason="gone", may_pass=True)])
    turn = publish(nights("v1").rows, failed, "night-1", NIGHTS[1])
    assert states(turn.rows) == {("a", PUBLISHED): "v1", ("a", FAILED): ""}
    (row,) = [row for row in turn.rows if row.state == FAILED]
    assert (row.reason, row.may_pass, row.run) == ("gone", True, "night-1")
    again = publish(turn.rows, failed, "night-2", NIGHTS[2])
    assert again.rows == turn.rows
    assert states(nights("v1", earlier=again.rows).rows) == {("a", PUBLISHED): "v1"}
