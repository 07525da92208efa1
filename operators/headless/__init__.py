"""One pipeline without the full stack: Ray, MLflow and Airflow come up, run it, and go.

Read `run` first (`make run`): it checks the params (`settings`), takes a folder (`folders`), starts
or borrows Ray and MLflow (`servers`), and follows the process in which Airflow runs the DAG
(`child`).
"""
