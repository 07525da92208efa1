"""The same work as plain tasks that start a Ray of their own, as one would write it in Airflow."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG


def work(**context: Any) -> list[str]:
    """Do the items of one task on a Ray of its own."""
    from benchmarks.platform.bare import stage_on_a_ray_of_its_own

    upstream = list(context["task"].upstream_task_ids)
    values = context["ti"].xcom_pull(task_ids=upstream[0]) if upstream else ["0", "1"]
    return stage_on_a_ray_of_its_own(list(values))


with DAG(
    dag_id="plain_operator",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["benchmark"],
):
    names = ("first", "second", "third")
    tasks = [PythonOperator(task_id=name, python_callable=work) for name in names]
    for before, after in pairwise(tasks):
        before >> after
