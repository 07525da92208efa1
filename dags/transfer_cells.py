"""Take cells to larger images and to detection, beside ResNet and MobileNetV2 at equal cost.

`genotype` is the name of published cells, a file (JSON, or `FILE.py:NAME` in DARTS' notation), or
the MLflow run of a `search_cells` that found them. They are stacked to three target sizes, and
trained on `data` (packed JPEGs, or a folder for each class) from scratch and from CIFAR weights. As
the backbone of Faster R-CNN they look for objects in generated pictures, or in images with boxes in
COCO's format.

The best model of each data set goes to MLflow's registry; it becomes its champion only if it
beats the one before on the same test images, and each version is announced as an asset of the
model. The asset of this pipeline names the report.

An example of its params, for `make run`, the API (`conf`) or the form's *Configuration JSON*:

~~~json
{
  "genotype": "nasnet_a",
  "data": "/data/images",
  "boxes": "scenes"
}
~~~

Wiring only: the science is in `tasks/nas`, what Airflow does with it in `operators/schedule`.
"""

from operators.schedule.pipeline import pipeline
from tasks.nas.transfer.config import TransferCellsConfig

STAGES = "tasks.nas.stages"

with pipeline(__file__, __doc__, config=TransferCellsConfig, tags=["nas"]) as run:
    cells = run.stage(f"{STAGES}.choose:choose_cells")
    data = run.stage(f"{STAGES}.prepare_transfer:prepare_transfer")
    networks = run.stage(f"{STAGES}.transfer:transfer_cells", cells, data)
    detectors = run.stage(f"{STAGES}.detect:detect_objects", networks)
    models = run.stage(f"{STAGES}.register:register_models", networks, registers=True)
    run.stage(f"{STAGES}.compare:compare_networks", networks, detectors, models, publishes=True)
