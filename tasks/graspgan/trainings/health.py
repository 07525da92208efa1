"""Whether a generator is well: saturation, collapse, and objects that are too easy to see.

Statistics of each station's pictures, adapted against real: a generator that makes all pictures
alike has less diversity, one that collapses onto one station has that one's mean. What such
statistics miss - objects that stay plain bright blobs - shows in C's loss on adapted pictures,
which is then no higher than on raw ones (`task_loss_adapted`, `task_loss_raw` of the curve).
What is too much of any of these says `tasks.graspgan.trainings.symptoms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import torch
from torch import Tensor

from tasks.graspgan.networks.domains import TARGET, set_domain
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.samples.pools import Batch, Pool, in_order
from tasks.graspgan.trainings.symptoms import STATION

_NUM_SEEN = 256
_FEWEST = 8  # pictures of a station, real and adapted, below which it has no figures of its own


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
        over their deviation. ``blind_loss``: C's loss if it knew how many succeed and nothing else.
        Of each station, with its number behind: ``diversity_ratio_station_…``, and
        ``own_over_other_station_…``, how far mean and deviation of the adapted ones, pixel by
        pixel, lie from those of its real ones, over the distance to the nearest other station; a
        generator that makes all like one station has a great one for the others. C can't tell:
        it has learnt not to see looks.
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
        figures["diversity_ratio"] = float(np.mean([_ratio(*each) for each in by_station]))
        set_domain(predictor, TARGET).eval()
        made, true = (predictor.features(each, self._motion(len(each))) for each in (adapted, real))
        figures |= {"feature_gap": _apart(made, true), "blind_loss": self._blind_loss()}
        for k in _seen_often(made_of, real_of):
            ends = _statistics(adapted[made_of == k]), _statistics(real[real_of == k])
            figures[f"diversity_ratio{STATION}{k}"] = _ratio(*ends)
        return figures | _own_over_other(adapted, made_of, real, real_of)

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

    def _blind_loss(self) -> float:
        """Cross entropy of a guess that is the share of successes."""
        if self.source.success is None:
            raise TypeError("the simulation has no labels")
        share = float(np.clip(self.source.success.mean(), 1e-6, 1 - 1e-6))
        return -share * log(share) - (1 - share) * log(1 - share)

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


def _ratio(made: Mapping[str, float], true: Mapping[str, float]) -> float:
    return made["diversity"] / max(true["diversity"], 1e-6)


def _apart(first: Tensor, second: Tensor) -> float:
    """Distance of the means of features (n, f), over the deviation of the second.

    Over all of them at once: C leaves some features dead, which no ratio of their own can bear.
    """
    apart = (first.mean(dim=0) - second.mean(dim=0)).square().mean()
    return sqrt(float(apart) / max(float(second.var(dim=0).mean()), 1e-12))


def _seen_often(made_of: Tensor, real_of: Tensor) -> list[int]:
    """Stations of which there are adapted and real pictures enough."""
    stations: list[int] = torch.unique(real_of).tolist()
    return [
        k for k in stations if min(int((each == k).sum()) for each in (made_of, real_of)) >= _FEWEST
    ]


def _own_over_other(
    adapted: Tensor, made_of: Tensor, real: Tensor, real_of: Tensor
) -> dict[str, float]:
    stations = _seen_often(made_of, real_of)
    looks = {k: _look(real[real_of == k]) for k in stations}
    found = {}
    for k in stations if len(stations) > 1 else []:
        own = _look(adapted[made_of == k])
        far = {other: float((own - look).norm()) for other, look in looks.items()}
        nearest = min(far[other] for other in stations if other != k)
        found[f"own_over_other{STATION}{k}"] = far[k] / max(nearest, 1e-6)
    return found


def _look(pictures: Tensor) -> Tensor:
    """Mean and deviation of each pixel of pictures (n, c, s, s), (2, c, s, s)."""
    return torch.stack([pictures.mean(dim=0), pictures.std(dim=0, correction=0)])
