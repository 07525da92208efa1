"""Manifests: what is cut short or altered is not accepted."""

from __future__ import annotations

import json

import pytest

from operators.store.manifests import Manifest
from tasks.core.errors import ArtifactError
from tasks.core.records import Record


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
