"""Makes a bundle of a network that was exported, and of examples of what it answers.

The program itself says the rest: inputs are called as the parameters of ``forward``; types, ranks
and dynamic axes are those that it was exported with; outputs bear their own names where it returns
a dict. What is said twice and differs is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from tasks.bundle.arrays import Arrays, write_golden
from tasks.bundle.curve import measure
from tasks.bundle.folders import files_of, whole_folder, write_manifest
from tasks.bundle.graphs import export_graph, quantise
from tasks.bundle.manifest import (
    BYTES,
    GRANULAR_SCHEMA,
    SCHEMA,
    Bundle,
    Cell,
    Network,
    Provenance,
    Region,
    Signature,
    Tensor,
)
from tasks.bundle.programs import Form, forms
from tasks.bundle.replay import golden_of, replay_network
from tasks.bundle.runtimes import Servable
from tasks.bundle.steps import step_of
from tasks.core.errors import DataError

PROGRAM, GRAPH, SMALL_GRAPH = "model.pt2", "model.onnx", "model.int8.onnx"
BATCH: Final = "batch"


@dataclass(frozen=True)
class Example:
    """What a signature is asked, and what it must answer.

    Attributes:
        inputs: Arrays of two items or more, by name; of `bytes` as objects.
        outputs: What comes of them.
        tolerance: Greatest difference of an output, in any runtime, on any machine.
        method: See `tasks.bundle.manifest.Signature`, as for what follows.
        labels: What the last axis of the one output counts.
        padding: By the name of a dynamic size, the value that items are filled up with. Sizes are
            called ``<input>_<axis>`` by where they stand first, but for ``batch``.
        before: Function that makes the network's inputs; its own arrays have items along their
            first axis, and no other dynamic one.
        after: Function that makes the outputs, of the same kind.
        warm_up: Sizes of batches to begin with.
    """

    inputs: Arrays
    outputs: Arrays
    tolerance: float
    method: Literal["predict", "classify", "regress"] = "predict"
    labels: Sequence[str] = ()
    padding: Mapping[str, float] = field(default_factory=dict)
    before: Callable[[Arrays], Arrays] | None = None
    after: Callable[[Arrays], Arrays] | None = None
    warm_up: Sequence[int] = (1,)


@dataclass(frozen=True)
class Recurrence:
    """How a program that is one step of a recurrent network is repeated; see `Cell`.

    Attributes:
        along: Inputs that are sequences; the program takes one place of them.
        state: Names of inputs by the outputs that they are at the next step.
        collected: Outputs that are sequences; the program gives one place of them.
    """

    along: Sequence[str]
    state: Mapping[str, str]
    collected: Sequence[str] = ()


def make_bundle(
    folder: Path,
    name: str,
    program: Any,
    examples: Mapping[str, Example],
    *,
    use: Mapping[str, Any] | None = None,
    provenance: Provenance | None = None,
    with_onnx: bool = True,
    int8_tolerance: float | None = None,
    recurrence: Recurrence | None = None,
    region: Region | None = None,
) -> Bundle:
    """Write a bundle, whose networks have given what the examples say.

    Args:
        folder: Where it appears, whole or not at all; it must not exist.
        name: Name of the model.
        program: A network in eval mode, exported on the CPU; its dynamic axes begin at 1.
        examples: What can be asked, by signature; the first is the default, asked without steps.
        use: See `tasks.bundle.manifest.Bundle`.
        provenance: See there.
        with_onnx: Whether it is written as ONNX, too, which then is preferred.
        int8_tolerance: Greatest difference of a quantised form; none is made if None.
        recurrence: Where the program is one step; the examples are of whole sequences.
        region: Which part of the ONNX graph is worth a batch; None for all of it.

    Raises:
        DataError: Program, examples and answers disagree, or it can't be written as ONNX.
    """
    where = f"model {name}"
    with _refusals(where), whole_folder(folder) as partial:
        given, found = _tensors(program, examples, where)
        cell, takes, gives = _recurring(recurrence, given, found, where)
        signatures = {
            signature: _signature(partial, signature, example, takes, gives, where)
            for signature, example in examples.items()
        }
        networks = _networks(partial, program, given, found, with_onnx, int8_tolerance)
        networks = {key: _granular(each, cell, region) for key, each in networks.items()}
        bundle = Bundle(
            schema=GRANULAR_SCHEMA if cell or region else SCHEMA,
            name=name,
            signatures=signatures,
            networks=networks,
            files=files_of(partial),
            use=dict(use or {}),
            provenance=provenance or Provenance(),
        )
        return write_manifest(partial, _tried(partial, bundle))


def _tried(folder: Path, bundle: Bundle) -> Bundle:
    """The same, whose networks gave the golden outputs, with their curves."""
    found = {}
    for name, network in bundle.networks.items():
        servable = Servable(folder, bundle, name)
        replay_network(servable)
        found[name] = _with(network, {"curve": measure(servable)})
    return bundle.model_copy(update={"networks": found})


def _recurring(
    recurrence: Recurrence | None, takes: Sequence[Tensor], gives: Sequence[Tensor], where: str
) -> tuple[Cell | None, Sequence[Tensor], Sequence[Tensor]]:
    """What is repeated, if anything, and what the whole takes and gives then."""
    if recurrence is None:
        return None, takes, gives
    cell = _cell(recurrence, takes, gives, where)
    return cell, *_of_sequences(recurrence, takes, gives)


def _granular(network: Network, cell: Cell | None, region: Region | None) -> Network:
    """A network that says which part of it is worth a batch; regions are of ONNX graphs."""
    return _with(network, {"cell": cell, "region": region if network.runtime == "onnx" else None})


def _with(network: Network, told: Mapping[str, Any]) -> Network:
    """A network of which more is told; as it is checked."""
    return Network(**{**{key: getattr(network, key) for key in Network.model_fields}, **told})


def _cell(
    recurrence: Recurrence, takes: Sequence[Tensor], gives: Sequence[Tensor], where: str
) -> Cell:
    given, found = ({each.name: each for each in some} for some in (takes, gives))
    wanted = {"takes": {*recurrence.along, *recurrence.state.values()}}
    wanted["gives"] = {*recurrence.collected, *recurrence.state}
    for what, known in (("takes", given), ("gives", found)):
        if odd := wanted[what] - set(known):
            raise DataError(
                f"{where}: its recurrence names {min(odd)}, the program {what} {', '.join(known)}"
            )
    return Cell(
        along=tuple(recurrence.along),
        state={output: given[name] for output, name in recurrence.state.items()},
        collected=tuple(recurrence.collected),
    )


def _of_sequences(
    recurrence: Recurrence, takes: Sequence[Tensor], gives: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """What sequences have where a step has one place of them, without the states of the inputs."""
    num_steps = f"{recurrence.along[0]}_1"

    def longer(each: Tensor) -> Tensor:
        is_long = each.name in (*recurrence.along, *recurrence.collected)
        shape = (*each.shape[:1], num_steps, *each.shape[1:])
        return each.model_copy(update={"shape": shape}) if is_long else each

    is_state = set(recurrence.state.values())
    return [longer(each) for each in takes if each.name not in is_state], [*map(longer, gives)]


def _networks(
    folder: Path,
    program: Any,
    takes: Sequence[Tensor],
    gives: Sequence[Tensor],
    with_onnx: bool,
    int8_tolerance: float | None,
) -> dict[str, Network]:
    import torch

    inputs, outputs = (tuple(each.name for each in some) for some in (takes, gives))
    networks: dict[str, Network] = {}
    if with_onnx:
        export_graph(program, folder / GRAPH, inputs, outputs)
        networks["onnx"] = Network(runtime="onnx", file=GRAPH, outputs=outputs)
    torch.export.save(program, folder / PROGRAM)
    networks["torch"] = Network(runtime="torch", file=PROGRAM, outputs=outputs)
    if int8_tolerance is not None:
        quantise(folder / GRAPH, folder / SMALL_GRAPH)
        networks["int8"] = Network(
            runtime="onnx", file=SMALL_GRAPH, outputs=outputs, tolerance=int8_tolerance
        )
    return networks


def _signature(
    folder: Path,
    name: str,
    example: Example,
    takes: Sequence[Tensor],
    gives: Sequence[Tensor],
    where: str,
) -> Signature:
    """A signature, whose golden arrays are written and fit it."""
    before, after = example.before, example.after
    batch = BATCH if any(BATCH in each.shape for each in takes) else None
    named = {each.name: each for each in gives}
    if after is None and (odd := set(example.outputs) - set(named)):
        raise DataError(
            f"{where}: expected golden outputs of {', '.join(named)}, as its program returns them, "
            f"got {min(odd)}"
        )
    signature = Signature(
        method=example.method,
        inputs=tuple(takes) if before is None else _of_arrays(example.inputs, batch),
        outputs=_of_arrays(example.outputs, batch)
        if after is not None
        else tuple(named[each] for each in example.outputs),
        batch=batch,
        labels=tuple(example.labels),
        padding=dict(example.padding),
        before=None if before is None else step_of(before),
        after=None if after is None else step_of(after),
        golden=f"golden/{name}.safetensors",
        tolerance=example.tolerance,
        warm_up=tuple(example.warm_up),
    )
    write_golden(folder / signature.golden, example.inputs, example.outputs)
    golden_of(folder, signature)
    return signature


def _of_arrays(arrays: Arrays, batch: str | None) -> tuple[Tensor, ...]:
    """What steps take or give: items come first, the rest is as large as in the example."""
    return tuple(
        Tensor(
            name=name,
            dtype=BYTES if array.dtype == object else array.dtype.name,  # type: ignore[arg-type]
            shape=(batch or array.shape[0], *array.shape[1:]),
        )
        for name, array in arrays.items()
    )


def _tensors(
    program: Any, examples: Mapping[str, Example], where: str
) -> tuple[list[Tensor], list[Tensor]]:
    """What a program takes and gives, under names for people."""
    takes, gives = forms(program, where)
    told = [[*each.outputs] for each in examples.values() if each.after is None]
    names = [each.name for each in gives]
    if not all(names):
        names = told[0] if told else []
    if len(names) != len(gives):
        raise DataError(
            f"{where}: expected golden outputs as its program returns them, {len(gives)} in its "
            f"order, got {', '.join(names)}"
        )
    sizes = _size_names(takes, gives)
    return (
        [_tensor(each, each.name, sizes) for each in takes],
        [_tensor(each, name, sizes) for each, name in zip(gives, names, strict=True)],
    )


def _size_names(takes: Sequence[Form], gives: Sequence[Form]) -> dict[str, str]:
    """Names of dynamic sizes for people, by those of the program.

    What an output begins with counts items, unless another size follows from it: nobody knows what
    there belongs to an item.
    """
    axes = {axis for each in (*takes, *gives) for axis in each.axes if isinstance(axis, str)}
    derived = {word for axis in axes for word in re.findall(r"\w+", axis) if word != axis}
    taken = {axis for each in takes for axis in each.axes}
    counting = [each.axes[0] for each in gives if each.axes and each.axes[0] in taken - derived]
    names = dict.fromkeys([each for each in counting if isinstance(each, str)][:1], BATCH)
    for form in takes:
        for number, axis in enumerate(form.axes):
            if isinstance(axis, str) and axis.isidentifier():
                names.setdefault(axis, f"{form.name}_{number}")
    return names


def _tensor(form: Form, name: str, sizes: Mapping[str, str]) -> Tensor:
    axes = [
        each
        if isinstance(each, int)
        else re.sub(r"[A-Za-z_]\w*", lambda word: sizes.get(word[0], word[0]), each)
        for each in form.axes
    ]
    return Tensor(name=name, dtype=form.dtype.name, shape=tuple(axes))  # type: ignore[arg-type]


@contextmanager
def _refusals(where: str) -> Iterator[None]:
    """Translate what the records refuse."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or error.title
        raise DataError(f"{where}: {place}: {first['msg']}; correct its examples") from error
