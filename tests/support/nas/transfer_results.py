"""Results of transfers with known figures, for reports; no network stands behind them."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.core.records import FileRef
from tasks.nas.detection.manifests import (
    BoxData,
    BoxSplit,
    CurvePoint,
    DetectTask,
    TrainedDetector,
)
from tasks.nas.manifests import ImageData, ImageSplit, TrainedNetwork, TrainTask
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.published import published
from tasks.nas.transfer.manifests import (
    ChosenCells,
    ModelEntry,
    TrainedDetectors,
    TransferData,
    TransferredNetworks,
)

FILE = FileRef(uri="file", sha256="0" * 64, num_bytes=1)
_SPLIT = ImageSplit(images=FILE, labels=FILE, photos=FILE, num_images=10, content="0" * 64)
IMAGES = ImageData(
    name="larger",
    source="a set of the test",
    classes=("red", "green"),
    side_px=16,
    mean=(0.5, 0.5, 0.5),
    std=(0.2, 0.2, 0.2),
    train=_SPLIT,
    validation=_SPLIT,
    test=_SPLIT,
)
_BOX_SPLIT = BoxSplit(images=FILE, objects=FILE, num_images=4, num_objects=9)
BOXES = BoxData(
    name="scenes",
    source="generated",
    classes=("disc", "ring"),
    side_px=32,
    mean=(0.5, 0.5, 0.5),
    std=(0.2, 0.2, 0.2),
    train=_BOX_SPLIT,
    test=_BOX_SPLIT,
)
CELLS = ChosenCells(
    name="nasnet_a",
    origin="published as nasnet_a",
    genotype=GenotypeRecord.of(published("nasnet_a")),
    genotype_hash=genotype_hash(published("nasnet_a")),
)
COSTS = {"small": 4_000_000, "medium": 10_000_000, "large": 25_000_000}


def transferred(
    accuracies: Mapping[tuple[str, str, str], tuple[float, ...]],
) -> TransferredNetworks:
    """Networks with test accuracies by (name, size, group), one for each seed."""
    tasks, networks, size_of = [], [], {}
    for (name, size, group), values in accuracies.items():
        for seed, value in enumerate(values):
            item_id = f"{group}-{name}-{size}-s{seed}"
            size_of[item_id] = size
            tasks.append(_task(item_id, name, group, seed))
            networks.append(_network(item_id, value, COSTS[size]))
    return TransferredNetworks(
        cells=CELLS,
        data=TransferData(images=IMAGES, cifar=None, boxes=BOXES),
        tasks=tuple(tasks),
        size_of=size_of,
        networks=tuple(networks),
        skipped=(),
        test_accuracy=0.0,
    )


def detecting(
    precisions: Mapping[str, tuple[float, ...]], picture: FileRef = FILE
) -> TrainedDetectors:
    """Detectors with mean APs by backbone, one for each seed, and one picture for all."""
    tasks, detectors = [], []
    for name, values in precisions.items():
        for seed, value in enumerate(values):
            tasks.append(
                DetectTask(
                    item_id=f"detect-{name}-s{seed}",
                    name=name,
                    genotype=None,
                    spec={},
                    detector={},
                    recipe={},
                    seed=seed,
                    initial=None,
                )
            )
            detectors.append(_detector(tasks[-1].item_id, value, picture))
    return TrainedDetectors(
        boxes=BOXES, tasks=tuple(tasks), detectors=tuple(detectors), skipped=(), mean_ap=0.0
    )


def _task(item_id: str, name: str, group: str, seed: int) -> TrainTask:
    return TrainTask(
        item_id=item_id,
        group=group,
        name=name,
        search="",
        genotype=None,
        spec={"kind": "resnet", "width": 4.0},
        image_px=16,
        num_images=0,
        recipe={},
        seed=seed,
        initial=None,
    )


def _network(item_id: str, accuracy: float, mult_adds: int) -> TrainedNetwork:
    return TrainedNetwork(
        item_id=item_id,
        validation_accuracy=accuracy + 0.01,
        test_accuracy=accuracy,
        train_loss=1.0,
        num_params=mult_adds // 10,
        mult_adds=mult_adds,
        depthwise_share=0.2,
        train_cpu_s=20.0,
        image_cpu_s=mult_adds * 1e-10,
        curve=(accuracy,),
        weights=FILE,
    )


def _detector(item_id: str, mean_ap: float, picture: FileRef) -> TrainedDetector:
    points = [
        CurvePoint(
            step=step, loss=1.0, cpu_s=step / 10, mean_ap=share * mean_ap, ap50=share * mean_ap
        )
        for step, share in ((10, 0.5), (20, 1.0))
    ]
    return TrainedDetector(
        item_id=item_id,
        mean_ap=mean_ap,
        ap50=min(1.0, 2 * mean_ap),
        ap75=mean_ap / 2,
        ap_of_overlap=(mean_ap,) * 10,
        precision50=tuple(1 - recall / 100 for recall in range(101)),
        ap50_of_class={"disc": mean_ap},
        curve=tuple(points),
        num_params=1000,
        backbone_mult_adds=25_000_000,
        backbone_depthwise_share=0.2,
        backbone_params=500,
        train_cpu_s=60.0,
        image_cpu_s=0.01,
        weights=FILE,
        picture=picture,
    )


def model_entry(network: str, value: float) -> ModelEntry:
    """A version in the registry that became champion; of a network such as ``resnet, small, …``."""
    name, size, group = network.split(", ")
    return ModelEntry(
        model="transfer_cells-larger",
        network=network,
        item_id=f"{group}-{name}-{size}-s1",
        data="larger",
        metric="test_accuracy",
        value=value,
        version=3,
        is_champion=True,
        reason="beats version 2",
        files={"model.pt2": FILE},
    )
