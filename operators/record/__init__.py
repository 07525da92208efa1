"""What happened: runs, numbers, pictures and models in MLflow.

`trackers` is for where no server keeps runs. `mlflow_tracker` opens and closes the runs of
pipelines and stages and fills them, over the REST calls of `mlflow_api`. `model_registry`
keeps networks with their golden outputs; it alone imports MLflow, and only when it is used.
"""
