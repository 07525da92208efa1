"""Digests of records and files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.digests import canonical_json, digest, file_digest
from tasks.core.records import ArtifactRef, FileRef, Record

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class Photo(Record):
    schema_id = "test.photo/1"

    name: str
    file: FileRef
    source: ArtifactRef


def photo(uri: str = "a/b", sha256: str = "0" * 64, name: str = "x") -> Photo:
    file = FileRef(uri=uri, sha256=sha256, num_bytes=len(uri))
    source = ArtifactRef(schema_id="s/1", uri=uri, sha256="1" * 64)
    return Photo(name=name, file=file, source=source)


def test_known_digest() -> None:
    expected = hashlib.sha256(b'{"a":[1,2.5,"\xc3\xa9"],"b":null}').hexdigest()
    assert digest({"b": None, "a": (1, 2.5, "é")}) == expected


def test_place_of_a_file_does_not_count_its_bytes_do() -> None:
    assert digest(photo(uri="a")) == digest(photo(uri="s3://elsewhere"))
    assert digest(photo()) != digest(photo(sha256="2" * 64))
    assert digest(photo()) != digest(photo(name="y"))


def test_record_and_its_json_agree() -> None:
    assert digest(photo()) == digest(photo().model_dump(mode="json"))


@given(st.dictionaries(st.text(), JSON))
def test_order_of_keys_does_not_count(value: dict) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def test_no_infinity() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"a": float("inf")})


def test_file_digest(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert file_digest(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()
