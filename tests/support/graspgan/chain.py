"""The stages of `train_graspgan` one after the other, as small as they can be; made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from operators.stage.local import LocalRun
from tasks.core.records import ArtifactRef
from tasks.graspgan.config import (
    AdaptConfig,
    CollectConfig,
    EvaluateConfig,
    PrepareConfig,
    PretrainConfig,
    ReportConfig,
    TrainConfig,
)
from tasks.graspgan.stages.adapt import adapt_looks
from tasks.graspgan.stages.collect import collect_attempts
from tasks.graspgan.stages.evaluate import evaluate_methods
from tasks.graspgan.stages.prepare import prepare_crops
from tasks.graspgan.stages.pretrain import pretrain
from tasks.graspgan.stages.report import write_report
from tasks.graspgan.stages.train import train_methods
from tasks.graspgan.trainings.config import DescentConfig, GeneratorConfig

COLLECT = CollectConfig(
    targets="bullet-structured", num_train=24, num_validation=24, num_test=24, size_px=64
)
FEW_STEPS = DescentConfig(num_steps=4, batch_size=8, num_points=2)
PRETRAIN = PretrainConfig(methods="few", num_seeds=1, plain=FEW_STEPS, randomised=FEW_STEPS)
GENERATOR = GeneratorConfig(num_steps=2, batch_size=4, num_points=1, width=8, num_scales=2)


@dataclass(frozen=True)
class Chain:
    """Results of all stages.

    Attributes:
        run: Reads them, and runs stages of its own.
        attempts: Of `collect`, and so on.
    """

    run: LocalRun
    attempts: ArtifactRef
    prepared: ArtifactRef
    pretrained: ArtifactRef
    adapted: ArtifactRef
    trained: ArtifactRef
    evaluated: ArtifactRef
    report: ArtifactRef


def run_chain(root: Path) -> Chain:
    """Run the stages, or find what an earlier call with the same folder left."""
    run = LocalRun(root / "artifacts", seed=0)
    attempts = run.run(collect_attempts, config=COLLECT)
    prepared = run.run(prepare_crops, attempts, config=PrepareConfig(num_looks=1))
    pretrained = run.run(pretrain, prepared, config=PRETRAIN)
    adapted = run.run(
        adapt_looks,
        pretrained,
        config=AdaptConfig(from_cut=GENERATOR, num_looks=1),
    )
    trained = run.run(train_methods, adapted, config=TrainConfig(descent=FEW_STEPS))
    evaluated = run.run(evaluate_methods, trained, config=EvaluateConfig(num_grasps=12))
    exported = ReportConfig(export_to=str(root / "page"))
    report = run.run(write_report, evaluated, config=exported)
    return Chain(run, attempts, prepared, pretrained, adapted, trained, evaluated, report)
