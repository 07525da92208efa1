"""Exports a trained predictor as the program that a policy asks."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS
from tasks.core.ports import ItemFolder
from tasks.graspgan.judging.manifests import PredictorProgram, ProgramTask
from tasks.graspgan.trainings.predictor_item import SharedCrops

_FILE = "predictor.pt2"


@dataclass(frozen=True, config=SETTINGS)
class Pictures:
    """What a program is shown.

    Attributes:
        crops: How it crops.
        picture_px: Side of the pictures.
    """

    crops: SharedCrops
    picture_px: int


def export_program(item: ProgramTask, config: Pictures, folder: ItemFolder) -> PredictorProgram:
    """Export a predictor."""
    import torch

    from tasks.graspgan.program import program_of, save_program

    network = config.crops.network(standardises=item.predictor.standardises)
    path = folder.fetch(item.predictor.weights)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    program = program_of(
        network,
        item.predictor.domain,
        config.crops.side_px,
        sees_arm=config.crops.num_pictures > 1,
    )
    save_program(program, config.picture_px, folder.path / _FILE)
    return PredictorProgram(
        item_id=item.item_id,
        method=item.predictor.method,
        target=item.predictor.target,
        program=folder.add(_FILE),
    )
