"""Adapters that bring Airflow, Ray, Dask and MLflow to the ports of `tasks.core`.

In wings, each of which knows only those below it: `stack` starts servers, `schedule` turns
stages into Airflow tasks, `stage` runs one call of one, on `compute`, into `store`, noted in
`record`; beside `schedule`, `serving` answers for models. Below them, `installation` names
profiles and the environment's variables, and `tries` says how often anything is tried again, and
`plain_log` keeps what came from outside to one line of a log. Start with `stage.local`: it runs a
stage without any of the services.
"""
