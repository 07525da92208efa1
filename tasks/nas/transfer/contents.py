"""What the report of a transfer says, section by section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tasks.nas.models.sizes import MOST_DEPTHWISE
from tasks.nas.pictures.cell_drawing import draw_genotype
from tasks.nas.pictures.render import svg
from tasks.nas.report.tables import points, verdict
from tasks.nas.report.trainings import joined, training_settings
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.transfer.manifests import ModelEntry, TrainedDetectors, TransferredNetworks
from tasks.nas.transfer.plots import detection_plot, family_plot
from tasks.nas.transfer.scores import (
    DetectorScore,
    NetworkScore,
    detector_gains,
    detector_scores,
    gains,
    network_scores,
)
from tasks.report.estimates import Estimate
from tasks.report.page import Link, Picture, Section, Table, settings_section, skipped_section

FAMILY_FILE, DETECTION_FILE, CELL_FILE = "family.png", "detection.png", "cells.svg"
_MEGA, _MILLI, _PERCENT = 1e6, 1e-3, 100.0
_DEPTHWISE = "mixes no channels, %"  # of the multiply-adds
_ERRORS = "Behind ± stands the standard error over seeds."


def report_sections(
    networks: TransferredNetworks,
    detectors: TrainedDetectors,
    models: Sequence[ModelEntry],
    sheets: Mapping[str, bytes],
    links: Sequence[Link] = (),
) -> list[Section]:
    """Write the report.

    Args:
        networks: The classifiers.
        detectors: The detectors.
        models: What went to the registry.
        sheets: Pictures of detections (PNG) by name of the backbone.
        links: Ways to files beside the report.
    """
    cells = networks.cells
    return [
        Section(
            title=f"Transfer of {cells.name}",
            text=(
                f"Cells: {cells.origin}, hash {cells.genotype_hash[:16]}. "
                f"Images: {networks.data.images.source}, {networks.data.images.side_px} px. "
                "All networks are scaled to equal multiply-adds (within 5 %) and trained by one "
                "recipe; winners are chosen by validation images, figures are those of test "
                "images.",
            ),
            links=tuple(links),
        ),
        _family(networks),
        *([_detection(detectors, cells.name, sheets)] if detectors.boxes is not None else []),
        _models(models),
        Section(
            title="The cells",
            pictures=(
                Picture(
                    CELL_FILE,
                    "Normal and reduction cell",
                    svg(draw_genotype(cells.genotype.genotype(), cells.name)).encode(),
                ),
            ),
            code=genotype_json(cells.genotype.genotype()),
        ),
        _skipped(networks, detectors),
        _settings(networks, detectors),
    ]


def _family(found: TransferredNetworks) -> Section:
    scores = network_scores(found)
    return Section(
        title="Classification: a family of sizes",
        tables=(_networks_table(scores), _gains_table(scores, found.cells.name)),
        pictures=(
            Picture(
                FAMILY_FILE,
                "Test accuracy against multiply-adds and CPU time of an image; bars are standard "
                "errors over seeds",
                family_plot(scores),
            ),
        ),
    )


def _networks_table(scores: Sequence[NetworkScore]) -> Table:
    rows = [
        (
            each.name,
            each.size,
            each.group.replace("_", " "),
            f"{each.any_one.mult_adds / _MEGA:.2f}",
            f"{_PERCENT * each.any_one.depthwise_share:.0f}",
            f"{each.any_one.num_params / _MEGA:.3f}",
            _percent(each.test),
            f"{len(each.by_seed)}",
            f"{each.mean('image_cpu_s') / _MILLI:.2f}",
            f"{each.mean('train_cpu_s'):.0f}",
        )
        for each in scores
    ]
    head = (
        *("network", "size", "weights", "mult-adds, M", _DEPTHWISE, "params, M"),
        *("test accuracy, %", "seeds", "CPU ms an image", "CPU s of training"),
    )
    shares = {f"{s.name}, {s.size}": s.any_one.depthwise_share for s in scores}
    return Table(head, tuple(rows), f"{_ERRORS}{_too_narrow(shares)}")


def _too_narrow(shares: Mapping[str, float]) -> str:
    """Which networks are too narrow for the comparison to say much of wider ones."""
    narrow = [name for name, share in shares.items() if share > MOST_DEPTHWISE]
    if not narrow:
        return ""
    return (
        f" Too narrow to compare: {'; '.join(narrow)}. Over {MOST_DEPTHWISE:.0%} of the "
        "multiply-adds mix no channels there, where published networks of cells have 3 to 12 %; "
        "ask for more multiply-adds or for the imagenet stem."
    )


def _gains_table(scores: Sequence[NetworkScore], name: str) -> Table:
    rows = tuple(
        (f"{name} - {other}", size, group.replace("_", " "), points(gain), verdict(gain))
        for (other, size, group), gain in gains(scores, name).items()
    )
    head = ("difference", "size", "weights", "points (95 % interval)", "what it says")
    return Table(head, rows, "Paired by seed. Many comparisons: one in twenty errs by chance.")


def _detection(found: TrainedDetectors, name: str, sheets: Mapping[str, bytes]) -> Section:
    scores = detector_scores(found)
    boxes = found.boxes
    text: tuple[str, ...] = ()
    if boxes is not None:
        text = (
            f"Faster R-CNN on backbones of equal cost. Images: {boxes.source}; "
            f"{boxes.train.num_images:,} to train on, {boxes.test.num_images:,} to test "
            f"with {boxes.test.num_objects:,} objects of {len(boxes.classes)} classes. mAP is "
            "COCO's, averaged over IoU 0.5 to 0.95.",
        )
    plot = Picture(
        DETECTION_FILE,
        "Average precision; areas span the least and the greatest of the seeds",
        detection_plot(scores),
    )
    pictures = [
        Picture(f"detections_{backbone}.png", f"Detections with {backbone}, first seed", data)
        for backbone, data in sheets.items()
    ]
    return Section(
        title="Detection",
        text=text,
        tables=(_detectors_table(scores), _detector_gains_table(scores, name)),
        pictures=(plot, *pictures),
    )


def _detectors_table(scores: Sequence[DetectorScore]) -> Table:
    rows = tuple(
        (
            each.name,
            f"{each.any_one.backbone_mult_adds / _MEGA:.2f}",
            f"{_PERCENT * each.any_one.backbone_depthwise_share:.0f}",
            f"{each.any_one.num_params / _MEGA:.3f}",
            _percent(each.mean_ap),
            _percent(each.ap50),
            f"{len(each.by_seed)}",
            f"{each.mean('image_cpu_s') / _MILLI:.1f}",
            f"{each.mean('train_cpu_s'):.0f}",
        )
        for each in scores
    )
    head = (
        *("backbone", "its mult-adds, M", _DEPTHWISE, "params of all, M", "mAP, %", "AP50, %"),
        *("seeds", "CPU ms an image", "CPU s of training"),
    )
    shares = {each.name: each.any_one.backbone_depthwise_share for each in scores}
    return Table(head, rows, f"{_ERRORS}{_too_narrow(shares)}")


def _detector_gains_table(scores: Sequence[DetectorScore], name: str) -> Table:
    rows = tuple(
        (f"{name} - {other}", points(gain), verdict(gain))
        for other, gain in detector_gains(scores, name).items()
    )
    return Table(("difference of mAP", "points (95 % interval)", "what it says"), rows)


def _models(models: Iterable[ModelEntry]) -> Section:
    rows = tuple(
        (
            each.model,
            each.network,
            f"{100 * each.value:.2f}",
            "-" if each.version is None else str(each.version),
            "champion" if each.is_champion else "not champion",
            each.reason,
        )
        for each in models
    )
    head = ("model", "network", "test accuracy, %", "version", "alias", "why")
    text = () if rows else ("No model was registered.",)
    return Section(title="Registry", text=text, tables=(Table(head, rows),) if rows else ())


def _skipped(networks: TransferredNetworks, detectors: TrainedDetectors) -> Section:
    """What could not be trained, and what of the data could not be used, counted."""
    data = networks.data
    sets = [each for each in (data.images, data.cifar, data.boxes) if each is not None]
    text = [
        f"{len(each.skipped):,} of the data {each.name} can't be used; left out."
        for each in sets
        if each.skipped
    ]
    boxes = data.boxes
    if boxes is not None and (num_small := boxes.train.num_small + boxes.test.num_small):
        text.append(
            f"{num_small:,} objects of {boxes.name} are too small to be seen at {boxes.side_px} "
            "px; left out."
        )
    unusable = [skipped for each in sets for skipped in each.skipped]
    found = skipped_section([*networks.skipped, *detectors.skipped, *unusable])
    return replace(found, text=tuple(text)) if text else found


def _settings(networks: TransferredNetworks, detectors: TrainedDetectors) -> Section:
    found = training_settings(networks.tasks)
    if detectors.tasks:
        all_settings = ({**t.recipe, **t.detector, "seed": t.seed} for t in detectors.tasks)
        found["detection"] = joined(all_settings)
    return settings_section(found)


def _percent(found: Estimate) -> str:
    error = "" if found.error is None else f" ± {100 * found.error:.2f}"
    return f"{100 * found.value:.2f}{error}"
