"""Whether a generator is well: saturation, collapse, and objects that are too easy to see.

Statistics of each station's pictures, adapted against real: a generator that makes all pictures
alike has less diversity, one that collapses onto one station has that one's mean. What such
statistics miss - objects that stay plain bright blobs - shows in C's loss on adapted pictures,
which is then no higher than on raw ones (`task_loss_adapted`, `task_loss_raw` of the curve).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tasks.graspgan.networks.domains import TARGET, set_domain
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.samples.pools import Batch, Pool, in_order

_NUM_SEEN = 256


@dataclass(frozen=True)
class Health:
    """What is watched while a generator is trained.

    Attributes:
        source: Some simulated samples.
        target: Some pictures of the target.
        device: Where networks are.
    """

    source: Pool
    target: Pool
    device: str = "cpu"

    @classmethod
    def of(cls, source: Pool, target: Pool, seed: int, device: str = "cpu") -> Health:
        """Draw the samples that are looked at."""
        rng = np.random.default_rng(seed)
        few = [each.taken(rng.permutation(len(each))[:_NUM_SEEN]) for each in (source, target)]
        return cls(few[0], few[1].without_labels, device)

    @torch.no_grad()
    def figures(
        self, generator: Generator, predictor: CropNetwork | PictureNetwork
    ) -> Mapping[str, float]:
        """Distances between adapted and real pictures, by name; 0 is best.

        ``…_gap``: of the pictures' statistics, mean absolute difference over stations, grey values
        from -1 to 1. ``diversity_ratio``: distance between adapted pictures of a station over that
        between real ones; 1 is best. ``feature_gap``: distance between the means of C's features,
        over their deviation.
        """
        generator.eval()
        adapted, made_of, real, real_of = self._pictures(generator)
        by_station = [
            (_statistics(adapted[made_of == k]), _statistics(real[real_of == k]))
            for k in torch.unique(made_of)
            if (real_of == k).any()
        ]
        figures = {
            f"{name}_gap": float(
                np.mean([abs(made[name] - true[name]) for made, true in by_station])
            )
            for name in by_station[0][0]
        }
        figures["diversity_ratio"] = float(
            np.mean([made["diversity"] / max(true["diversity"], 1e-6) for made, true in by_station])
        )
        set_domain(predictor, TARGET).eval()
        made, true = (predictor.features(each, self._motion(len(each))) for each in (adapted, real))
        apart = (made.mean(dim=0) - true.mean(dim=0)).abs() / true.std(dim=0).clamp_min(1e-6)
        return figures | {"feature_gap": float(apart.mean())}

    def _pictures(self, generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Adapted pictures and real ones, each with their stations."""
        real = self._all(self.target)
        source = self._all(self.source)
        num = min(len(real.pictures), len(source.pictures))
        stations = (real.station if source.painted is None else source.painted)[:num]
        given = source.pictures[:num]
        seeded = torch.Generator(device=self.device).manual_seed(0)
        noise = torch.randn(generator.noise_shape(given), generator=seeded, device=self.device)
        adapted, _ = generator(given, stations, noise)
        return adapted, stations, real.pictures[:num], real.station[:num]

    def _motion(self, num: int) -> Tensor:
        return torch.from_numpy(self.source.motion[:num]).to(self.device)

    def _all(self, pool: Pool) -> Batch:
        return next(in_order(pool, _NUM_SEEN, self.device))


def _statistics(pictures: Tensor) -> dict[str, float]:
    """Of pictures (n, c, s, s): mean, deviation, gradient and how much they differ."""
    return {
        "mean": float(pictures.mean()),
        "deviation": float(pictures.flatten(1).std(dim=1).mean()),
        "gradient": float(pictures.diff(dim=3).abs().mean()),
        "diversity": float(pictures.std(dim=0, correction=0).mean()),
    }
