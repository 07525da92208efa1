"""Who opens a bundle's networks: ONNX Runtime, PyTorch, a class of `tasks`, or another package.

A package adds a runtime by the entry point ``orrery.runtimes``: a function that is given the
bundle's folder and the `Network` (with its `file` or `target`), and returns what answers arrays by
name with arrays by name. A bundle can only name one that is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.bundle import cells
from tasks.bundle.arrays import Arrays
from tasks.bundle.graphs import check_graph
from tasks.bundle.manifest import Bundle, Network, Region, Signature, Tensor
from tasks.bundle.parts import Part, in_three
from tasks.bundle.programs import forms, load_program
from tasks.bundle.steps import find_step, installed
from tasks.core.errors import DataError, OrreryError, ResourceError

GROUP: Final = "orrery.runtimes"
_CUDA: Final = "CUDAExecutionProvider"
Answer = Callable[[Arrays], Arrays]
After = Callable[[Arrays, Arrays], Arrays]  # given what the network was, and what it found
Runtime = Callable[[Path, Network], Answer]


@dataclass(frozen=True)
class Entered:
    """A request on its way: what its network's batched part is asked, and what came to it.

    Attributes:
        arrays: What the batched part is asked.
        given: What the network was given, which may matter behind that part, too.
        sizes: Dynamic sizes by name.
    """

    arrays: Arrays
    given: Arrays
    sizes: dict[str, int]


class Servable:
    """One network of a bundle, opened, that answers by signature.

    A server asks it in three steps, to share a batch in the middle alone: `enter`, `answer` (or
    `loop`, of a cell), `leave`.

    Attributes:
        folder: The bundle's folder.
        bundle: What it says.
        network: Which of its networks.
    """

    def __init__(
        self, folder: Path, bundle: Bundle, network: str, opener: Runtime | None = None
    ) -> None:
        """Open a network; its folder was read by `tasks.bundle.folders.read_bundle`.

        Args:
            folder: The bundle's folder.
            bundle: What it says.
            network: Which of its networks.
            opener: Opens its ONNX graph instead of the runtime that it names.

        Raises:
            DataError: It has no such network, or one of an unknown runtime; or its file can't be
                opened, or could run code.
        """
        self.folder, self.bundle, self.network = folder, bundle, network
        self._where = where = f"model {bundle.name}: network {network}"
        if network not in bundle.networks:
            raise DataError(f"{where}: expected one of {', '.join(bundle.networks)}")
        told = bundle.networks[network]
        self.cell, self.region = told.cell, told.region
        self._before, self._answer, self._after = _opened(folder, told, where, opener)
        self._steps = {
            name: (find_step(each.before, where), find_step(each.after, where))
            for name, each in bundle.signatures.items()
        }

    def ask(self, signature: str, inputs: Arrays) -> Arrays:
        """Answer one call.

        Args:
            signature: What is asked.
            inputs: Array of each input, by name.

        Returns:
            Array of each output of the signature, by name.

        Raises:
            DataError: There is no such signature, an input has another name, type or size than it
                says, or the network can't take them, or gives something else.
        """
        return self.ask_together((signature,), inputs)[signature]

    def ask_together(self, signatures: Sequence[str], inputs: Arrays) -> Mapping[str, Arrays]:
        """Answer several signatures by one pass of the network.

        Args:
            signatures: What is asked; all take the same inputs, by the same step before.
            inputs: Array of each input, by name.

        Returns:
            By signature what `ask` returns.

        Raises:
            DataError: As there.
        """
        entered = self.enter(signatures, inputs)
        return self.leave(signatures, entered, self.answer(entered.arrays))

    def enter(self, signatures: Sequence[str], inputs: Arrays) -> Entered:
        """Begin a call: check its inputs, and do what comes before the batched part.

        Raises:
            DataError: As `ask_together`.
        """
        where, sizes = f"{self._where}: {'+'.join(signatures)[:200]}", dict[str, int]()
        tensors = [self._signature(each).inputs for each in signatures]
        _check(tensors[0], inputs, sizes, f"{where}: input")
        with _faults(where, inputs):
            given = self._steps[signatures[0]][0](inputs)
            return Entered(self._before(given), given, sizes)

    def answer(self, arrays: Arrays) -> Arrays:
        """Do the batched part, of one request or of several together.

        Raises:
            DataError: The network can't take them.
        """
        with _faults(self._where, arrays):
            if self.cell is not None:
                return cells.run(self._answer, self.cell, arrays)
            return self._answer(arrays)

    def loop(self) -> cells.Loop[Any] | None:
        """Where sequences share the steps of a cell; None if the network isn't one."""

        def step(arrays: Arrays) -> Arrays:
            with _faults(self._where, arrays):
                return self._answer(arrays)

        told = self.bundle.signatures.values()
        wanted = {output.name for each in told for output in each.outputs}
        after = any(each.after is not None for each in told)  # takes whatever it likes
        if self.cell is None:
            return None
        return cells.Loop(step, self.cell, None if after else wanted)

    def leave(
        self, signatures: Sequence[str], entered: Entered, found: Arrays
    ) -> Mapping[str, Arrays]:
        """End a call: do what comes after the batched part, and check its outputs.

        Raises:
            DataError: As `ask_together`.
        """
        told = {}
        with _faults(f"{self._where}: {'+'.join(signatures)[:200]}", found):
            raw = self._after(entered.given, found)
            for name in signatures:
                given = self._steps[name][1](raw)
                told[name] = {each.name: given[each.name] for each in self._signature(name).outputs}
        for name in signatures:
            where = f"{self._where}: {name}: output"
            _check(self._signature(name).outputs, told[name], entered.sizes, where)
        return told

    def _signature(self, name: str) -> Signature:
        if name not in self.bundle.signatures:
            known = ", ".join(self.bundle.signatures)
            raise DataError(f"{self._where}: no signature {name[:100]!r}; it has {known}")
        return self.bundle.signatures[name]


def runtimes() -> Mapping[str, Runtime]:
    """The runtimes of this installation, by name."""
    others = {each.name: each for each in entry_points(group=GROUP)}
    return {**{name: _later(each) for name, each in others.items()}, **_BUILT_IN}


def _later(point: Any) -> Runtime:
    """A runtime of another package, imported once it is used."""

    def open_network(folder: Path, network: Network) -> Answer:
        answer: Answer = point.load()(folder, network)
        return answer

    return open_network


class _faults:  # noqa: N801 - a context, by a class since it is entered three times a request
    """Translate whatever a runtime or a step raises."""

    __slots__ = ("_arrays", "_where")

    def __init__(self, where: str, arrays: Arrays) -> None:
        self._where, self._arrays = where, arrays

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, OrreryError):
            shapes = ", ".join(f"{name} {array.shape}" for name, array in self._arrays.items())
            raise DataError(
                f"{self._where} does not run on {shapes} "
                f"({type(error).__name__}: {str(error)[:300]})"
            ) from error


def _opened(
    folder: Path, network: Network, where: str, opener: Runtime | None
) -> tuple[Answer, Answer, After]:
    """What is done before the batched part of a network, that part, and what is done after it."""
    known = runtimes()
    if network.runtime not in known:
        raise DataError(
            f"{where}: expected a runtime of {', '.join(sorted(known))}, got {network.runtime!r}; "
            f"install the package that declares it as an entry point of {GROUP}"
        )
    if opener is not None and (network.runtime != "onnx" or network.region is not None):
        raise DataError(
            f"{where}: expected a network of runtime onnx, without a region, for shards"
        )
    try:
        if network.region is not None:
            return _open_region(folder, network, network.region)
        return _as_given, (opener or known[network.runtime])(folder, network), _as_found
    except ImportError as error:
        raise DataError(
            f"{where}: its runtime {network.runtime} is not installed: {error}"
        ) from error
    except OrreryError as error:
        raise type(error)(f"{where}: {error}") from error
    except Exception as error:
        raise DataError(
            f"{where} can't be opened ({type(error).__name__}: {str(error)[:300]})"
        ) from error


def _check(tensors: tuple[Tensor, ...], arrays: Arrays, sizes: dict[str, int], where: str) -> None:
    if len(arrays) != len(tensors) or not all(each.name in arrays for each in tensors):
        wanted = [each.name for each in tensors]
        raise DataError(
            f"{where}: expected {', '.join(wanted)}, got {', '.join(map(str, arrays))[:300]}"
        )
    for each in tensors:
        each.check(arrays[each.name], sizes, f"{where} {each.name}")


def _as_given(given: Arrays) -> Arrays:
    return given


def _as_found(_given: Arrays, found: Arrays) -> Arrays:
    return found


def _open_onnx(folder: Path, network: Network) -> Answer:
    path = folder / (network.file or "")
    check_graph(path, path.name)
    return open_graph(str(path), network.outputs)


def _open_region(folder: Path, network: Network, region: Region) -> tuple[Answer, Answer, After]:
    path = folder / (network.file or "")
    check_graph(path, path.name)
    before, middle, after = map(_open_part, in_three(path, region, network.outputs))
    return before, middle, lambda given, found: after({**given, **found})


def _open_part(part: Part) -> Answer:
    if part.graph:
        return open_graph(part.graph, part.gives, part.takes)
    return lambda arrays: {name: arrays[name] for name in part.gives}


def open_graph(
    graph: str | bytes,
    outputs: Sequence[str],
    inputs: Collection[str] | None = None,
    *,
    num_threads: int = 1,
    on_gpu: bool = False,
) -> Answer:
    """Open a graph with ONNX Runtime.

    Args:
        graph: Its path, or its bytes.
        outputs: What is wanted of it.
        inputs: Those of what is given that it takes; None for all.
        num_threads: Threads that compute.
        on_gpu: Whether a GPU does.

    Raises:
        ResourceError: A GPU should, and this ONNX Runtime knows none.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = num_threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    provider = _CUDA if on_gpu else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise ResourceError(
            "a GPU was asked for, but this ONNX Runtime knows none; install onnxruntime-gpu on the "
            "nodes that have one"
        )
    session = onnxruntime.InferenceSession(graph, options, providers=[provider])
    names = [*outputs]

    def answer(arrays: Arrays) -> Arrays:
        given = {k: _as_text(v) for k, v in arrays.items() if inputs is None or k in inputs}
        found = session.run(names, given)
        return {name: _as_bytes(each) for name, each in zip(names, found, strict=True)}

    return answer


def _open_torch(folder: Path, network: Network) -> Answer:
    import torch

    path = folder / (network.file or "")
    program = load_program(path, path.name)
    takes, _ = forms(program, path.name)
    module = program.module()

    def answer(arrays: Arrays) -> Arrays:
        given = [torch.from_numpy(np.array(arrays[each.name], order="C")) for each in takes]
        with torch.no_grad():
            found = module(*given)
        found = (found,) if isinstance(found, torch.Tensor) else found
        values = found.values() if isinstance(found, dict) else found
        return {n: each.numpy() for n, each in zip(network.outputs, values, strict=True)}

    return answer


def _open_python(folder: Path, network: Network) -> Answer:
    """A class of `tasks`: made with the bundle's folder, and called with arrays by name."""
    made = installed(network.target or "", "its target")
    if not isinstance(made, type):
        raise DataError(f"expected a class, {network.target} is none")
    answer: Answer = made(folder)
    return answer


def _as_text(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """ONNX's text is of characters, ours of bytes."""
    if array.dtype != object:
        return array
    texts = np.empty(array.size, object)
    texts[:] = [each.decode() for each in array.ravel().tolist()]
    return texts.reshape(array.shape)


def _as_bytes(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.dtype.kind not in "OU":
        return array
    values = np.empty(array.size, object)
    values[:] = [each.encode() for each in array.ravel().tolist()]
    return values.reshape(array.shape)


_BUILT_IN: Final[Mapping[str, Runtime]] = {
    "onnx": _open_onnx,
    "torch": _open_torch,
    "python": _open_python,
}
