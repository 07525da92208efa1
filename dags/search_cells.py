"""Search the cells of a network on small images, as NASNet was found, and say what it gained.

`strategy` proposes children (PPO, evolution, a predictor or chance), `budget` says how many each
search trains, `proxy` how much is spent on one. A random control is part of every run. The best
cells are trained longer beside random ones; the winner is compared with published cells, ResNet
and MobileNetV2 at equal multiply-adds.

`data` is a folder with CIFAR, packed JPEGs or a folder for each class; without it CIFAR is
fetched. A run that was cut off goes on where it was, and children that an earlier run trained
under the same settings are not trained again. The asset of this pipeline names the winning cells,
which `transfer_cells` takes to larger images.

An example of its params, for `make run`, the API (`conf`) or the form's *Configuration JSON*:

~~~json
{
  "data": "/data/cifar10",
  "strategy": "ppo",
  "budget": 500
}
~~~

Wiring only: the science is in `tasks/nas`, what Airflow does with it in `operators/schedule`.
"""

from operators.schedule.pipeline import pipeline
from tasks.nas.config import SearchCellsConfig

STAGES = "tasks.nas.stages"

with pipeline(__file__, __doc__, config=SearchCellsConfig, tags=["nas"]) as run:
    images = run.stage(f"{STAGES}.prepare:prepare_images")
    found = run.stage(f"{STAGES}.search:search_cells", images)
    retrained = run.stage(f"{STAGES}.retrain:retrain_cells", found)
    run.stage(f"{STAGES}.report:report_search", retrained, publishes=True)
