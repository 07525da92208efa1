"""What Airflow's servers load beside the pipelines, where its database is SQLite."""
