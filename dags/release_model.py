"""Release a version of a model: check it, ask it in the shadow, try it live, then promote it.

`model` and `version` (a number, or an alias) name it in MLflow's registry; the server of models
must have the model in `configs/serving.yaml`. The candidate is loaded beside the version that
answers. Its golden examples are replayed in all its networks; it is asked again what `log` keeps;
then it gets `steps` of the live requests, one share after the other. Each step ends after so many
answers, or as soon as there is evidence that it fails more often, is slower or disagrees: a
sequential test, whose chance of a false alarm in the whole release is at most `canary.alpha`.

A candidate that passes answers all from then on, at the server, across its restarts; else the
version before does, which was never away. Two releases of one model exclude each other. To start it
for each version that is registered, name the model's asset in `configs/schedules.yaml`.

An example of its params, for `make run`, the API (`conf`) or the form's *Configuration JSON*:

~~~json
{
  "model": "cells-cifar10",
  "version": "champion",
  "steps": [50, 200, 500]
}
~~~

Wiring only: the rest is in `tasks/serving`, what Airflow does with it in `operators/schedule`.
"""

from operators.schedule.pipeline import pipeline
from tasks.serving.release.config import ReleaseModelConfig

STAGES = "tasks.serving.stages"

with pipeline(__file__, __doc__, config=ReleaseModelConfig, tags=["serving"]) as run:
    candidate = run.stage(f"{STAGES}.fetch:fetch_candidate")
    checked = run.stage(f"{STAGES}.check:check_bundle", candidate)
    shadowed = run.stage(f"{STAGES}.shadow:ask_again", checked)
    canaried = run.stage(f"{STAGES}.canary:try_live", shadowed)
    run.stage(f"{STAGES}.decide:decide_release", canaried, publishes=True)
