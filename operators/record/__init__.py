"""What happened: runs, numbers, pictures and models in MLflow."""
