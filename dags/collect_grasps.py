"""Collect simulated grasp attempts over a bin, in parallel, in a format that people can load.

Each attempt keeps a picture without the arm, pictures with it, semantic masks, the camera, what
was commanded and what came of it. `world` chooses PyBullet, PyBullet with other looks, or the
surrogate, a MuJoCo world that stands in for a real robot.

`num_attempts` says how many; a later run with more of them goes on where the earlier one ended.
`publish.export_to` receives a copy with its data card, and LeRobot, WebDataset or RLDS exports
where switched on. The asset of this pipeline names each data set that passed the checks.

An example of its params, for `make run`, the API (`conf`) or the form's *Configuration JSON*:

~~~json
{
  "num_attempts": 12000,
  "world": "surrogate",
  "publish.export_to": "/data/grasps"
}
~~~

Wiring only: the science is in `tasks/grasping`, what Airflow does with it in `operators/schedule`.
"""

from operators.schedule.pipeline import pipeline
from tasks.grasping.config import CollectGraspsConfig

STAGES = "tasks.grasping.stages"

with pipeline(__file__, __doc__, config=CollectGraspsConfig, tags=["grasping"]) as run:
    plans = run.stage(f"{STAGES}.plan:plan_collection")
    shards = run.map(f"{STAGES}.collect:collect_shards", plans)
    checked = run.stage(f"{STAGES}.check:check_dataset", shards)
    run.stage(f"{STAGES}.publish:publish_dataset", checked, publishes=True)
