"""What sparse matches between the photos say about the rig that came with them.

A first look matches only what the rig says that two photos share, and counts the matches that its
rotations bring together. Where every photo finds support there, that is all. Else all pairs are
matched: the rotation of each pair (`pair_rotation`) is chained along the most reliable ones, and
the photos whose chained rotations agree with the rig up to one common turn are those that it fits.
So two photos that changed places are told from the neighbours that they no longer fit, and a rig
of other photos is told from a few photos that are wrong.

The tolerance is what the later stages can take out: flow reaches 8 % of an image's longer side.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tasks.panorama.algorithms.calibrate.features import Features, matched_features
from tasks.panorama.algorithms.calibrate.pair_rotation import PairRotation, angle_rad, find_rotation
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import BoolArray, Camera, FloatArray, IntArray, Rig

Pair = tuple[int, int]

_TOLERANCE = 0.05  # of the longer side's angle: a match that the rig brings so near agrees
_ROTATION_TOLERANCE = (
    0.015  # of the longer side's angle: parallax within which a pair's matches agree
)
_MIN_EXPECTED = 40  # features that both show of an overlap; fewer say nothing if none agrees
_MIN_AGREEING, _MIN_AGREEING_SHARE = 8, 0.06  # on simulated captures 17 and 15 %; chance 6 and 4 %
_MIN_INLIERS, _MIN_INLIER_SHARE = 10, 0.15
_MAX_TURN_RAD = np.radians(7.0)  # of a chained rotation against the rig: errors of links add up


@dataclass(frozen=True)
class OverlapEvidence:
    """What two photos say of an overlap that the rig claims.

    Attributes:
        num_expected: Features that lie in it, of the photo that shows fewer.
        num_agreeing: Matches that the rig brings together.
    """

    num_expected: int
    num_agreeing: int

    @property
    def agrees(self) -> bool:
        """Whether the photos show that the rig is right here."""
        least = max(_MIN_AGREEING, _MIN_AGREEING_SHARE * self.num_expected)
        return self.num_agreeing >= least

    @property
    def disagrees(self) -> bool:
        """Whether the photos would agree here if the rig were right, and don't."""
        return self.num_expected >= _MIN_EXPECTED and not self.agrees


@dataclass(frozen=True)
class RigEvidence:
    """What the photos say of their rig.

    Attributes:
        overlaps: What each overlap says.
        fits: Whether the rig fits at least half of the photos that say anything.
        contradicting: Photos that contradict the rig, by index, and what they say.
    """

    overlaps: Mapping[Pair, OverlapEvidence]
    fits: bool
    contradicting: Mapping[int, str]


def weigh_rig(
    features: Sequence[Features],
    usable: Sequence[BoolArray | None],
    rig: Rig,
    pairs: Sequence[Pair],
) -> RigEvidence:
    """Compare photos with the rig that came with them.

    Args:
        features: Of each photo, in the order of the cameras.
        usable: Per photo None or (h, w), False on what is masked, as beside a fisheye's circle.
        rig: The rig.
        pairs: Overlaps by the rig.
    """
    views = [
        rays(camera, each.points_px) for camera, each in zip(rig.cameras, features, strict=True)
    ]
    overlaps = {pair: _overlap(pair, features, usable, views, rig) for pair in pairs}
    supported = {index for pair, each in overlaps.items() if each.agrees for index in pair}
    is_doubted = any(each.disagrees for each in overlaps.values())
    if len(supported) == len(features) and not is_doubted:
        return RigEvidence(overlaps, fits=True, contradicting={})
    # Where nothing is doubted, only photos that no overlap supports are left to be judged.
    asked = range(len(features)) if is_doubted else set(range(len(features))) - supported
    agreeing, turned = _judged(_links(features, views, rig, asked), len(features))
    agreeing |= supported - turned
    turned -= _beside(agreeing, overlaps, agrees=True)
    foreign = _beside(agreeing, overlaps, agrees=False) - agreeing - turned
    contradicting = dict.fromkeys(sorted(turned), "it looks elsewhere than the rig says")
    contradicting |= dict.fromkeys(
        sorted(foreign), "it shows nothing of what its neighbours by the rig show"
    )
    is_doubted |= bool(contradicting)
    fits = not is_doubted or len(agreeing) >= max(2, len(contradicting))
    return RigEvidence(overlaps, fits, contradicting)


def _beside(
    chosen: Set[int], overlaps: Mapping[Pair, OverlapEvidence], *, agrees: bool
) -> set[int]:
    """Photos whose overlap with one of those that are chosen agrees, or disagrees."""
    found = set()
    for (first, second), each in overlaps.items():
        if each.agrees if agrees else each.disagrees:
            found |= {second} if first in chosen else set()
            found |= {first} if second in chosen else set()
    return found


def _overlap(
    pair: Pair,
    features: Sequence[Features],
    usable: Sequence[BoolArray | None],
    views: Sequence[FloatArray],
    rig: Rig,
) -> OverlapEvidence:
    """Match what the rig says that two photos share."""
    shown = [
        _shown(rig.cameras[other], usable[other], views[index])
        for index, other in (pair, pair[::-1])
    ]
    chosen = matched_features(
        *(features[index].descriptors[seen] for index, seen in zip(pair, shown, strict=True))
    )
    first, second = (views[index][seen] for index, seen in zip(pair, shown, strict=True))
    apart = np.linalg.norm(first[chosen[:, 0]] - second[chosen[:, 1]], axis=1)
    tolerance_rad = _TOLERANCE * np.mean([_side_rad(rig.cameras[index]) for index in pair])
    num_expected = min(int(seen.sum()) for seen in shown)
    return OverlapEvidence(num_expected, int((apart < tolerance_rad).sum()))


def _shown(camera: Camera, usable: BoolArray | None, directions: FloatArray) -> BoolArray:
    """Which of (n, 3) directions a camera shows unmasked: (n,)."""
    places, seen = project(camera, directions)
    if usable is None:
        return seen
    column, row = np.rint(places[seen]).astype(np.int64).T
    last_row, last_column = usable.shape[0] - 1, usable.shape[1] - 1
    shown = seen.copy()
    shown[seen] = usable[np.clip(row, 0, last_row), np.clip(column, 0, last_column)]
    return shown


def _links(
    features: Sequence[Features],
    views: Sequence[FloatArray],
    rig: Rig,
    asked: Collection[int],
) -> dict[Pair, PairRotation]:
    """Rotations of pairs whose matches agree with one, by the rig's lenses; one is asked for.

    They turn what the rig takes the first photo to see to what it takes the second to see: the
    identity where the rig is right.
    """
    links = {}
    for first, second in combinations(range(len(features)), 2):
        if first not in asked and second not in asked:
            continue
        chosen: IntArray = matched_features(
            features[first].descriptors, features[second].descriptors
        )
        side_rad = np.mean([_side_rad(rig.cameras[index]) for index in (first, second)])
        found = find_rotation(
            views[first][chosen[:, 0]],
            views[second][chosen[:, 1]],
            float(_ROTATION_TOLERANCE * side_rad),
        )
        if found.inliers.sum() >= _MIN_INLIERS + _MIN_INLIER_SHARE * len(chosen):
            links[first, second] = found
    return links


def _judged(links: Mapping[Pair, PairRotation], num_images: int) -> tuple[set[int], set[int]]:
    """Photos that agree with the rig, and those that contradict it, among those that are linked."""
    agreeing: set[int] = set()
    turned: set[int] = set()
    for chain in _chains(links, num_images):
        members = list(chain)
        off = np.stack([chain[index] for index in members])
        cosines = (np.einsum("aij,bij->ab", off, off) - 1) / 2
        near = np.arccos(np.clip(cosines, -1, 1)) < _MAX_TURN_RAD
        best = near[int(near.sum(axis=1).argmax())]
        if best.sum() < 2:
            best[:] = False
        agreeing |= {index for index, fits in zip(members, best, strict=True) if fits}
        turned |= {index for index, fits in zip(members, best, strict=True) if not fits}
    return agreeing, turned


def _chains(links: Mapping[Pair, PairRotation], num_images: int) -> list[dict[int, FloatArray]]:
    """Sets of linked photos, each photo with its turn against the set's first.

    Links that agree with the rig come first, the most reliable before others: things that look
    alike link photos wrongly, but hardly ever as the rig says.
    """
    neighbours: dict[int, dict[int, tuple[tuple[bool, float], FloatArray]]] = {}
    for (first, second), link in links.items():
        rotation = link.second_from_first
        rank = (angle_rad(rotation) >= _MAX_TURN_RAD, -link.score)
        neighbours.setdefault(first, {})[second] = (rank, rotation)
        neighbours.setdefault(second, {})[first] = (rank, rotation.T)
    chains: list[dict[int, FloatArray]] = []
    for start in range(num_images):
        if start not in neighbours or any(start in chain for chain in chains):
            continue
        chain = {start: np.eye(3)}
        waiting = [(rank, new, start) for new, (rank, _) in neighbours[start].items()]
        heapq.heapify(waiting)
        while waiting:
            _, new, known = heapq.heappop(waiting)
            if new not in chain:
                chain[new] = neighbours[known][new][1] @ chain[known]
                for other, (rank, _) in neighbours[new].items():
                    heapq.heappush(waiting, (rank, other, new))
        chains.append(chain)
    return chains


def _side_rad(camera: Camera) -> float:
    """Angle that an image's longer side spans."""
    middle = np.array([camera.width_px - 1, camera.height_px - 1]) / 2
    half = (np.eye(2)[int(middle.argmax())] * middle)[None]
    ends = rays(camera, np.concatenate([middle - half, middle + half]))
    to_middle = rays(camera, middle[None])[0]
    return float(np.arccos(np.clip(ends @ to_middle, -1, 1)).sum())
