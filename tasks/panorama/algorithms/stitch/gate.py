"""The quality gate: whether a repair may be published.

What is published is never worse than the unrepaired stitch by what no fit has seen: the error of
held-out correspondences, in total and on the overlaps that have enough of them; by its worst seam,
unless nobody could see it; and by the similarity of overlapping images, on the whole and in each
overlap: where all matches of one are wrong alike, held-out ones too, only its picture shows it.
Flow can lock onto a repeated pattern in a whole overlap, so overlaps with a small share of all
matches have no veto of their own. Warps that fold are refused whatever they score; those that are
too large or strain too much are warned of, or refused where the settings say so (`limits_refuse`).
A pure function of numbers, so that its settings can be tried on recorded figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tasks.panorama.algorithms.stitch.verdict import Overlap
from tasks.panorama.config import GateConfig

Pair = tuple[int, int]
_NUM_NAMED = 3


@dataclass(frozen=True)
class OverlapError:
    """Held-out error of one overlap.

    Attributes:
        num_points: Held-out correspondences.
        mean_px: Their mean error, panorama px at a width of 4096.
        change_sigma_px: Standard error of the mean's change against the unrepaired stitch, from
            the changes of the single points.
    """

    num_points: int
    mean_px: float
    change_sigma_px: float = 0.0


@dataclass(frozen=True)
class Figures:
    """What is known of one way to stitch a capture.

    Attributes:
        name: Which way.
        held_out: Error of each overlap that has held-out correspondences; those of a repair are
            compared with the same overlaps' before it.
        worst_seam: Highest excess of a single seam (`seam_excess`), on seams that are the same
            for all ways; None if there is no seam.
        overlaps: How alike the two images of each overlap are.
        warp_p95_px: 95th percentile of the displacement, of the image where it is largest,
            panorama px at a width of 4096.
        max_strain: Largest local stretch of any image.
        has_fold: Whether an image is turned over somewhere.
    """

    name: str
    held_out: Mapping[Pair, OverlapError] = field(default_factory=dict)
    worst_seam: float | None = None
    overlaps: Mapping[Pair, Overlap] = field(default_factory=dict)
    warp_p95_px: float = 0.0
    max_strain: float = 0.0
    has_fold: bool = False

    @property
    def held_out_px(self) -> float | None:
        """Mean error over all held-out correspondences; None if there are none."""
        count = sum(error.num_points for error in self.held_out.values())
        if not count:
            return None
        return sum(error.num_points * error.mean_px for error in self.held_out.values()) / count

    @property
    def overlap_ssim(self) -> float | None:
        """Mean structural similarity of all overlaps, weighted by area; None without any."""
        area = sum(each.area_px for each in self.overlaps.values())
        total = sum(each.similarity * each.area_px for each in self.overlaps.values())
        return total / area if area else None


@dataclass(frozen=True)
class Decision:
    """What is published, and why.

    Attributes:
        published: Name of the way.
        is_repaired: Whether it is a repair, not the unrepaired stitch.
        reasons: Why each better-sounding way was refused; empty if the best one passed.
        warnings: What is unusual about the published way, though allowed.
    """

    published: str
    is_repaired: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(unrepaired: Figures, repairs: Sequence[Figures], config: GateConfig) -> Decision:
    """Choose what to publish.

    Args:
        unrepaired: The stitch by the calibration as it was given.
        repairs: The ways to repair it, in any order.
        config: Tolerances and limits.

    Returns:
        The repair with the least held-out error among those without an objection; else
        unrepaired.
    """
    reasons: list[str] = []
    passed: list[Figures] = []
    for repair in repairs:
        found = objections(unrepaired, repair, config)
        reasons += [f"{repair.name}: {reason}" for reason in found]
        if not found:
            passed.append(repair)
    if not passed:
        return Decision(unrepaired.name, is_repaired=False, reasons=tuple(reasons), warnings=())
    best = min(passed, key=lambda figures: figures.held_out_px or 0.0)
    return Decision(
        best.name, is_repaired=True, reasons=tuple(reasons), warnings=tuple(_warnings(best, config))
    )


def objections(unrepaired: Figures, repair: Figures, config: GateConfig) -> list[str]:
    """Why a repair may not be published; empty if it may."""
    found = _held_out_objections(unrepaired, repair, config)
    found += _picture_objections(unrepaired, repair, config)
    if config.limits_refuse:
        found += _limits_passed(repair, config)
    if repair.has_fold:
        found.append("a warp folds")
    return found


def _picture_objections(unrepaired: Figures, repair: Figures, config: GateConfig) -> list[str]:
    found = []
    before, after = unrepaired.worst_seam, repair.worst_seam
    if (
        before is not None
        and after is not None
        and after > max(config.invisible_seam, before * (1 + config.seam_tolerance))
    ):
        found.append(f"worst seam {after:.2f}, unrepaired {before:.2f}")
    before, after = unrepaired.overlap_ssim, repair.overlap_ssim
    if before is not None and after is not None and after <= before:
        found.append(f"overlap SSIM {after:.4f}, unrepaired {before:.4f}")
    return found + _overlap_objections(unrepaired, repair, config)


def less_alike(unrepaired: Figures, repair: Figures, config: GateConfig) -> list[Pair]:
    """Overlaps whose images a repair makes less alike; none if they hold next to nothing."""
    before, after = unrepaired.overlaps, repair.overlaps
    worse = [
        pair
        for pair, now in sorted(after.items())
        if pair in before and now.similarity < before[pair].similarity - config.similarity_tolerance
    ]
    area_px = sum(after[pair].area_px for pair in worse)
    allowed_px = config.max_worse_share * sum(each.area_px for each in after.values())
    return worse if area_px > allowed_px else []


def _overlap_objections(unrepaired: Figures, repair: Figures, config: GateConfig) -> list[str]:
    named = [
        f"{a}-{b} {repair.overlaps[a, b].similarity:.2f} < "
        f"{unrepaired.overlaps[a, b].similarity:.2f}"
        for a, b in less_alike(unrepaired, repair, config)
    ]
    return [f"SSIM falls on overlap {_listed(named)}"] if named else []


def _held_out_objections(unrepaired: Figures, repair: Figures, config: GateConfig) -> list[str]:
    known = {pair: e for pair, e in unrepaired.held_out.items() if pair in repair.held_out}
    before, after = replace(unrepaired, held_out=known).held_out_px, repair.held_out_px
    count = sum(error.num_points for error in repair.held_out.values())
    if before is None or after is None or count < config.min_held_out:
        return [f"{count} held-out matches, at least {config.min_held_out} are needed to judge"]
    found = []
    if after >= before:
        found.append(f"held-out error {after:.2f} px, unrepaired {before:.2f} px")
    worse = [
        (pair, error.mean_px, unrepaired.held_out[pair].mean_px)
        for pair, error in sorted(repair.held_out.items())
        if pair in unrepaired.held_out
        and error.num_points >= config.min_held_out
        and error.mean_px - unrepaired.held_out[pair].mean_px
        > config.overlap_tolerance_px + config.overlap_sigmas * error.change_sigma_px
    ]
    num_worse = sum(repair.held_out[pair].num_points for pair, _, _ in worse)
    if num_worse > config.max_worse_share * count:
        named = [f"{a}-{b} {x:.2f} > {y:.2f} px" for (a, b), x, y in worse]
        found.append(f"held-out error grows on overlap {_listed(named)}")
    return found


def _listed(named: Sequence[str]) -> str:
    more = f" and {len(named) - _NUM_NAMED} more" if len(named) > _NUM_NAMED else ""
    return ", ".join(named[:_NUM_NAMED]) + more


def _limits_passed(figures: Figures, config: GateConfig) -> list[str]:
    found = []
    if figures.warp_p95_px > config.max_warp_px:
        found.append(f"warp of {figures.warp_p95_px:.1f} px (p95), limit {config.max_warp_px:g}")
    if figures.max_strain > config.max_strain:
        found.append(f"strain {figures.max_strain:.3f}, limit {config.max_strain:g}")
    return found


def _warnings(figures: Figures, config: GateConfig) -> list[str]:
    return [] if config.limits_refuse else _limits_passed(figures, config)
