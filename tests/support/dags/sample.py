"""Sample pipeline of the tests: numbers are listed, dealt out to groups, doubled and summed.

Only the wiring of an Airflow DAG stands here.
"""

from operators.schedule.pipeline import pipeline
from tests.support.kernel.sample_stages import SampleConfig

STAGES = "tests.support.kernel.sample_stages"

with pipeline(__file__, __doc__, config=SampleConfig, tags=["test"]) as run:
    numbers = run.stage(f"{STAGES}:list_numbers", task="list")
    groups = run.stage(f"{STAGES}:group_numbers", numbers, task="group")
    doubled = run.map(f"{STAGES}:double_numbers", groups, task="double")
    run.stage(
        "tests.support.kernel.sample_publish:sum_numbers", doubled, task="sum", publishes=True
    )
