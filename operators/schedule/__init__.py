"""What runs when: pipelines and stages as Airflow tasks, over Ray jobs."""
