"""Train a grasp predictor on simulation for another world, and see what adaptation is worth.

`simulation` and `real` are folders of data sets that `collect_grasps` published (worlds, splits and
labels are read from their rows); without them both are collected here. No robot takes part: what
stands in for one is the surrogate world, or simulation in a look whose edges don't follow shape
(`targets`). All methods of a table are trained, GraspGAN and what no network adapts among them;
validation names the best control, then the test split is opened.

The report has a verdict for each claim; the best adaptation of each target goes to MLflow's
registry, and is announced as an asset of the model.

An example of its params, for `make run`, the API (`conf`) or the form's *Configuration JSON*:

~~~json
{
  "targets": "bullet-structured",
  "num_train": 1200,
  "methods": "few"
}
~~~

Wiring only: the science is in `tasks/graspgan`, what Airflow does with it in `operators/schedule`.
"""

from operators.schedule.pipeline import pipeline
from tasks.graspgan.config import TrainGraspganConfig

STAGES = "tasks.graspgan.stages"

with pipeline(__file__, __doc__, config=TrainGraspganConfig, tags=["grasping"]) as run:
    attempts = run.stage(f"{STAGES}.collect:collect_attempts")
    crops = run.stage(f"{STAGES}.prepare:prepare_crops", attempts)
    pretrained = run.stage(f"{STAGES}.pretrain:pretrain", crops)
    adapted = run.stage(f"{STAGES}.adapt:adapt_looks", pretrained)
    trained = run.stage(f"{STAGES}.train:train_methods", adapted)
    evaluated = run.stage(f"{STAGES}.evaluate:evaluate_methods", trained)
    run.stage(f"{STAGES}.register:register_predictors", evaluated, registers=True)
    run.stage(f"{STAGES}.report:write_report", evaluated, publishes=True)
