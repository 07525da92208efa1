"""Genotypes as JSON, and files of genotypes whatever their form.

One document holds both cells::

    {"version": 1, "space": "nasnet", "combine": "add",
     "normal": {"blocks": [[0, "sep_conv_3x3", 1, "identity", "add"], …], "concat": [2, 3]},
     "reduce": {…}}

A block is two (state, operation) pairs and the combiner. ``space`` says which operations may
occur, ``combine`` whether blocks only add or each chooses. `GenotypeRecord` is the schema;
manifests hold it as it is.
"""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.core.errors import DataError
from tasks.core.files import read_text, shown
from tasks.core.records import Record
from tasks.nas.space.darts import from_darts
from tasks.nas.types import (
    MAX_BLOCKS,
    NUM_INPUTS,
    SPACES,
    Block,
    Cell,
    Combiner,
    Edge,
    Genotype,
    Operation,
)

MAX_BYTES = 1_000_000
TEXT_SUFFIXES = (".py", ".txt", ".log")
FILE_SUFFIXES = (".json", *TEXT_SUFFIXES)
_IN_DARTS_NOTATION = re.compile(r"\bGenotype\s*\(|\bnormal_concat\b")
BlockRow = tuple[int, Operation, int, Operation, Combiner]


class CellRecord(BaseModel):
    """One cell: its blocks in order, and the states it concatenates."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    blocks: tuple[BlockRow, ...] = Field(max_length=MAX_BLOCKS)
    concat: tuple[int, ...] = Field(max_length=MAX_BLOCKS + NUM_INPUTS)


class GenotypeRecord(Record):
    """Both cells, as they are stored."""

    model_config = ConfigDict(strict=True)
    schema_id: ClassVar[str] = "nas.genotype/1"

    version: Literal[1] = 1
    space: Literal["nasnet", "darts", "all"]
    combine: Literal["add", "choice"]
    normal: CellRecord
    reduce: CellRecord

    @classmethod
    def of(cls, genotype: Genotype) -> GenotypeRecord:
        """Record of a genotype."""
        return cls.model_validate(
            {
                "space": genotype.space,
                "combine": "add" if genotype.combiners == {Combiner.ADD} else "choice",
                **{
                    name: CellRecord(blocks=tuple(map(_row, cell.blocks)), concat=cell.concat)
                    for name, cell in genotype.cells()
                },
            }
        )

    def genotype(self, where: str = "genotype") -> Genotype:
        """Genotype of the record.

        Args:
            where: What the errors call it, such as a file's path.

        Raises:
            DataError: A cell is wrong, or has what its space or ``combine`` excludes.
        """
        cells = {}
        for name, record in (("normal", self.normal), ("reduce", self.reduce)):
            try:
                cells[name] = _cell(record)
            except DataError as error:
                raise DataError(f"{where}: {name} cell: {error}") from None
        found = Genotype(**cells)
        excluded = found.operations - {*SPACES[self.space]}
        if excluded:
            raise DataError(
                f"{where}: space {self.space} has no {min(excluded)}; expected some of "
                f"{', '.join(SPACES[self.space])}, or another space"
            )
        if self.combine == "add" and found.combiners != {Combiner.ADD}:
            raise DataError(f'{where}: a block concatenates although "combine" says "add"')
        return found


def parse_genotype(text: str, where: str = "genotype") -> Genotype:
    """Read a genotype from JSON.

    Args:
        text: The document.
        where: What the errors call it, such as a file's path.

    Raises:
        DataError: It is no JSON, not of the schema, or a cell is wrong.
    """
    try:
        return GenotypeRecord.model_validate_json(text).genotype(where)
    except ValidationError as error:
        raise DataError(f"{where}: {_explain(error.errors()[0])}") from None


def genotype_json(genotype: Genotype) -> str:
    """Write a genotype as JSON, one block a line."""
    record = GenotypeRecord.of(genotype).model_dump(mode="json")
    cells = [f'"{name}": {_cell_json(record.pop(name))}' for name in ("normal", "reduce")]
    head = json.dumps(record)[1:-1]
    return "{" + head + ",\n" + ",\n".join(cells) + "}\n"


def read_genotype(path: Path, name: str = "") -> Genotype:
    """Read a genotype from a file: JSON, or DARTS' notation in a Python file or a log.

    Args:
        path: The file.
        name: Which of its genotypes is meant; empty where there is but one.

    Raises:
        DataError: It can't be read, isn't a genotype, or has none of that name.
    """
    text = read_text(path, MAX_BYTES, "a genotype as JSON, or in DARTS' notation")
    if _IN_DARTS_NOTATION.search(text) or path.suffix in TEXT_SUFFIXES:
        return from_darts(text, shown(path), name)
    if name:
        raise DataError(
            f"{shown(path)}: expected Genotype(…) by the name {name}; a genotype as JSON has none, "
            "leave it out"
        )
    return parse_genotype(text, shown(path))


def _row(block: Block) -> BlockRow:
    left, right = block.edges
    return left.source, left.operation, right.source, right.operation, block.combiner


def _cell(record: CellRecord) -> Cell:
    blocks = tuple(
        Block(Edge(source_1, operation_1), Edge(source_2, operation_2), combiner)
        for source_1, operation_1, source_2, operation_2, combiner in record.blocks
    )
    return Cell(blocks, record.concat)


def _cell_json(cell: dict[str, Any]) -> str:
    rows = ",\n  ".join(json.dumps(row) for row in cell["blocks"])
    return f'{{"blocks": [\n  {rows}],\n "concat": {json.dumps(cell["concat"])}}}'


def _explain(error: Any) -> str:
    """One sentence for pydantic's first complaint; names the operation that was meant."""
    place = shown(".".join(map(str, error["loc"]))) or "the document"
    found = error["input"]
    if error["type"] != "enum" or not isinstance(found, str):
        return f"{place}: {error['msg']}; found {str(found)[:80]!r}"
    known = [*Operation] if "identity" in error["ctx"]["expected"] else [*Combiner]
    near = difflib.get_close_matches(found, known, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    kind = "operation" if len(known) > 2 else "combiner"
    return f"{place}: unknown {kind} {shown(found)!r}; expected one of {', '.join(known)}{meant}"
