"""First stage of a transfer: which cells, by name, by file or by the run that found them.

A file is this package's JSON, or a Python file or log of others, which is parsed and never run.
"""

from __future__ import annotations

from tasks.core.errors import DataError
from tasks.core.files import split_part
from tasks.core.outside.copies import path_of
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.genotype_file import (
    MAX_BYTES,
    GenotypeRecord,
    parse_genotype,
    read_genotype,
)
from tasks.nas.space.published import ALL_PUBLISHED, published, published_name
from tasks.nas.transfer.cell_source import Source, source_of
from tasks.nas.transfer.config import ChooseConfig
from tasks.nas.transfer.manifests import ChosenCells
from tasks.nas.types import Genotype

GENOTYPE_FILE = "genotype.json"
_CELLS = "cells"


@stage(StageSpec(name="nas.choose", section="choose", reads_outside=True))
def choose_cells(config: ChooseConfig, ctx: StageContext) -> ArtifactRef:
    """Read the genotype that is transferred.

    Raises:
        DataError: There is none of that name, or what is there is no genotype.
        ArtifactError: The MLflow run doesn't exist or has no genotype.
    """
    genotype, origin = _read(config.genotype, ctx)
    found = genotype_hash(genotype)
    names = {genotype_hash(each): name for name, each in ALL_PUBLISHED.items()}
    return ctx.store.write(
        ChosenCells(
            name=names.get(found, _CELLS),
            origin=origin,
            genotype=GenotypeRecord.of(genotype),
            genotype_hash=found,
        )
    )


def _read(wanted: str, ctx: StageContext) -> tuple[Genotype, str]:
    source = source_of(wanted)
    if source == Source.RUN:
        data = ctx.models.read_run_file(wanted, GENOTYPE_FILE)
        where = f"{GENOTYPE_FILE} of the MLflow run {wanted}"
        if len(data) > MAX_BYTES:
            raise DataError(f"{where}: expected at most {MAX_BYTES:,} bytes, got {len(data):,}")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: expected a genotype as JSON: {error}") from error
        return parse_genotype(text, where), where
    if source == Source.FILE:
        place, name = split_part(wanted)
        path = path_of(place, "choose.genotype")
        return read_genotype(path, name), f"{name and f'{name} of '}the file {path.name}"
    return published(wanted), f"published as {published_name(wanted)}"
