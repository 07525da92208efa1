"""Genotypes as JSON: they come back, and what is wrong is named."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.nas.space.genotype_file import (
    GenotypeRecord,
    genotype_json,
    parse_genotype,
    read_genotype,
)
from tasks.nas.space.published import published
from tasks.nas.types import Operation
from tests.support.hostile.refusals import refused
from tests.support.nas.genotypes import genotypes

NASNET_A = published("nasnet_a")


@settings(deadline=None)
@given(genotypes(operations=tuple(Operation)))
def test_any_genotype_comes_back(genotype) -> None:
    assert parse_genotype(genotype_json(genotype)) == genotype
    assert GenotypeRecord.of(genotype).genotype() == genotype


def test_the_document_is_that_of_the_docstring() -> None:
    document = json.loads(genotype_json(NASNET_A))
    assert {key: document[key] for key in ("version", "space", "combine")} == {
        "version": 1,
        "space": "nasnet",
        "combine": "add",
    }
    assert document["normal"]["blocks"][0] == [1, "sep_conv_5x5", 0, "sep_conv_3x3", "add"]
    assert document["reduce"]["concat"] == [3, 4, 5, 6]


def changed(**changes) -> str:
    """NASNet-A's document with single values replaced, named as part__part__index."""
    document = json.loads(genotype_json(NASNET_A))
    for path, value in changes.items():
        *parents, last = (int(key) if key.isdigit() else key for key in path.split("__"))
        place = document
        for key in parents:
            place = place[key]
        place[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed(normal__blocks__1__1="sep_conv_4x4"), "did you mean sep_conv_5x5|3x3"),
        (changed(normal__blocks__1__1="warp"), "normal.blocks.1.1: unknown operation 'warp'"),
        (changed(normal__blocks__1__4="multiply"), "unknown combiner 'multiply'"),
        (changed(normal__blocks__1__4="concat"), 'concatenates although "combine" says "add"'),
        (changed(reduce__blocks__0__0=4), "reduce cell: block 0 .* reads state 4"),
        (changed(reduce__blocks__0__0=40), "reads state 40, which doesn't exist"),
        (changed(reduce__blocks__0__0="1"), "reduce.blocks.0.0: Input should be a valid integer"),
        (changed(reduce__concat=[3, 4]), "state 5 goes nowhere"),
        (changed(normal__concat=[9]), "concat names state 9"),
        (changed(normal__blocks__0=[0, "identity"]), "normal.blocks.0"),
        (changed(space="darts"), None),
        (changed(normal__blocks__0__1="dilated_sep_conv_3x3"), "space nasnet has no dilated_sep"),
        (changed(space="hexagons"), "space: Input should be 'nasnet'"),
        (changed(version=2), "version: Input should be 1"),
        (changed(colour="red"), "colour: Extra inputs"),
        ("[]", "the document"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_wrong_document_is_refused_with_its_fault(text, message) -> None:
    if message is None:  # NASNet-A needs no operation that DARTS lacks
        assert parse_genotype(text) == NASNET_A
        return
    with pytest.raises(DataError, match=message) as caught:
        parse_genotype(text, "mine.json")
    assert str(caught.value).startswith("mine.json: ")


def test_a_file_is_named_in_its_errors(tmp_path) -> None:
    path = tmp_path / "cell.json"
    path.write_text(genotype_json(NASNET_A))
    assert read_genotype(path) == NASNET_A
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"cell\.json: expected a genotype"):
        read_genotype(path)
    with pytest.raises(DataError, match=r"none\.json"):
        read_genotype(tmp_path / "none.json")


HOSTILE = {
    "deep": "[" * 10**6,
    "deep objects": '{"normal":' * 10**5,
    "a source of 400 digits": changed(normal__blocks__0__0=10**400),
    "a source of 5,000 digits": genotype_json(NASNET_A).replace("[1,", f"[{'7' * 5000},", 1),
    "a source below 0": changed(normal__blocks__0__0=-1),
    "a source that is true": changed(normal__blocks__0__0=True),
    "a million blocks": changed(normal__blocks=[[0, "identity", 1, "identity", "add"]] * 20_000),
    "a long concatenation": changed(normal__concat=[2] * 100_000),
    "a name of a megabyte": changed(normal__blocks__0__1="a" * 900_000),
    "a name that is a mapping": changed(normal__blocks__0__1={"a": []}),
    "a key of a megabyte": changed(**{"k" * 900_000: 1}),
    "not a number": genotype_json(NASNET_A).replace("[1,", "[NaN,", 1),
    "half a character": changed(space="\ud800"),
    "nothing": "",
    "null": "null",
    "a text": '"genotype"',
    "two documents": genotype_json(NASNET_A) * 2,
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_document_is_refused(tmp_path, kind) -> None:
    path = tmp_path / "mine.json"
    path.write_text(HOSTILE[kind])
    with refused("mine.json"):
        read_genotype(path)


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["device", "pipe", "80 GB", "folder", "link to a device", "long"])
def test_what_is_no_file_is_refused(tmp_path, kind) -> None:
    path = tmp_path / "cell.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "80 GB":
        with path.open("wb") as file:
            file.truncate(80 * 10**9)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    path = {"device": Path("/dev/zero"), "long": tmp_path / ("n" * 5000)}.get(kind, path)
    with refused("expected a genotype as JSON"):
        read_genotype(path)


@pytest.mark.hostile
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_document_with_anything_in_one_place_is_read_or_refused(data) -> None:
    document = json.loads(genotype_json(NASNET_A))
    place = document
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        parent, key = place, data.draw(st.sampled_from(keys))
        place = place[key]
        if data.draw(st.booleans()):
            break
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    parent[key] = data.draw(
        st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    )
    with contextlib.suppress(DataError):  # any other error is a fault
        read = parse_genotype(json.dumps(document), "mine.json")
        assert parse_genotype(genotype_json(read)) == read
