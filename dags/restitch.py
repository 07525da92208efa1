"""Stitch rosette captures into panoramas again, with the misalignment taken out.

Dense optical flow between overlapping images, one global fit of a smooth warp per image, then
warping, seams and blending. What is published is never worse than the plain stitch.

`captures` is a folder that holds one folder per capture (`images/` and a rig), or one capture
itself. Results that earlier runs finished are used again. To run it by itself over a growing
archive, name it in `configs/schedules.yaml`; `ingest.place`, `.rig`, `.since` and `.until` choose
captures. `catalogue.parquet` in `publish.export_to` is a table of all of them.

An example of its params, for `make run`, the API (`conf`) or the form's *Configuration JSON*:

~~~json
{
  "captures": "/data/archive",
  "publish.export_to": "/data/panoramas"
}
~~~

Wiring only: the science is in `tasks/panorama`, what Airflow does with it in `operators/schedule`.
"""

from operators.schedule.pipeline import pipeline
from tasks.panorama.config import RestitchConfig

STAGES = "tasks.panorama.stages"

with pipeline(__file__, __doc__, config=RestitchConfig, tags=["panorama"]) as run:
    captures = run.stage(f"{STAGES}.ingest:ingest_captures")
    matches = run.map(f"{STAGES}.match:match_captures", captures)
    fields = run.map(f"{STAGES}.solve:solve_captures", matches)
    panoramas = run.map(f"{STAGES}.render:render_captures", fields)
    run.stage(f"{STAGES}.publish:publish_captures", panoramas, publishes=True)
