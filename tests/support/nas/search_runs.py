"""Made-up runs of a search whose truth is known: cells are as good as their operations say."""

from __future__ import annotations

import numpy as np

from tasks.core.records import FileRef
from tasks.nas.manifests import (
    ImageData,
    ImageSplit,
    RetrainedCells,
    Rung,
    SearchLog,
    TrainedNetwork,
    TrainTask,
    Trial,
)
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.predictor import Predictor
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.space.canonical import canonical, genotype_hash
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.genotype_space import GenotypeSpace
from tasks.nas.space.published import PUBLISHED
from tasks.nas.types import Genotype, Operation

NO_FILE = FileRef(uri="none", sha256="0" * 64, num_bytes=0)
STRATEGIES = {"control": RandomSearch, "evolution": Evolution, "predictor": Predictor}
RUNGS = tuple(
    Rung(
        image_px=8, num_filters=8, num_cells=1, num_images=n, num_validation=3000, num_epochs=epochs
    )
    for n, epochs in ((3000, 2), (9000, 3), (9000, 9))
)
SPACE = GenotypeSpace()


def quality(genotype: Genotype) -> float:
    """Between 0 and 1: separable convolutions are good, plain and dilated ones are not."""
    found = [e.operation for _, c in genotype.cells() for b in c.blocks for e in b.edges]
    worth = {"sep": 1.0, "max": 0.6, "avg": 0.5, "ide": 0.4}
    return float(np.mean([worth.get(operation[:3], 0.0) for operation in found]))


def mult_adds(genotype: Genotype) -> int:
    """Convolutions cost, most of all plain ones."""
    found = [e.operation for _, c in genotype.cells() for b in c.blocks for e in b.edges]
    price = {Operation.CONV_3X3: 160_000, Operation.CONV_1X7_7X1: 150_000}
    return 200_000 + sum(
        price.get(operation, 60_000 if "conv" in operation else 4_000) for operation in found
    )


def images() -> ImageData:
    """A data set of which only the description is there."""
    split = ImageSplit(
        images=NO_FILE, labels=NO_FILE, photos=NO_FILE, num_images=1, content="0" * 64
    )
    return ImageData(
        name="cifar10",
        source="a local folder of JPEG copies (lossy) <of CIFAR-10>",
        classes=("cat", "dog"),
        side_px=32,
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
        train=split,
        validation=split,
        test=split,
    )


def search_log(num_children=60, names=("control", "evolution-0"), seed=0) -> SearchLog:
    """Searches side by side; all but the first promote their best third."""
    rng = np.random.default_rng(seed)
    searchers = {
        name: STRATEGIES[name.split("-")[0]](SPACE.decisions, np.random.default_rng([seed, number]))
        for number, name in enumerate(names)
    }
    trials, genotypes, known = [], {}, {}
    seen = {name: [[], [], []] for name in names}
    for _ in range(num_children):
        for name, searcher in searchers.items():
            child = searcher.ask()
            genotype = canonical(SPACE.genotype(child))
            digest = genotype_hash(genotype)
            genotypes[digest] = GenotypeRecord.of(genotype)
            reward = None
            for rung in range(len(RUNGS)):
                trial = _trial(name, digest, rung, genotype, known, rng)
                trials.append(trial)
                known[digest, rung] = trial
                if rung == 0:
                    reward = trial.accuracy
                if trial.accuracy is None:
                    break
                seen[name][rung].append(trial.accuracy)
                is_last = name == names[0] or trial.accuracy < np.quantile(seen[name][rung], 2 / 3)
                if is_last:
                    break
            searcher.tell(child, reward)
    best = max(t.accuracy for t in trials if t.rung == 2 and t.accuracy is not None)
    return SearchLog(
        images=images(),
        rungs=RUNGS,
        searches=tuple(names),
        control=names[0],
        trials=tuple(trials),
        genotypes=genotypes,
        accuracy=best,
        children_cpu_s=sum(t.cpu_s for t in trials),
        driver_cpu_s=40.0,
    )


def _trial(search, digest, rung, genotype, known, rng):
    earlier = known.get((digest, rung))
    if earlier is not None:
        return earlier.model_copy(update={"search": search, "cpu_s": 0.0, "is_reused": True})
    fails = rng.random() < 0.02
    spread = (0.008, 0.005, 0.003)[rung]
    found = 0.26 + 0.07 * rung + 0.12 * quality(genotype) + spread * rng.standard_normal()
    cost = mult_adds(genotype)
    return Trial(
        search=search,
        genotype_hash=digest,
        rung=rung,
        accuracy=None if fails else round(float(found), 4),
        reason="the loss became NaN in epoch 1" if fails else "",
        num_params=0 if fails else cost // 25,
        mult_adds=0 if fails else cost,
        cpu_s=round((4.0, 15.0, 45.0)[rung] * cost / 1e6, 2),
        is_reused=False,
    )


def task(item_id, group, genotype=None, *, name="", search="", seed=0) -> TrainTask:
    """A network to train."""
    return TrainTask(
        item_id=item_id,
        group=group,
        name=name or item_id,
        search=search,
        genotype=None if genotype is None else GenotypeRecord.of(genotype),
        spec={},
        image_px=16,
        num_images=0,
        recipe={"num_epochs": 12},
        seed=seed,
        initial=None,
    )


def network(item_id, test_accuracy, *, mult_adds=3_000_000, image_cpu_s=1e-3) -> TrainedNetwork:
    """A trained network."""
    return TrainedNetwork(
        item_id=item_id,
        validation_accuracy=test_accuracy,
        test_accuracy=test_accuracy,
        train_loss=1.0,
        num_params=100_000,
        mult_adds=mult_adds,
        depthwise_share=0.2,
        train_cpu_s=100.0,
        image_cpu_s=image_cpu_s,
        curve=(test_accuracy,),
        weights=NO_FILE,
    )


def retrained_cells(log: SearchLog, num_top=5, num_random=20, num_seeds=3, seed=0):
    """The top cells of each search, random ones, and the winner beside known networks."""
    rng = np.random.default_rng(seed)
    tasks, networks = [], []

    def train(item, worth, image_cpu_s=1.5e-3):
        tasks.append(item)
        reached = 0.55 + 0.12 * worth + 0.005 * rng.standard_normal()
        cost = int(3_000_000 * (1 + 0.03 * rng.uniform(-1, 1)))
        networks.append(
            network(
                item.item_id,
                reached,
                mult_adds=cost,
                image_cpu_s=image_cpu_s * rng.uniform(0.7, 1.3),
            )
        )

    for search in log.searches:
        ends = [t for t in log.trials if t.search == search and t.accuracy is not None]
        hashes = list(dict.fromkeys(t.genotype_hash for t in sorted(ends, key=_rank)))
        is_control = search == log.control
        if is_control:  # the first ones, however good
            hashes = list(dict.fromkeys(t.genotype_hash for t in ends))
        for place, digest in enumerate(hashes[: num_random if is_control else num_top]):
            genotype = log.genotypes[digest].genotype()
            group = "random" if is_control else "top"
            item = task(f"{group}-{search}-{place}", group, genotype, search=search, seed=place)
            train(item, quality(genotype))
    top = [item for item in tasks if item.group == "top"]
    winner = max(top, key=lambda item: quality(item.genotype.genotype())).genotype.genotype()
    others = {"winner": winner, **PUBLISHED, "resnet": None, "mobilenet_v2": None}
    worth = {"nasnet_a": 0.85, "amoebanet_a": 0.8, "resnet": 0.7, "mobilenet_v2": 0.6}
    times = {"resnet": 4e-4, "mobilenet_v2": 9e-4}
    for name, genotype in others.items():
        for each in range(num_seeds):
            item = task(f"final-{name}-s{each}", "final", genotype, name=name, seed=each)
            train(item, worth.get(name, quality(winner)), times.get(name, 1.5e-3))
    return RetrainedCells(
        search=log,
        tasks=tuple(tasks),
        networks=tuple(networks),
        skipped={},
        winner=genotype_hash(winner),
        validation_accuracy=0.65,
    )


def _rank(trial):
    return -trial.rung, -trial.accuracy
