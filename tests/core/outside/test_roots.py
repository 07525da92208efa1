"""Where runs may read and write: what is inside, what is not, and what is no place at all."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import ConfigError
from tasks.core.outside.roots import Roots, quoted
from tests.support.hostile.places import ODD_PLACES
from tests.support.hostile.refusals import refused

EVERYTHING = Roots(("/", "s3://", "gs://", "memory://", "http://"))


@pytest.mark.hostile
@pytest.mark.parametrize("place", ODD_PLACES.values(), ids=list(ODD_PLACES))
def test_what_is_no_plain_place_is_refused_whatever_is_allowed(place: str) -> None:
    with refused("captures: "):
        EVERYTHING.check(place, "captures")


@pytest.mark.hostile
@pytest.mark.parametrize(
    "place",
    ["/data2", "/dat", "/data/../etc", "/data/link", "/data/link/x", "//etc", "etc", "../etc", "~",
     "s3://bucket/data2", "s3://bucket", "s3://bucket2/data", "gs://bucket/data", "s3://",
     "file:///etc"],
)  # fmt: skip
def test_what_lies_beside_the_roots_is_refused(place: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to(tmp_path)
    (tmp_path / "data2").mkdir()
    roots = Roots((str(data), "s3://bucket/data"))
    with refused("publish.export_to: ", outside=tmp_path):
        roots.check(place.replace("/dat", f"{tmp_path}/dat", 1), "publish.export_to")


@pytest.mark.parametrize(
    "place", ["", "/x", "/x/../y", "/inner", "/inner/new", "/./", "/a%2e%2e", "/x: y, z"]
)
def test_what_lies_below_a_root_is_taken(place: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "real").mkdir(parents=True)
    (data / "inner").symlink_to("real")
    (tmp_path / "link").symlink_to("data")
    for root in (data, tmp_path / "link"):
        Roots((str(root),)).check(f"{data}{place}", "x")
        Roots((str(root),)).check(f"{tmp_path}/link{place}", "x")
        Roots((str(root),)).check(f"file://{data}{place}", "x")


@pytest.mark.parametrize(
    ("root", "place"),
    [
        ("s3://", "s3://bucket/x"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/data/", "s3://bucket/data"),
        ("s3://bucket/data", "s3://bucket/data/a b/"),
        ("gs://bucket", "gs://bucket/x"),
    ],
)
def test_what_lies_below_a_prefix_is_taken(root: str, place: str) -> None:
    Roots((root,)).check(place, "x")


@given(st.lists(st.sampled_from(["..", ".", "data", "other", "", "link"]), max_size=8))
def test_no_way_leads_out(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp() / "roots"
    if not folder.exists():
        (folder / "data" / "data").mkdir(parents=True)
        (folder / "data" / "link").symlink_to("..")
    place = "/".join([str(folder / "data"), *steps])
    real = os.path.realpath(place)
    is_inside = real == f"{folder}/data" or real.startswith(f"{folder}/data/")
    assert Roots((str(folder / "data"),)).hold(place) == is_inside


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["fifo", "circle"])
def test_what_is_no_file_and_no_folder_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    os.mkfifo(path) if kind == "fifo" else path.symlink_to("x")
    with refused("genotype: ", str(path)):
        EVERYTHING.check(str(path), "genotype")


def test_nothing_is_allowed_without_a_root() -> None:
    with pytest.raises(ConfigError, match=r"x: '/data' lies outside of what is writable \(nothing"):
        Roots((), "writable").check("/data", "x")


def test_roots_travel_to_workers(tmp_path: Path) -> None:
    roots = Roots((str(tmp_path),))
    assert roots.hold(tmp_path)
    assert pickle.loads(pickle.dumps(roots)).hold(tmp_path / "x")  # noqa: S301 - our own bytes


def test_what_is_shown_is_short_and_has_no_control_characters() -> None:
    assert quoted("a\nb") == r"'a\nb'"
    assert len(quoted("x" * 5000)) < 120
