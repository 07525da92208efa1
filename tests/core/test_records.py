"""References are found wherever they stand in a record, in order, and nothing else is one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.core.records import ArtifactRef, FileRef, Record, is_reference, references

DIGEST = "0f" * 32


def file(uri: str) -> dict[str, Any]:
    return FileRef(uri=uri, sha256=DIGEST, num_bytes=3).model_dump()


ARTIFACT = ArtifactRef(schema_id="panorama.matches/1", uri="a/b", sha256=DIGEST).model_dump()


def test_references_are_found_at_any_depth_and_in_order() -> None:
    value = {
        "first": file("1"),
        "none": None,
        "deep": [{"pictures": {"one": file("2"), "two": file("3")}}, 7, "uri"],
        "last": (ARTIFACT,),
    }
    assert list(references(value)) == [file("1"), file("2"), file("3"), ARTIFACT]


@pytest.mark.parametrize(
    "value",
    [
        {**ARTIFACT, "more": 1},
        {"uri": "a", "sha256": DIGEST},
        [file("1")],
        "a/b",
        {},
    ],
)
def test_what_only_looks_like_a_reference_is_none(value: object) -> None:
    assert not is_reference(value)


def test_a_digest_has_64_hexadecimal_digits() -> None:
    for wrong in (DIGEST[1:], DIGEST.upper(), "g" * 64):
        with pytest.raises(ValidationError, match="sha256"):
            FileRef(uri="a", sha256=wrong, num_bytes=0)


class Sample(Record):
    schema_id = "core.sample/1"

    share: float


def test_a_record_takes_nothing_unknown_nothing_infinite_and_stays_as_it_is() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Sample(share=1.0, shares=2.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="finite"):
        Sample(share=float("nan"))
    with pytest.raises(ValidationError, match="frozen"):
        Sample(share=1.0).share = 2.0  # type: ignore[misc]
