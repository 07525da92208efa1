"""Manifests: the file whose presence says that a result is whole.

The content is digested: the same work gives the same digest, serial or on a cluster. The
provenance (times, device, run, versions) is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.core.digests import canonical_json, digest
from tasks.core.errors import ArtifactError
from tasks.core.records import Record, Sha256

RecordT = TypeVar("RecordT", bound=Record)


class Manifest(BaseModel):
    """What is kept of a finished stage or item.

    Attributes:
        format: Version of this layout.
        stage: Name of the stage that made it.
        key: Key under which it is kept: all that the content depends on.
        schema_id: Record type of the content.
        sha256: Digest of the content.
        content: The record, as JSON values.
        provenance: How it came about; not digested.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    stage: str
    key: Sha256
    schema_id: str
    sha256: Sha256
    content: dict[str, Any]
    provenance: dict[str, Any]

    @classmethod
    def of(cls, content: Record, stage: str, key: str, provenance: Mapping[str, Any]) -> Self:
        """Build the manifest of a record."""
        values = content.model_dump(mode="json")
        return cls(
            stage=stage,
            key=key,
            schema_id=content.schema_id,
            sha256=digest(values),
            content=values,
            provenance=dict(provenance),
        )

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """Read a manifest.

        Args:
            data: The file's bytes.
            where: Where they come from, for the message.

        Raises:
            ArtifactError: It is cut short, of another layout, or altered.
        """
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            raise ArtifactError(
                f"{where} is cut short or not a manifest ({len(data)} bytes): remove its folder "
                "and run the stage again"
            ) from error
        try:
            found = digest(manifest.content)
        except ValueError as error:  # JSON knows no infinite number
            raise ArtifactError(
                f"{where} was altered: {error}; remove its folder and run the stage again"
            ) from error
        if found != manifest.sha256:
            raise ArtifactError(
                f"{where} was altered: expected content {manifest.sha256}, got {found}; remove its "
                "folder and run the stage again"
            )
        return manifest

    def to_bytes(self) -> bytes:
        """The file's bytes: readable JSON."""
        return self.model_dump_json(indent=1).encode()

    def record(self, record_type: type[RecordT], where: str) -> RecordT:
        """Return the content as a record.

        Raises:
            ArtifactError: The content is of another schema or does not fit it.
        """
        if self.schema_id != record_type.schema_id:
            raise ArtifactError(
                f"{where}: expected {record_type.schema_id}, got {self.schema_id}; check which "
                "stage's result is passed on"
            )
        try:
            # as JSON, which is what the content is: strict records take lists for tuples then
            return record_type.model_validate_json(canonical_json(self.content))
        except ValidationError as error:
            raise ArtifactError(f"{where} does not fit {self.schema_id}: {error}") from error
