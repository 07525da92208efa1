"""Records, versioned values that are kept as JSON, and references that travel instead of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ArtifactRef(BaseModel):
    """A finished stage result: the only thing that passes between the tasks of a DAG.

    Attributes:
        schema_id: Versioned record type of the content, e.g. ``panorama.matches/1``.
        uri: Folder of the artifact, relative to the store's root (or absolute with a scheme).
        sha256: Digest of the manifest's content.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_id: str
    uri: str
    sha256: Sha256


class FileRef(BaseModel):
    """One file inside an artifact, or a user's own file.

    Attributes:
        uri: Path relative to the store's root, or an absolute URI (``file:///…``, ``s3://…``).
        sha256: Digest of the file's bytes. Digests of records use this alone, so that moving
            a file does not invalidate what was made from it.
        num_bytes: Size of the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    sha256: Sha256
    num_bytes: int


_REFERENCES = (set(ArtifactRef.model_fields), set(FileRef.model_fields))


def is_reference(value: object) -> bool:
    """Whether a JSON value is a `FileRef` or an `ArtifactRef`."""
    return isinstance(value, dict) and set(value) in _REFERENCES


def references(value: object) -> Iterator[dict[str, Any]]:
    """Yield all references in JSON values, in their order."""
    if isinstance(value, dict):
        if is_reference(value):
            yield value
        else:
            value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from references(each)


class Record(BaseModel):
    """Base of everything that a manifest holds. A subclass names its ``schema_id``.

    The schema id ends in a version; a change that old readers can't take raises it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_id: ClassVar[str]
