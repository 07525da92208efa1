"""What each network costs: multiply-adds, CPU seconds of training, milliseconds of inference.

All networks are timed in turns, in one process of one thread; a cost is the median over the turns.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.nas.comparison.folding import folded
from benchmarks.nas.comparison.settings import Settings, backbones, classifiers, design
from tasks.nas.detection.backbone import make_detector
from tasks.nas.detection.scenes import CLASSES
from tasks.nas.models.cost import cost_of
from tasks.nas.training.loop import gathering_optimiser, step
from tasks.nas.training.networks import build, lay_out

_CALLS = 5  # of inference, in one turn
_WARM = 1  # turns that are not counted
_MEAN, _STD = (0.5,) * 3, (0.25,) * 3


@dataclass(frozen=True)
class Costs:
    """What a network costs, as a classifier or as the backbone of a detector.

    Attributes:
        mult_adds: Multiply-adds of the network for one image.
        depthwise_share: Share of them that mixes no channels.
        num_params: Weights of the network.
        step_s: CPU seconds of one step of training.
        image_ms: CPU milliseconds for one image, alone, batch norms folded.
    """

    mult_adds: int
    depthwise_share: float
    num_params: int
    step_s: float
    image_ms: float


def classifier_costs(settings: Settings) -> dict[str, Costs]:
    """Costs of all classifiers; in a process of its own."""
    return _costs([*classifiers(settings)], _classifier, settings)


def detector_costs(settings: Settings) -> dict[str, Costs]:
    """Costs of all detectors; in a process of its own."""
    return _costs(backbones(), _detector, settings)


_Calls = tuple[Callable[[], Any], Callable[[], Any]]  # a step of training, an image of inference


def _costs(
    names: Any, make: Callable[[str, Settings], _Calls], settings: Settings
) -> dict[str, Costs]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    calls = {name: make(name, settings) for name in names}
    spent: Mapping[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(_WARM + settings.rounds):
        for name, (train_step, infer) in calls.items():
            spent[name].append((_cpu_s(train_step, 1), _cpu_s(infer, _CALLS)))
    found = {}
    for name, times in spent.items():
        cost = cost_of(partial(build, *design(name, settings)), settings.image_px)
        step_s, image_s = np.median(times[_WARM:], axis=0)
        found[name] = Costs(
            mult_adds=cost.mult_adds,
            depthwise_share=cost.depthwise_share,
            num_params=cost.num_params,
            step_s=float(step_s),
            image_ms=1e3 * float(image_s),
        )
    return found


def _classifier(name: str, settings: Settings) -> _Calls:
    recipe = settings.recipe
    network = lay_out(build(*design(name, settings)), "cpu")
    images = _images(recipe.batch_size, settings)
    labels = torch.arange(len(images)) % 10
    optimiser = gathering_optimiser(network, recipe)  # as `train` does
    for group in optimiser.param_groups:
        group["lr"] = 1e-6

    def train_step() -> None:
        network.train()
        step(network, optimiser, images, labels, recipe)

    # A plain copy in channels_last, as it would be deployed.
    plain = build(*design(name, settings)).to(memory_format=torch.channels_last)
    one = images[:1]
    deployed = folded(plain, one)
    return train_step, lambda: _infer(deployed, one)


def _detector(name: str, settings: Settings) -> _Calls:
    recipe, side_px = settings.detector_recipe, settings.image_px

    def make(network: nn.Module) -> nn.Module:
        around = len(CLASSES), side_px, _MEAN, _STD
        made: nn.Module = make_detector(network, settings.detector, *around, keeps_statistics=True)
        return made

    network = build(*design(name, settings)).to(memory_format=torch.channels_last)
    deployed = make(folded(network, _images(1, settings))).eval()
    detector = make(network)
    optimiser = torch.optim.AdamW(detector.parameters(), 1e-6)
    images = [*(0.5 + 0.25 * _images(recipe.batch_size, settings)).clamp(0, 1)]
    box = torch.tensor([[0.2, 0.2, 0.6, 0.6], [0.5, 0.4, 0.9, 0.8]]) * side_px
    targets = [{"boxes": box, "labels": torch.tensor([1, 2])} for _ in images]

    def train_step() -> None:
        detector.train()
        optimiser.zero_grad(set_to_none=True)
        losses = detector(images, targets)
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return train_step, lambda: _infer(deployed, images[:1])


def _infer(network: nn.Module, images: Any) -> None:
    with torch.inference_mode():
        network(images)


def _images(number: int, settings: Settings) -> Tensor:
    images = torch.randn(number, 3, settings.image_px, settings.image_px)
    return images.contiguous(memory_format=torch.channels_last)


def _cpu_s(call: Callable[[], Any], times: int) -> float:
    begun_s = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - begun_s) / times
