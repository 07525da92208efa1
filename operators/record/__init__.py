"""What happened: runs, numbers, pictures and models in MLflow.

`trackers` is for where no server keeps runs. `mlflow_tracker` opens and closes the runs of
pipelines and stages and fills them, over the REST calls of `mlflow_api`. `model_registry`
keeps networks with their golden outputs, and `champions` says which of them is the best; these two
alone import MLflow, and only when they are used.
"""
