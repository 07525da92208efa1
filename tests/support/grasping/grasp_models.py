"""Small networks as policies, exported in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save_model(path: Path, size_px: int, num_motions: int | None = None) -> Path:
    """Export an untrained network with the signature of a policy.

    Args:
        path: File to write.
        size_px: Width and height of the pictures that it takes.
        num_motions: How many motions it takes; any number if None.
    """
    import torch

    class Predictor(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = torch.nn.Conv2d(6, 4, 5, 2)
            self.judged = torch.nn.Linear(9, 1)

        def forward(self, before: Any, now: Any, commands: Any) -> Any:
            pictures = torch.cat([before, now], -1).permute(0, 3, 1, 2).float() / 255
            seen = self.seen(pictures).abs().mean((2, 3)).expand(commands.shape[0], -1)
            return torch.sigmoid(self.judged(torch.cat([seen, 10 * commands], 1)))[:, 0]

    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = Predictor().eval()
    before, now = (torch.zeros(1, size_px, size_px, 3, dtype=torch.uint8) for _ in range(2))
    motions = torch.zeros(num_motions or 4, 5)
    return save_program(path, network, (before, now, motions), is_dynamic=num_motions is None)


def save_program(
    path: Path,
    network: Any,
    example: tuple[Any, ...],
    *,
    is_dynamic: bool = True,
    in_floats: bool = False,
) -> Path:
    """Export a network; the last of its inputs has any length."""
    import torch

    class InFloats(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, before: Any, now: Any, motions: Any) -> Any:
            return self.network(before.float(), now.float(), motions)

    shapes: Any = None
    if is_dynamic:
        length = torch.export.Dim("length", min=1, max=4096)
        shapes = (*(None,) * (len(example) - 1), {0: length})
    inner = InFloats() if in_floats else network
    if is_dynamic and in_floats:
        shapes = (None, None, shapes[-1])
    torch.export.save(torch.export.export(inner, example, dynamic_shapes=shapes), path)
    return path
