"""A machine's servers: up, down, status, headless runs.

Read `services` first: commands, environment and signs of life of each server. `processes`
starts them in marked sessions and ends exactly those; `supervise` keeps all of them alive
(`make up`). `headless` runs one pipeline without the full stack (`make run`), with Airflow in
a process of its own, `headless_child`, on a database from `airflow_database`.
"""
