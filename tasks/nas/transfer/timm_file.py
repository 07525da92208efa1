"""A file with weights of timm, as the backbone of detectors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import DataError
from tasks.core.ports import StageContext
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.transfer.manifests import TimmBackbone

if TYPE_CHECKING:
    from tasks.nas.models.timm_weights import TimmNetwork

_FILE = "timm.pt"


def keep_timm(path: Path, ctx: StageContext) -> TimmBackbone:
    """Read a state dict of timm's and keep it under the names of the network here.

    Args:
        path: What ``torch.save(model.state_dict(), path)`` wrote. It is read without running what
            is in it.
        ctx: The stage's.

    Raises:
        DataError: It is no state dict of a network that is known.
    """
    import torch  # the driver of a run without such a file doesn't load it

    try:
        found = _read(path)
    except Exception as error:  # torch raises a dozen kinds of what is something else
        raise DataError(
            f"prepare_transfer.timm, {path.name}: no weights of timm that are known: {error}"
        ) from error
    torch.save(found.state, ctx.scratch / _FILE)
    return TimmBackbone(
        name=f"{found.name} of timm",
        genotype=None if found.genotype is None else GenotypeRecord.of(found.genotype),
        spec=asdict(found.size),
        standard=(found.mean, found.std),
        weights=ctx.store.add(ctx.scratch / _FILE, _FILE),
    )


def _read(path: Path) -> TimmNetwork:
    """The network of a file, once it is known that every weight has its place."""
    import torch

    from tasks.nas.models.timm_weights import from_timm
    from tasks.nas.training.networks import build

    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise DataError("expected a state dict, names with their weights")
    found = from_timm(state)
    with torch.device("meta"):
        network = build(found.genotype, found.size)
    network.load_state_dict(found.state, assign=True)
    return found
