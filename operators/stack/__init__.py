"""A machine's servers: up, down, status, headless runs.

Read `services` first: commands, environment and signs of life of each server. `servers` keeps
them alive under one supervisor, for `supervise` (`make up`) and for `headless`, which runs one
pipeline without the full stack (`make run`), with Airflow in a process of its own,
`headless_child`, on a database from `airflow_database`. `processes` starts everything in marked
sessions and ends exactly that; `interrupts` lets a run that is told to end do so in order.
"""
