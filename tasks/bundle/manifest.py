"""What `bundle.json` says: signatures, networks, files, and where they come from.

It is read as something of unknown origin: what is unknown, of another type or contradicts itself is
refused by name. No record here names a place outside of the bundle's folder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, StringConstraints, ValidationError, model_validator

from tasks.core.errors import DataError
from tasks.core.models import BUNDLE_FILE
from tasks.core.records import Record, Sha256

SCHEMA: Final = "orrery.bundle/1"
GRANULAR_SCHEMA: Final = "orrery.bundle/2"  # of those with cells or regions
BYTES: Final = "bytes"
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,99}"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_MAX_SHOWN = 300

Name = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]
FileName = Annotated[str, StringConstraints(pattern=f"^{_PART}(/{_PART}){{0,7}}$")]
Code = Annotated[
    str, StringConstraints(pattern=r"^tasks(\.[a-z][a-z0-9_]*)+:[A-Za-z][A-Za-z0-9_]*$")
]
Size = Annotated[int, Field(ge=0, lt=2**40)]
SizeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*+/() -]{1,100}$")]
Dtype = Literal[
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "bytes",
]


class Tensor(Record):
    """An input or output.

    Attributes:
        name: What it is called.
        dtype: Its type as NumPy calls it, or ``bytes``: text and files, objects of `bytes`.
        shape: Size of each axis; of a dynamic one the name of the size, which is the same wherever
            the size is, or a formula of such names.
    """

    schema_id = "bundle.tensor/1"

    name: Name
    dtype: Dtype
    shape: tuple[Size | SizeName, ...] = Field(max_length=16)

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type of its arrays."""
        return np.dtype(object if self.dtype == BYTES else self.dtype)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Size of each axis, -1 where it is dynamic."""
        return tuple(axis if isinstance(axis, int) else -1 for axis in self.shape)

    def check(self, array: npt.NDArray[Any], sizes: dict[str, int], where: str) -> None:
        """Compare an array with it; dynamic sizes are noted by name, and must be the same.

        Raises:
            DataError: The array has another type, rank or size.
        """
        shape, fits = array.shape, array.dtype == self.numpy_dtype
        if not fits or len(shape) != len(self.shape):
            raise self._misfit(array, where)
        for axis, size in zip(self.shape, shape, strict=True):  # once a request: kept short
            if isinstance(axis, int):
                if axis != size:
                    raise self._misfit(array, where)
            elif axis.isidentifier() and sizes.setdefault(axis, size) != size:
                raise DataError(
                    f"{where}: expected a size of {sizes[axis]} for {axis}, as elsewhere, got "
                    f"{size}"
                )

    def _misfit(self, array: npt.NDArray[Any], where: str) -> DataError:
        return DataError(
            f"{where}: expected {self.dtype} of shape {self.sizes} (-1: any), got {array.dtype} of "
            f"shape {array.shape}"
        )


class Step(Record):
    """A function of `tasks` before or after the network; see `tasks.bundle.steps`.

    Attributes:
        function: ``module:function``.
        version: What it says of itself; a function that computes otherwise has another one.
    """

    schema_id = "bundle.step/1"

    function: Code
    version: int = Field(ge=1)


class Signature(Record):
    """One thing that can be asked.

    Attributes:
        method: ``predict`` gives tensors, ``classify`` a score a label, ``regress`` a number.
        inputs: What is given; without a step before, they are the network's inputs.
        outputs: What comes back; without a step after, they are outputs of the network.
        batch: Name of the size that counts items, which are answered each by itself; None where
            a call is one item.
        labels: What the last axis of the one output counts (``classify`` alone).
        padding: By the name of a dynamic size, the value with which shorter items are filled, so
            that they share a batch; outputs that have the size are cut back.
        before: Makes the network's inputs of what is given.
        after: Makes what comes back of the network's outputs.
        golden: File of golden inputs and outputs; see `tasks.bundle.arrays`.
        tolerance: Greatest difference of a golden output.
        warm_up: Sizes of the batches, made of golden inputs, that a server asks before it answers.
    """

    schema_id = "bundle.signature/1"

    method: Literal["predict", "classify", "regress"]
    inputs: tuple[Tensor, ...] = Field(min_length=1)
    outputs: tuple[Tensor, ...] = Field(min_length=1)
    batch: Name | None
    labels: tuple[str, ...] = ()
    padding: dict[Name, float] = Field(default_factory=dict)
    before: Step | None = None
    after: Step | None = None
    golden: FileName
    tolerance: float = Field(ge=0)
    warm_up: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = (1,)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for tensors in (self.inputs, self.outputs):
            _unique([each.name for each in tensors])
        given = {axis for each in self.inputs for axis in each.shape}
        leading = {each.shape[0] for each in self.outputs if each.shape}
        if self.batch is not None and self.batch not in given & leading:
            raise ValueError(f"no input has, and no output begins with, the size {self.batch!r}")
        _check_padding(self.padding, self.inputs, self.batch)
        self._check_method()
        return self

    def _check_method(self) -> None:
        if self.method == "predict":
            if self.labels:
                raise ValueError("labels are for classify")
            return
        shape, end = self.outputs[0].shape, (len(self.labels),)
        wanted = (self.batch, *end) if self.method == "classify" else (self.batch,)
        is_number = self.outputs[0].dtype.startswith("float")
        if len(self.outputs) > 1 or self.batch is None or shape != wanted or not is_number:
            raise ValueError(f"{self.method}: expected one output of floats of shape {wanted}")


class Cell(Record):
    """A recurrent network as one step, repeated until a sequence is done.

    Items lie along the first axis of all that it takes and gives, steps along the second one of
    sequences; a step gets and gives one place of them, without that axis.

    Attributes:
        along: Inputs that are sequences; what else there is, is given at every step.
        state: What a step hands to the next: by the output that gives it, the input that takes it;
            nought at first.
        collected: Outputs that are sequences, too; of others a sequence has what its last step
            gave.
    """

    schema_id = "bundle.cell/1"

    along: tuple[Name, ...] = Field(min_length=1)
    state: dict[Name, Tensor] = Field(min_length=1)
    collected: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _unique([*self.along, *(each.name for each in self.state.values())])
        for name, tensor in self.state.items():
            if -1 in tensor.sizes[1:] or tensor.sizes[:1] != (-1,):
                raise ValueError(f"state {name}: expected items, and fixed sizes after them")
            if name in self.collected:
                raise ValueError(f"collected: {name} is a state")
        return self


class Region(Record):
    """The part of a graph that is worth a batch: what is before and after it runs by request.

    Attributes:
        inputs: Tensors of the graph at which it begins.
        outputs: Those at which it ends.
        batch: Name of the size, in all of them, that counts items.
        padding: As in a signature, of sizes of its own tensors.
    """

    schema_id = "bundle.region/1"

    inputs: tuple[Tensor, ...] = Field(min_length=1)
    outputs: tuple[Tensor, ...] = Field(min_length=1)
    batch: Name
    padding: dict[Name, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _unique([each.name for each in (*self.inputs, *self.outputs)])
        if odd := [e.name for e in (*self.inputs, *self.outputs) if self.batch not in e.shape]:
            raise ValueError(f"{odd[0]} has no size {self.batch!r}, which counts items")
        _check_padding(self.padding, self.inputs, self.batch)
        return self


class Network(Record):
    """One form of the model that answers; all forms of a bundle answer the same.

    Attributes:
        runtime: Who opens it: ``onnx``, ``torch``, ``python``, or one that an installed package
            declares; see `tasks.bundle.runtimes`.
        file: The bundle's file that holds it.
        target: A class of `tasks`, for ``python``.
        outputs: Names of its outputs, in its order.
        tolerance: Greatest difference of a golden output, where it is another than the
            signature's, as of a quantised one.
        curve: Batch sizes, and CPU microseconds that an item takes in such a batch, one thread.
        cell: Where it is only one step of the model: how the steps follow each other.
        region: Where only a part of it should be asked in batches (``onnx`` alone): which.
    """

    schema_id = "bundle.network/1"

    runtime: Name
    file: FileName | None = None
    target: Code | None = None
    outputs: tuple[Name, ...] = Field(min_length=1)
    tolerance: float | None = Field(default=None, ge=0)
    curve: tuple[tuple[Annotated[int, Field(ge=1)], Annotated[float, Field(ge=0)]], ...] = ()
    cell: Cell | None = None
    region: Region | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _unique(self.outputs)
        if self.file is None and self.target is None:
            raise ValueError("expected a file or a target")
        if self.region is not None and (self.cell is not None or self.runtime != "onnx"):
            raise ValueError("region: expected a network of runtime onnx that is no cell")
        if self.cell and (odd := {*self.cell.state, *self.cell.collected} - set(self.outputs)):
            raise ValueError(f"cell: the network gives no {min(odd)}")
        return self


class File(Record):
    """Digest and size of a file."""

    schema_id = "bundle.file/1"

    sha256: Sha256
    num_bytes: int = Field(ge=0)


class Provenance(Record):
    """Where a model comes from.

    Attributes:
        maker: Stage that made it.
        run: MLflow run that registered it; empty before.
        stage_key: Key of that run's stage; empty before.
        data: Digests of the data that it learned from, by name.
        licences: Of data and weights, by what they are of.
    """

    schema_id = "bundle.provenance/1"

    maker: str = ""
    run: str = ""
    stage_key: str = ""
    data: dict[str, str] = Field(default_factory=dict)
    licences: dict[str, str] = Field(default_factory=dict)


class Bundle(Record):
    """All that `bundle.json` says.

    Attributes:
        schema_: What the file's form is called; `schema` in the file.
        name: Name of the model.
        signatures: What can be asked; the first is the default.
        networks: Who answers; the first is preferred.
        files: All files of the folder, but for `bundle.json` itself.
        use: What whoever asks must know, as JSON values, e.g. how an input is made.
        provenance: Where it comes from.
    """

    schema_id = SCHEMA

    schema_: Literal["orrery.bundle/1", "orrery.bundle/2"] = Field(alias="schema")
    name: Name
    signatures: dict[Name, Signature] = Field(min_length=1, max_length=100)
    networks: dict[Name, Network] = Field(min_length=1, max_length=20)
    files: dict[FileName, File] = Field(max_length=10_000)
    use: dict[str, Any] = Field(default_factory=dict)
    provenance: Provenance = Field(default_factory=Provenance)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if BUNDLE_FILE in self.files:
            raise ValueError(f"files: {BUNDLE_FILE} can't hold its own digest")
        granular = any(each.cell or each.region for each in self.networks.values())
        if granular and self.schema_ != GRANULAR_SCHEMA:
            raise ValueError(f"networks: cells and regions are of schema {GRANULAR_SCHEMA}")
        named = [each.golden for each in self.signatures.values()]
        named += [each.file for each in self.networks.values() if each.file]
        if missing := [name for name in named if name not in self.files]:
            raise ValueError(f"files: {missing[0]} is used and not among them")
        for name, signature in self.signatures.items():
            wanted = {each.name for each in signature.outputs}
            for whose, network in self.networks.items():
                if signature.after is None and (lacks := wanted - set(network.outputs)):
                    raise ValueError(f"network {whose} gives no {min(lacks)} for signature {name}")
        return self

    def text(self) -> str:
        """The file's text."""
        return self.model_dump_json(indent=1, exclude_defaults=True, by_alias=True) + "\n"


def parse_bundle(text: str, where: str) -> Bundle:
    """Parse a `bundle.json`.

    Args:
        text: The document.
        where: Where it comes from, for messages.

    Raises:
        DataError: It is none, of a schema that is unknown here, or contradicts itself.
    """
    try:
        return Bundle.model_validate_json(text, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        first = next((each for each in found if each["loc"][:1] == ("schema",)), found[0])
        place = ".".join(map(str, first["loc"])) or "bundle"
        advice = ""
        if place == "schema":
            got = "none" if first["type"] == "missing" else repr(str(first["input"])[:_MAX_SHOWN])
            advice = f", got {got}; a later Orrery may have written it, or it is no bundle"
        raise DataError(
            f"{where}: {place[:_MAX_SHOWN]}: {first['msg'][:_MAX_SHOWN]}{advice}"
        ) from error


def greatest_difference(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Greatest difference of two arrays of a shape; infinite where bytes differ, NaN of NaNs."""
    is_other = np.asarray(found != expected)
    if found.dtype == object:
        return math.inf if is_other.any() else 0.0
    pairs = (each[is_other].astype(np.float64) for each in (found, expected))
    return float(np.abs(np.subtract(*pairs)).max(initial=0.0))


def _check_padding(padding: dict[str, float], inputs: Sequence[Tensor], batch: str | None) -> None:
    given = {axis for each in inputs for axis in each.shape}
    if odd := set(padding) - (given - {batch}):
        raise ValueError(f"padding: no input has the size {min(odd)!r}, or it counts items")


def _unique(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"names that differ were expected, got {', '.join(names)[:_MAX_SHOWN]}")
