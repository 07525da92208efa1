"""Manifests: what is cut short or altered is not accepted."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.store.manifests import Manifest
from tasks.core.errors import ArtifactError
from tasks.core.records import Record
from tests.support.hostile.refusals import refused


class Fruit(Record):
    schema_id = "test.fruit/1"

    name: str
    weights: tuple[float, ...] = ()


class Stone(Record):
    schema_id = "test.stone/1"

    name: str


class OtherFruit(Record):
    schema_id = "test.fruit/1"

    colour: str


def manifest(**provenance: object) -> Manifest:
    content = Fruit(name="pear", weights=(0.1, 2.0))
    return Manifest.of(content, "test.stage", "0" * 64, provenance)


def test_round_trip() -> None:
    again = Manifest.parse(manifest(host="h").to_bytes(), "here")
    assert again == manifest(host="h")
    assert again.record(Fruit, "here") == Fruit(name="pear", weights=(0.1, 2.0))


def test_provenance_does_not_count() -> None:
    assert manifest(host="a").sha256 == manifest(host="b", time="now").sha256


def test_every_cut_is_noticed() -> None:
    data = manifest().to_bytes()
    for length in range(len(data)):
        with pytest.raises(ArtifactError, match="here is cut short"):
            Manifest.parse(data[:length], "here")


def test_altered_content_is_noticed() -> None:
    data = manifest().to_bytes().replace(b"pear", b"fig!")
    with pytest.raises(ArtifactError, match="here was altered: expected content"):
        Manifest.parse(data, "here")


def test_other_layout_is_refused() -> None:
    value = json.loads(manifest().to_bytes()) | {"format": 2}
    with pytest.raises(ArtifactError, match="not a manifest"):
        Manifest.parse(json.dumps(value).encode(), "here")


def test_other_schema_is_named() -> None:
    with pytest.raises(ArtifactError, match=r"expected test.stone/1, got test.fruit/1"):
        manifest().record(Stone, "here")
    with pytest.raises(ArtifactError, match=r"does not fit test.fruit/1"):
        manifest().record(OtherFruit, "here")


def _with(**changes: object) -> bytes:
    return json.dumps(json.loads(manifest().to_bytes()) | changes).encode()


HOSTILE = {
    "nothing": b"",
    "a list": b"[]",
    "noise": bytes(range(256)) * 20,
    "no UTF-8": _with().replace(b"pear", b"\xff\xfe"),
    "half a character": _with(content={"name": "\ud800"}),
    "nesting without end": b'{"content":' * 100_000,
    "content that nests without end": _with().replace(b'"pear"', b"[" * 50_000 + b"]" * 50_000),
    "content without bounds": _with(content={"weight": float("inf")}),
    "content that is no number": _with(content={"weight": float("nan")}),
    "a number of 5,000 digits": _with().replace(b"2.0", b"7" * 5000),
    "content that is a text": _with(content="pear"),
    "a digest of another length": _with(sha256="0" * 63),
    "a key that leads out": _with(key="../../" + "0" * 58),
    "a field too many": _with(evil=1),
    "a megabyte of names": _with(**{"k" * 1_000_000: 1}),
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_manifest_is_refused(kind: str) -> None:
    with refused("here", "run the stage again"):
        Manifest.parse(HOSTILE[kind], "here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.hostile
@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(Manifest.model_fields)), JSON)
def test_anything_in_one_field_is_refused(field: str, value: object) -> None:
    if json.loads(manifest().to_bytes())[field] != value and field not in ("stage", "provenance"):
        with contextlib.suppress(ArtifactError):  # any other error is a fault
            found = Manifest.parse(_with(**{field: value}), "here")
            assert field in ("format", "key", "schema_id"), "the content is digested"
            assert getattr(found, field) == value
