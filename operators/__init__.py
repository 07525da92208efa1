"""Adapters that bring Airflow, Ray, Dask and MLflow to the ports of `tasks.core`."""
