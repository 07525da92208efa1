"""What it saves if sequences share steps, not whole runs that are filled up to the longest.

``granular_ratio``: requests a CPU second (ingress and worker) of an LSTM of 512 units that is
served as a cell, over those of the same LSTM served whole, in batches that are filled up; 64
connections, batches up to 64, sequences of 2 to 60 words, short ones more often (uniform in the
logarithm of the length: 17 words in the mean). ``granular_ratio_uniform``: the same, all lengths as
often (31 words). ``granular_ratio_1``: at one connection, where nothing is shared and each step is
a call. Both must answer the same before. Windows take turns; who is not asked stands still.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import numpy.typing as npt

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import FOLDER, NUM_WORDS, place
from benchmarks.serving.clients.load import Requests, closed_loop
from benchmarks.serving.servers import Server, ours
from benchmarks.speedup import median
from tasks.bundle.arrays import write_golden
from tasks.bundle.folders import files_of, whole_folder, write_manifest
from tasks.bundle.making import GRAPH, Example, Recurrence, make_bundle
from tasks.bundle.manifest import SCHEMA, Bundle, Network, Signature, Tensor
from tasks.bundle.replay import replay_network
from tasks.bundle.runtimes import Servable

FULL, QUICK = (10.0, 5), (2.0, 1)  # seconds of a window, and rounds
_WARM_S = 2.0
_UNITS, _INPUTS, _SHORTEST, _LONGEST = 512, 256, 2, 60
_CONNECTIONS, _NUM_BODIES, _TOLERANCE = 64, 512, 1e-4
_GOLDEN: Final = (4, 7)
NAMES: Final = ("padded", "granular")


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Measure both in turns.

    Args:
        folder: Takes what servers need.
        quick: Whether the run is short.
    """
    seconds, num_rounds = QUICK if quick else FULL
    rng = np.random.default_rng(0)
    asked = {
        "granular_ratio": (bodies(log_uniform(rng)), _CONNECTIONS),
        "granular_ratio_uniform": (bodies(rng.integers(_SHORTEST, _LONGEST + 1, _NUM_BODIES)), 64),
        "granular_ratio_1": (bodies(log_uniform(rng)), 1),
    }
    ratios: dict[str, list[float]] = {name: [] for name in asked}
    costs_us: list[float] = []
    made = bundles()
    with (
        ours(folder / "padded", _config(folder, "padded", made["padded"])) as padded,
        ours(folder / "granular", _config(folder, "granular", made["granular"])) as granular,
        OwnProcess() as client,
    ):
        _compare(padded, granular, asked["granular_ratio"][0][:32])
        for server in (padded, granular):
            server.pause()
        for number in range(-1, num_rounds):
            window_s = _WARM_S if number < 0 else seconds
            for name, (sent, connections) in asked.items():
                theirs, own = (
                    _cost_us(client, server, sent, connections, window_s)
                    for server in (padded, granular)
                )
                if number >= 0:
                    ratios[name].append(theirs / own)
                    costs_us += [own] if name == "granular_ratio" else []
        for server in (padded, granular):
            server.go_on()
    return {name: median(each) for name, each in ratios.items()} | {
        "granular_us": median(costs_us, "us")
    }


def bundles() -> dict[str, Path]:
    """Both bundles, made of the same weights where they aren't there."""
    folders = {name: FOLDER / "bundles" / f"sequences-{name}" / "1" for name in NAMES}
    if not all(each.is_dir() for each in folders.values()):
        print("making bundles of an LSTM", flush=True)
        _make(folders)
    return folders


def log_uniform(rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Lengths of which the short ones are more frequent, as of sentences."""
    shortest, longest = np.log([_SHORTEST, _LONGEST + 1]).tolist()
    return np.exp(rng.uniform(shortest, longest, _NUM_BODIES)).astype(np.int64)


def bodies(lengths: npt.NDArray[np.int64]) -> tuple[bytes, ...]:
    """Requests of one sequence each."""
    rng = np.random.default_rng(1)
    sequences = [rng.integers(1, NUM_WORDS, each).tolist() for each in lengths]
    return tuple(json.dumps({"instances": [each]}).encode() for each in sequences)


def _config(folder: Path, name: str, bundle: Path) -> dict[str, Any]:
    place(bundle, folder / "models" / name / "1")
    batching = {"max_batch_size": _CONNECTIONS}
    return {
        "models": {"lstm": {"folder": str(folder / "models" / name), "batching": batching}},
        "limits": {"slots": 1},
    }


def _compare(one: Server, other: Server, sent: tuple[bytes, ...]) -> None:
    """Make sure that both answer the same.

    Raises:
        RuntimeError: They don't.
    """
    for body in sent:
        found = [
            httpx.post(f"http://127.0.0.1:{server.port}/v1/models/lstm:predict", content=body)
            for server in (one, other)
        ]
        first, second = (np.array(each.json()["predictions"]) for each in found)
        if not np.abs(first - second).max() <= _TOLERANCE:
            raise RuntimeError(f"{body[:100]!r}: expected equal answers, got {first} and {second}")


def _cost_us(
    client: OwnProcess, server: Server, sent: tuple[bytes, ...], connections: int, seconds: float
) -> float:
    server.go_on()
    begun_s = server.cpu_s()
    requests = Requests(server.port, "/v1/models/lstm:predict", sent)
    answers = client.call(closed_loop, requests, connections, seconds).value
    spent_s = server.cpu_s() - begun_s
    server.pause()
    if answers.num_failed or not answers.num:
        raise RuntimeError(f"{answers.num_failed} requests failed: {answers.reasons[:3]}")
    return 1e6 * spent_s / answers.num


def _make(folders: dict[str, Path]) -> None:
    import torch

    step, whole = _networks()
    words = torch.randint(1, NUM_WORDS, _GOLDEN)
    with torch.no_grad():
        logits = whole(words).numpy()
    state = [torch.zeros(_GOLDEN[0], _UNITS) for _ in range(2)]  # one twice would be one input
    batch = {0: torch.export.Dim("batch", min=1)}
    program = torch.export.export(step, (words[:, 0], *state), dynamic_shapes=(batch,) * 3)
    example = Example({"words": words.numpy()}, {"logits": logits}, _TOLERANCE)
    recurrence = Recurrence(("words",), {"hidden_1": "hidden", "cell_1": "cell"})
    make_bundle(folders["granular"], "lstm", program, {"predict": example}, recurrence=recurrence)
    with whole_folder(folders["padded"]) as partial:
        _write_padded(partial, whole, words, example)


def _networks() -> tuple[Any, Any]:
    """One step of an LSTM, and the same over sequences."""
    import torch
    from torch import nn

    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.known = nn.Embedding(NUM_WORDS, _INPUTS)
            self.read = nn.LSTM(_INPUTS, _UNITS)
            self.name = nn.Linear(_UNITS, 8)

        def forward(self, words: Any, hidden: Any, cell: Any) -> Any:
            state = (hidden.unsqueeze(0), cell.unsqueeze(0))
            _, (hidden, cell) = self.read(self.known(words).unsqueeze(0), state)
            return {"logits": self.name(hidden[0]), "hidden_1": hidden[0], "cell_1": cell[0]}

    class Whole(nn.Module):
        """The same over sequences that are filled up with the word 0 behind their end."""

        def __init__(self, step: Cell) -> None:
            super().__init__()
            self.step = step

        def forward(self, words: Any) -> Any:
            seen, _ = self.step.read(self.step.known(words).transpose(0, 1))
            ends = ((words > 0).sum(dim=1) - 1)[None, :, None].expand(-1, -1, _UNITS)
            return self.step.name(torch.gather(seen, 0, ends)[0])

    torch.manual_seed(0)
    step = Cell().eval()
    return step, Whole(step)


def _write_padded(folder: Path, whole: Any, words: Any, example: Example) -> None:
    """Write what `make_bundle` can't: PyTorch's newer exporter knows LSTMs of one length alone."""
    import torch

    torch.onnx.export(
        whole,
        (words,),
        str(folder / GRAPH),
        input_names=["words"],
        output_names=["logits"],
        dynamic_axes={"words": {0: "batch", 1: "length"}, "logits": {0: "batch"}},
        dynamo=False,
    )
    write_golden(folder / "golden.safetensors", example.inputs, example.outputs)
    signature = Signature(
        method="predict",
        inputs=(Tensor(name="words", dtype="int64", shape=("batch", "length")),),
        outputs=(Tensor(name="logits", dtype="float32", shape=("batch", 8)),),
        batch="batch",
        padding={"length": 0.0},
        golden="golden.safetensors",
        tolerance=_TOLERANCE,
    )
    network = Network(runtime="onnx", file=GRAPH, outputs=("logits",))
    bundle = Bundle(
        schema=SCHEMA,
        name="lstm",
        signatures={"predict": signature},
        networks={"onnx": network},
        files=files_of(folder),
    )
    replay_network(Servable(folder, bundle, "onnx"))
    write_manifest(folder, bundle)
