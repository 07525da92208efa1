"""What happened: runs, numbers, pictures and models in MLflow.

`trackers` is for where no server keeps runs. `mlflow_tracker` opens and closes the runs of
pipelines and stages and fills them, over the REST calls of `mlflow_api`. `model_registry`
keeps bundles of models (`tasks.bundle`), and fetches them; `orrery_network` lies beside each, to
load it elsewhere. `champions` says which of them is the best, `registrations` which a run
registered. None of the others imports MLflow, and these only when they are used.
"""
