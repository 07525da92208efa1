"""What runs when: pipelines and stages as Airflow tasks, over Ray jobs.

Read `pipeline` first: it wires the stages of a DAG file between two `run_tasks`, with its settings
as a `form`. `stage_operator` is one stage as a task, which finds a finished result, re-attaches to
a live job or submits one through the Jobs API (`operators.compute.ray_jobs`); `stage_trigger`
follows the job while the task holds no worker. Airflow is imported here, and in the process of a
headless run.
"""
