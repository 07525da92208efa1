"""Three stages of a little work, as any pipeline wires them."""

from benchmarks.platform.work import ThreeConfig
from operators.schedule.pipeline import pipeline

WORK = "benchmarks.platform.work"

with pipeline(__file__, __doc__, config=ThreeConfig, tags=["benchmark"]) as run:
    first = run.stage(f"{WORK}:first_stage", task="first")
    second = run.stage(f"{WORK}:next_stage", first, task="second")
    run.stage(f"{WORK}:next_stage", second, task="third")
